package endpoint

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// wish is what a client prefers (RFC 7240): to be answered at once, or to wait.
// What can't be read is no wish: a preference never refuses a request.
type wish struct {
	async bool          // respond-async
	wait  time.Duration // wait=N; 0 = none
}

// wishOf reads the Prefer headers. Of a preference that comes twice the first counts.
func wishOf(head http.Header) wish {
	var w wish
	waits := false
	for _, line := range head.Values("Prefer") {
		for p := range strings.SplitSeq(line, ",") {
			p, _, _ = strings.Cut(p, ";") // parameters: none that we know
			name, value, _ := strings.Cut(p, "=")
			switch strings.ToLower(strings.Trim(name, " \t")) {
			case "respond-async":
				w.async = true
			case "wait":
				if !waits {
					w.wait, waits = seconds(value), true
				}
			}
		}
	}
	return w
}

// seconds reads a number of them; 0 if it isn't one, and no more than an hour, which
// is more than anybody grants.
func seconds(s string) time.Duration {
	s = strings.Trim(s, " \t")
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		s = s[1 : len(s)-1]
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil && n == 0 { // what is too large is an error with the largest number
		return 0
	}
	return time.Duration(min(n, 3600)) * time.Second
}

// grant cuts a wish to what this service gives, and says so.
func (h *Handler[T, R]) grant(c *call) time.Duration {
	w := wishOf(c.r.Header)
	wait := min(w.wait, orDefault(h.MaxWait, DefaultMaxWait))
	var applied []string
	if w.async && c.r.Method == http.MethodPost {
		applied = append(applied, "respond-async")
	}
	if wait > 0 {
		applied = append(applied, "wait="+strconv.FormatInt(int64(wait/time.Second), 10))
	}
	if applied != nil {
		c.w.Header().Set("Preference-Applied", strings.Join(applied, ", "))
	}
	return wait
}
