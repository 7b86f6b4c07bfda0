package broker

import (
	"time"

	"github.com/leat-go/leat/backends"
)

// Without records a job is its message: fire and forget. The broker's lease is
// all that fences, and attempts are those that the message counts.

// plain makes a lease of a message.
func (c *claim) plain(now int64) *backends.Lease {
	m := c.m
	switch {
	case m.Deadline != 0 && m.Deadline <= now:
		return c.leave(acked(c.d)) // expired, and nobody is told
	case m.Due > now:
		return c.leave(c.later(c.d, m, m.Due))
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
	h.runs.Store(true)
	c.leases.add(h)
	return h.lease(false)
}

func (h *held) beatPlain() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.left {
		return backends.ErrLost
	}
	return nil
}

// settlePlain decides by the same rules, on a record that nobody keeps. A debt
// that isn't paid at once runs the job again: nothing else remembers it.
func (b *Backend) settlePlain(h *held, s *backends.Settlement) (*leaving, error) {
	now, policy := time.Now().UnixNano(), b.policy()
	life, err := h.r.Life.Settle(h.r.facts(now, policy), s)
	if err != nil {
		return nil, err
	}
	after := *h.r
	after.Life = life
	h.r = &after
	b.over(h)
	if m := *h.m; life.State == backends.Waiting && !h.left && b.carries(s) {
		m.Due, m.Attempt = life.Due, life.Attempt
		return b.anew(h.d, &m), nil
	}
	return b.leave(h, &after, s), nil
}

// carries says that the next message must bring the count of attempts along: the
// broker would count one that wasn't, or doesn't count, or gets a new message anyway.
func (b *Backend) carries(s *backends.Settlement) bool {
	hops := b.facts.MaxDelay > 0 && !b.facts.FIFO
	if s.Verb == backends.Retry {
		return !b.facts.Counts || hops && s.Delay > b.facts.MaxNack
	}
	return hops
}
