package broker

import (
	"context"
	"time"

	"github.com/leat-go/leat/backends"
)

// end writes an end without a run. What it owes is announced by whoever can: the
// same message comes again.
func (c *claim) end(ctx context.Context, r *record) (*backends.Lease, error) {
	if !c.m.Wake {
		r.keepPayload(c.m.payload())
	}
	switch r.Life.State {
	case backends.Superseded:
		r.SupersededBy = c.p.ID
	case backends.Dead:
		r.Reason = backends.ReasonCrashed
	}
	v, err := c.put(ctx, c.r, r, c.version)
	if err != nil {
		return nil, err
	}
	if r.Life.Due == 0 {
		return c.leave(acked(c.d)), nil
	}
	c.r, c.version = r, v
	return c.announce(ctx)
}

// revive starts the next life of a dead or cancelled job. What the old one owed
// has left, else there would have been no redrive.
func (c *claim) revive(ctx context.Context) error {
	if c.r.Redriven == 0 || c.m.Generation != c.r.Life.Generation+1 {
		c.leave(acked(c.d))
		return nil
	}
	next, err := c.r.revived(c.policy())
	if err != nil {
		return err
	}
	if _, err := c.put(ctx, c.r, next, c.version); err != nil {
		return err
	}
	return backends.ErrConflict // look again
}

// over is for an end that owes nothing any more. One that was written by somebody
// without the payload gets it from the message, for a redrive.
func (c *claim) over(ctx context.Context) error {
	if !c.m.Wake && c.r.Life.State == backends.Cancelled && !c.r.HasPayload && c.r.Redriven == 0 {
		next := *c.r
		next.keepPayload(c.m.payload())
		if next.HasPayload {
			if _, err := c.put(ctx, c.r, &next, c.version); err != nil {
				return err
			}
		}
	}
	c.leave(acked(c.d))
	return nil
}

// announce leases an end to a worker that can pay all that it owes.
func (c *claim) announce(ctx context.Context) (*backends.Lease, error) {
	life := c.r.Life
	if life.Leased {
		life.Due = min(life.Due, c.now) // its own message came back: the lease has lapsed
	}
	next, turn := life.Claim(c.r.facts(c.now, c.policy()), c.req.Lease, c.req.CanAnnounce)
	switch {
	case turn == backends.NotYet && life.Due > c.now:
		return c.leave(c.later(c.d, c.m, life.Due)), nil
	case turn == backends.NotYet:
		return c.leave(c.backIn(c.d, unpaid)), nil
	}
	r := c.r.moved(next, c.now, c.policy())
	if turn == backends.GaveUp {
		if _, err := c.put(ctx, c.r, r, c.version); err != nil {
			return nil, err
		}
		return c.leave(acked(c.d)), nil
	}
	return c.hold(ctx, r, true)
}

// unpaid is how long an end waits for a worker that can announce it.
const unpaid = 2 * time.Second
