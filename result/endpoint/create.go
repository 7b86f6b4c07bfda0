package endpoint

import (
	"context"
	"net/http"

	"github.com/leat-go/leat/internal/seam"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result"
)

// create enqueues the job that a POST asks for.
func (h *Handler[T, R]) create(ctx context.Context, c *call, in *seam.Queue) error {
	key, err := keyOf(c.r.Header, h.RequireKey)
	if err != nil {
		return err
	}
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
	if err != nil {
		return err
	}
	return h.accept(ctx, c, t)
}

// accept tells the client where its job is. A job that was there before may be in
// any state.
func (h *Handler[T, R]) accept(ctx context.Context, c *call, t queue.Ticket) error {
	body := newAccepted(c.base, t.ID)
	c.w.Header().Set("Location", body.Links.Self)
	c.retryAfter(orDefault(h.RetryAfter, DefaultRetryAfter))
	if t.Duplicate {
		if s, err := result.Lookup(ctx, h.q, t.Ref); err == nil {
			return h.status(c, http.StatusAccepted, s)
		}
	} else {
		body.State = queue.Waiting.String()
	}
	return c.json(http.StatusAccepted, "application/json", body)
}
