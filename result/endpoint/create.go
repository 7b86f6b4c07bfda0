package endpoint

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/leat-go/leat/internal/seam"
	"github.com/leat-go/leat/queue"
)

// create enqueues the job that a POST asks for.
func (h *Handler[T, R]) create(ctx context.Context, c *call, in *seam.Queue) error {
	key, err := keyOf(c.r.Header, h.RequireKey)
	if err != nil {
		return err
	}
	wait := h.grant(c)
	args, err := h.args(c, in)
	if err != nil {
		return err
	}
	if h.Validate != nil {
		if err := h.Validate(ctx, c.tenant, args); err != nil {
			return h.chosen(c, "Validate", err, refused)
		}
	}
	opts := []queue.Option{queue.Key(key)}
	if h.Options != nil {
		opts = append(opts, h.Options(c.r, args)...)
	}
	opts = append(opts, queue.Tenant(c.tenant)) // last: nothing a hook says changes whose job it is
	t, err := h.q.Enqueue(ctx, args, opts...)
	if errors.Is(err, queue.ErrBacklogFull) {
		return h.full(c, in)
	}
	if err != nil {
		return err
	}
	return h.accept(ctx, c, t, wait)
}

// accept tells the client where its job is, and how it stands, as far as that is known:
// a job that was there before may be in any state. It exists by now: what goes wrong with
// reading it is no refusal.
func (h *Handler[T, R]) accept(ctx context.Context, c *call, t queue.Ticket, wait time.Duration) error {
	body := newAccepted(c.base, t.ID)
	c.w.Header().Set("Location", body.Links.Self)
	if wait > 0 || t.Duplicate {
		s, done, err := h.waitForResult(ctx, c, t, wait)
		if done {
			return err
		}
		if err == nil {
			h.pace(c, s)
			return h.status(c, http.StatusAccepted, s)
		}
	} else {
		body.State = queue.Waiting.String()
		c.retryAfter(orDefault(h.RetryAfter, DefaultRetryAfter))
		return c.json(http.StatusAccepted, "application/json", body)
	}
	c.w.Header().Del("Preference-Applied")
	c.retryAfter(orDefault(h.RetryAfter, DefaultRetryAfter))
	return c.json(http.StatusAccepted, "application/json", body)
}

// full says how much the backlog holds, and when to come again
// (draft-ietf-httpapi-ratelimit-headers-10).
func (h *Handler[T, R]) full(c *call, in *seam.Queue) error {
	p := *backlogFull
	again := (orDefault(h.RetryAfter, DefaultRetryAfter) + time.Second - 1) / time.Second
	p.Header = http.Header{"Ratelimit": {fmt.Sprintf(`"backlog";r=0;t=%d`, again)}}
	if most := cmp.Or(in.Filled.Of(c.tenant).Backlog, in.Filled.Backlog); most > 0 {
		p.Header.Set("RateLimit-Policy", fmt.Sprintf(`"backlog";q=%d;qu="concurrent-requests"`, most))
	}
	return &p
}
