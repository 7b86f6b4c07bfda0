package announce

import (
	"strings"

	"github.com/leat-go/leat/queue"
)

// contentType says "structured mode" to every CloudEvents library.
const contentType = "application/cloudevents+json; charset=UTF-8"

// attributes are the message's metadata: what subscriptions filter by. AWS takes
// ten, and no empty ones.
func (t *Topic) attributes(e *queue.Event) map[string]string {
	m := map[string]string{"content-type": contentType}
	for name, value := range map[string]string{
		"type": t.typeOf(e), "state": e.State.String(), "queue": e.Queue, "kind": e.Kind, "tenant": e.Ref.Tenant,
	} {
		if value != "" {
			m[name] = percent(value)
		}
	}
	return m
}

// percent encodes what may harm a header: a tenant's name with a line break would
// be a header of its own. The rule is of the CloudEvents HTTP binding, 3.1.3.2.
func percent(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '%' {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
