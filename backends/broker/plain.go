package broker

import (
	"context"
	"time"

	"github.com/leat-go/leat/backends"
)

// Without records a job is its message: fire and forget. The broker's lease is
// all that fences, and attempts are those that the message counts.

// plain makes a lease of a message.
func (c *claim) plain(ctx context.Context, now int64) (*backends.Lease, error) {
	m := c.m
	switch {
	case m.Deadline != 0 && m.Deadline <= now:
		return nil, c.ack(ctx, c.d) // expired, and nobody is told
	case m.Due > now:
		return nil, c.later(ctx, c.d, m, m.Due)
	}
	r := &record{
		Queue: m.Queue, Job: m.Job, Order: m.Order, Created: m.Created, Deadline: m.Deadline,
		Policy: c.policy().Filled().Owes,
	}
	r.Life = backends.Life{
		State: backends.Running, Leased: true, Generation: m.Generation, Place: m.Due,
		Attempt: m.Attempt + int32(max(1, c.d.Receives)), Token: uint64(m.Send) + uint64(max(1, c.d.Receives)),
		Due: now + int64(c.req.Lease),
	}
	h := &held{d: c.d, m: m, r: r}
	h.ends.Store(r.Life.Due)
	return h.lease(false), nil
}

func (h *held) beatPlain() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.left {
		return backends.ErrLost
	}
	return nil
}

// settlePlain decides by the same rules, on a record that nobody keeps.
func (b *Backend) settlePlain(ctx context.Context, h *held, s *backends.Settlement) error {
	now, policy := time.Now().UnixNano(), b.policy()
	life, err := h.r.Life.Settle(h.r.facts(now, policy), s)
	if err != nil {
		return err
	}
	after := *h.r
	after.Life = life
	if err := b.leavePlain(ctx, h, &after, s); err != nil {
		return err
	}
	h.r = &after
	return nil
}

// leavePlain settles the message. A debt that isn't paid at once runs the job
// again: nothing else remembers it.
func (b *Backend) leavePlain(ctx context.Context, h *held, r *record, s *backends.Settlement) error {
	if s.Verb == backends.Snooze || s.Verb == backends.Release {
		if m := *h.m; b.facts.MaxDelay > 0 && !b.facts.FIFO && !h.left { // keeps the count of attempts
			m.Due, m.Attempt = r.Life.Due, r.Life.Attempt
			h.left = true
			return b.anew(ctx, h.d, &m)
		}
	}
	return b.leave(ctx, h, r, s)
}
