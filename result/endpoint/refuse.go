package endpoint

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"

	"github.com/leat-go/leat/internal/telemetry"
	"github.com/leat-go/leat/queue"
)

// refusal is a Problem as it is sent.
type refusal struct {
	Type   string `json:"type"`
	Title  string `json:"title,omitempty"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	Links  *links `json:"links,omitempty"`
}

// refuse answers with the problem of err.
func (h *Handler[T, R]) refuse(c *call, err error) {
	p, mine := problemOf(err)
	if mine && c.given.Context().Err() == nil { // else it is the client who has gone
		level := slog.LevelError
		if p.Status < 500 {
			level = slog.LevelWarn
		}
		h.log(c, level, "leat: endpoint: a request failed", err, slog.Int("status", p.Status))
	}
	h.send(c, p)
}

func (h *Handler[T, R]) send(c *call, p *Problem) {
	head := c.w.Header()
	for _, ours := range [...]string{"Content-Location", "ETag", "Location", "Preference-Applied", "Retry-After"} {
		head.Del(ours)
	}
	for name, values := range p.Header {
		head[http.CanonicalHeaderKey(name)] = values
	}
	if (p.Status == http.StatusTooManyRequests || p.Status == http.StatusServiceUnavailable) && head.Get("Retry-After") == "" {
		c.retryAfter(orDefault(h.RetryAfter, DefaultRetryAfter))
	}
	body := refusal{Type: p.Type, Title: p.Title, Status: p.Status, Detail: p.Detail}
	if p.links != (links{}) {
		body.Links = &p.links
	}
	_ = c.json(p.Status, "application/problem+json", body) // strings and numbers can be encoded
}

// rescue turns a panic into a problem, or breaks the answer off if it has begun.
func (h *Handler[T, R]) rescue(c *call) {
	v := recover()
	if v == nil {
		return
	}
	if v == http.ErrAbortHandler {
		panic(v)
	}
	// The value may quote what the hook was given: its type must do.
	h.log(c, slog.LevelError, "leat: endpoint: panic", nil, slog.String("panic", fmt.Sprintf("%T", v)), slog.String("stack", string(debug.Stack())))
	if c.w.begun {
		panic(http.ErrAbortHandler)
	}
	h.send(c, internal)
}

// log writes types, never texts: an error may quote a payload, or a password.
func (h *Handler[T, R]) log(c *call, level slog.Level, msg string, err error, more ...slog.Attr) {
	l := h.Logger
	if l == nil {
		l = slog.Default()
	}
	attrs := append(more, slog.String("queue", h.q.Name()))
	if c.at.id != "" {
		attrs = append(attrs, slog.String("job", c.at.id))
	}
	if err != nil {
		attrs = append(attrs, slog.String("err_type", typeOf(err)))
	}
	if wrong, ok := errors.AsType[*queue.InvalidError](err); ok {
		attrs = append(attrs, slog.String("field", wrong.Field))
	}
	l.LogAttrs(c.r.Context(), level, msg, attrs...)
}

// typeOf is the type of what is at the bottom of an error: what it was before
// others wrapped it.
func typeOf(err error) string {
	for {
		inner := errors.Unwrap(err)
		if many, ok := err.(interface{ Unwrap() []error }); ok && len(many.Unwrap()) > 0 {
			inner = many.Unwrap()[0]
		}
		if inner == nil {
			return telemetry.TypeOf(err)
		}
		err = inner
	}
}
