package endpoint

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/leat-go/leat/queue"
)

// call is one request and its answer.
type call struct {
	w     *answer
	r     *http.Request // with a deadline, and a bounded body
	given *http.Request // as it came, for what may stream longer

	tenant string
	at     place
	base   string // of links
}

func newCall(w http.ResponseWriter, r *http.Request, ctx context.Context, maxBody int64) *call {
	head := w.Header()
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Cache-Control", "no-store")
	c := &call{w: &answer{ResponseWriter: w}, r: r.WithContext(ctx), given: r}
	if c.r.Body == nil {
		c.r.Body = http.NoBody
	}
	c.r.Body = http.MaxBytesReader(w, c.r.Body, maxBody)
	return c
}

// bodyWithin bounds how long a body may take to come, where the server doesn't. It lifts
// that once the body is there. A writer that can't is one without a slow client.
func (c *call) bodyWithin(d time.Duration) {
	if s, ok := c.given.Context().Value(http.ServerContextKey).(*http.Server); ok && s.ReadTimeout > 0 {
		return
	}
	_ = http.NewResponseController(c.w.ResponseWriter).SetReadDeadline(time.Now().Add(d))
}

func (c *call) ref() queue.Ref { return queue.Ref{Tenant: c.tenant, ID: c.at.id} }

// otherMethod answers OPTIONS, and refuses what is left.
func (c *call) otherMethod() error {
	if c.r.Method != http.MethodOptions {
		p := *methodNotAllowed
		p.Header = http.Header{"Allow": {allow[c.at.thing]}}
		return &p
	}
	c.w.Header().Set("Allow", allow[c.at.thing])
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// unchanged answers with 304 if the client has this version already.
func (c *call) unchanged(tag string) bool {
	if c.r.Method == http.MethodPost { // whose answer is nothing that a client has
		return false
	}
	c.w.Header().Set("ETag", tag)
	if !matches(c.r.Header.Values("If-None-Match"), tag) {
		return false
	}
	c.w.WriteHeader(http.StatusNotModified)
	return true
}

// matches compares as RFC 9110, section 13.1.2, says: weakly.
func matches(ifNoneMatch []string, tag string) bool {
	for _, line := range ifNoneMatch {
		for t := range strings.SplitSeq(line, ",") {
			t = strings.TrimSpace(t)
			if t == "*" || strings.TrimPrefix(t, "W/") == tag {
				return true
			}
		}
	}
	return false
}

// json answers with v, which can be encoded.
func (c *call) json(status int, mime string, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return &mishap{internal, err}
	}
	head := c.w.Header()
	head.Set("Content-Type", mime)
	head.Set("Content-Length", strconv.Itoa(len(body)))
	c.w.WriteHeader(status)
	if c.r.Method != http.MethodHead {
		_, _ = c.w.Write(body) // a client that has gone misses nothing
	}
	return nil
}

// retryAfter tells the client when to look again.
func (c *call) retryAfter(d time.Duration) {
	seconds := (d + time.Second - 1) / time.Second
	c.w.Header().Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
}

// answer knows whether it has begun, after which nothing can be taken back.
type answer struct {
	http.ResponseWriter
	begun bool
}

func (a *answer) WriteHeader(status int) {
	a.begun = true
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	a.begun = true
	return a.ResponseWriter.Write(p)
}
