package broker

import (
	"context"
	"time"

	"github.com/leat-go/leat/backends"
)

// begin runs the job, or writes the end that awaits it, or leaves it for later.
func (c *claim) begin(ctx context.Context) (*backends.Lease, error) {
	policy := c.policy()
	facts := c.r.facts(c.now, policy)
	life := c.r.Life
	life.Overtaken = c.p.overtaken(c.r)
	next := *c.r
	if life.State == backends.Running {
		life.Due = c.now // its holder's message came back, or the run must be over
	} else if end, ended := life.Expire(facts); ended {
		return c.end(ctx, c.r.moved(end, c.now, policy))
	}
	if life.State == backends.Waiting && life.Place > c.now && life.Overtaken == backends.Newest {
		return c.leave(c.later(c.d, c.m, life.Place)), nil
	}
	if life.Held() && life.Overtaken == backends.Newest {
		seen, err := c.advance(ctx, c.r)
		if err != nil {
			return nil, err
		}
		if !seen.complete(c.r.Job.Batch.Tolerate) {
			return nil, c.waitForMembers(ctx, seen)
		}
		next.Batch = &seen
	}
	if life.Held() {
		life = life.Unhold(facts)
	}
	life.Due = min(life.Due, c.now) // an overtaken one need not wait for its time
	wait, err := c.mustTrail(ctx, c.r, c.p, c.now)
	if err != nil {
		return nil, err
	}
	if wait && life.Overtaken == backends.Newest {
		return c.leave(c.backIn(c.d, trailPoll)), nil
	}
	life, turn := life.Claim(facts, c.req.Lease, c.req.CanAnnounce)
	r := next.moved(life, c.now, policy)
	if turn == backends.Over {
		return c.end(ctx, r)
	}
	if err := c.name(ctx); err != nil {
		return nil, err
	}
	return c.hold(ctx, r, false)
}

// trailPoll is how often a trailing job looks whether the older one still runs.
const trailPoll = 2 * time.Second

// name says in the pointer who runs, with an until that the record gets as well,
// and raises it once more, as the producer may have died before it did.
func (c *claim) name(ctx context.Context) error {
	if c.r.Job.Supersede == "" {
		return nil
	}
	return c.putPointer(ctx, c.r, c.p.raised(c.r).running(c.r, c.now, c.until()), c.pv)
}

// until is when a run, or an announcement, must be over: beats renew the message
// until then, and the record isn't written for them.
func (c *claim) until() int64 {
	limit := c.req.RunLimit
	if c.r.Job.RunLimit > 0 {
		limit = c.r.Job.RunLimit
	}
	return c.now + int64(limit+c.req.Grace)
}

// hold writes the claim and makes the lease.
func (c *claim) hold(ctx context.Context, r *record, announce bool) (*backends.Lease, error) {
	r.Holder, r.Until = c.d.ID, max(c.until(), r.Life.Due)
	v, err := c.put(ctx, c.r, r, c.version)
	if err != nil {
		return nil, err
	}
	h := &held{d: c.d, m: c.m, r: r, version: v, token: r.Life.Token}
	h.ends.Store(r.Life.Due)
	h.runs.Store(!announce)
	c.leases.add(h)
	return h.lease(announce), nil
}

// waitForMembers writes how far the cursor came, and comes again later. It is
// sent anew, as a nack would use up the broker's count of deliveries.
func (c *claim) waitForMembers(ctx context.Context, seen batch) error {
	if seen != *c.r.Batch {
		next := *c.r
		next.Batch = &seen
		next.Seq++
		if _, err := c.put(ctx, c.r, &next, c.version); err != nil {
			return err
		}
	}
	due := c.now + int64(collationDelay(c.m.Send))
	if c.r.Deadline != 0 {
		due = min(due, max(c.now, c.r.Deadline))
	}
	if c.facts.FIFO || c.facts.MaxDelay == 0 {
		c.leave(c.backIn(c.d, time.Duration(due-c.now)))
		return nil
	}
	m := *c.m
	m.Due = due
	c.leave(c.anew(c.d, &m))
	return nil
}
