package announce

import (
	"regexp"
	"strings"
)

// The headers of W3C trace context, and the CloudEvents attributes of that name.
const (
	traceParent = "traceparent"
	traceState  = "tracestate"
)

var parentForm = regexp.MustCompile(`^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)

// trace is the trace context among a job's headers, if it is well formed: the
// other headers are the caller's own, and go to nobody's topic.
func trace(headers map[string]string) (parent, state string) {
	parent, state = headers[traceParent], headers[traceState]
	if !parentForm.MatchString(parent) || strings.HasPrefix(parent, "ff-") {
		return "", ""
	}
	if len(state) > 512 || strings.ContainsFunc(state, func(c rune) bool { return c < ' ' || c > '~' }) {
		state = ""
	}
	return parent, state
}
