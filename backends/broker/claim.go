package broker

import (
	"context"
	"errors"
	"time"

	"github.com/leat-go/leat/backends"
)

// Claim receives for free slots only, and finds out what each message means.
func (b *Backend) Claim(ctx context.Context, req backends.ClaimRequest) ([]*backends.Lease, error) {
	if err := req.Check(b.Features()); err != nil {
		return nil, err
	}
	if req.RunLimit == 0 {
		req.RunLimit = defaultRunLimit
	}
	ctx, leave, err := b.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	if err := b.serve(req.Queue, req.Policy); err != nil {
		return nil, err
	}
	for {
		leases, err := b.receive(ctx, &req)
		if len(leases) > 0 || err != nil {
			return leases, b.why(err)
		}
	}
}

// receive is one round: it may find that no message was for running.
func (b *Backend) receive(ctx context.Context, req *backends.ClaimRequest) ([]*backends.Lease, error) {
	deliveries, err := b.transport.Receive(ctx, req.Max, req.Lease)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		b.unwell(err)
		return nil, err
	}
	// What is leased is seen through, though the caller leaves: a record that
	// was written needs its message settled.
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if ctx.Err() != nil {
		b.giveBack(late, deliveries)
		return nil, ctx.Err()
	}
	found := make([]*backends.Lease, len(deliveries))
	missing := make([]error, len(deliveries))
	parallel(len(deliveries), func(i int) { found[i], missing[i] = b.take(late, deliveries[i], req) })
	b.unwell(errors.Join(missing...))
	leases := found[:0]
	for _, l := range found {
		if l != nil {
			leases = append(leases, l)
		}
	}
	if len(leases) == 0 && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return leases, nil
}

func (b *Backend) giveBack(ctx context.Context, deliveries []*Delivery) {
	nacks := make([]Nack, len(deliveries))
	for i, d := range deliveries {
		nacks[i].Delivery = d
	}
	if _, err := b.transport.Nack(ctx, nacks); err != nil {
		b.unwell(err)
	}
}

// take deals with one message. The error is for health alone: a message about
// which nothing is known is given back, never acked.
func (b *Backend) take(ctx context.Context, d *Delivery, req *backends.ClaimRequest) (*backends.Lease, error) {
	c := &claim{Backend: b, d: d, req: req}
	l, err := c.run(ctx)
	if err != nil {
		b.logger().WarnContext(ctx, "broker: a message is put back", "message", d.ID, "error", err)
		err = errors.Join(err, b.nack(ctx, d, troubled))
	}
	return l, err
}

// troubled is how long a message waits that nobody could make sense of.
const troubled = 5 * time.Second

// claim is one message on its way to a lease.
type claim struct {
	*Backend
	d   *Delivery
	m   *envelope
	req *backends.ClaimRequest

	r       *record
	version backends.Version
	p       pointer
	pv      backends.Version
	now     int64
	until   int64
}

// run goes through what a message may mean, in the protocol's order.
func (c *claim) run(ctx context.Context) (*backends.Lease, error) {
	if err := c.open(ctx); err != nil {
		return nil, err
	}
	now := time.Now().UnixNano()
	if c.far(now) {
		return nil, c.anew(ctx, c.d, c.m)
	}
	if c.records == nil {
		return c.plain(ctx, now)
	}
	hint := c.m.Hint
	for range tries {
		if err := c.read(ctx, hint); err != nil {
			return nil, err
		}
		hint = ""
		l, err := c.step(ctx)
		if !errors.Is(err, backends.ErrConflict) {
			return l, err
		}
	}
	return nil, errBusy
}

// open reads the envelope. A message without one is a job of its own.
func (c *claim) open(ctx context.Context) (err error) {
	c.m, err = decode(c.d.Body)
	if errors.Is(err, errForeign) {
		c.m, err = c.adopt(ctx, c.d)
	}
	if err == nil && c.m.Queue != c.req.Queue {
		return errStray
	}
	return err
}

var errStray = errors.New("message of another queue name")

// far says that the broker could not hold the message back long enough: it hops.
func (c *claim) far(now int64) bool {
	return !c.facts.FIFO && c.facts.MaxDelay > 0 && c.m.at()-now > int64(c.facts.MaxDelay)
}

// read loads what the decision needs.
func (c *claim) read(ctx context.Context, hint backends.Version) (err error) {
	c.r, c.version, err = c.load(ctx, recordKey(backends.Ref{Tenant: c.m.Job.Tenant, ID: c.m.Job.ID}), hint)
	if err != nil {
		return err
	}
	if c.r == nil {
		return errNoRecord
	}
	if !c.r.Life.State.Ended() {
		c.p, c.pv, err = c.pointerOf(ctx, c.r)
	}
	c.now = time.Now().UnixNano()
	return err
}

// errNoRecord: the message of another deployment, or a record store that lost
// its records. Only the broker's own redrive policy may remove it.
var errNoRecord = errors.New("message without a record")

// step does what the message means; ErrConflict = somebody wrote: look again.
func (c *claim) step(ctx context.Context) (*backends.Lease, error) {
	life := c.r.Life
	switch {
	case c.m.Generation < life.Generation:
		return nil, c.ack(ctx, c.d)
	case c.m.Generation > life.Generation:
		return nil, c.revive(ctx)
	case life.State.Ended() && life.Due == 0:
		return nil, c.over(ctx)
	case c.spare():
		return nil, c.nack(ctx, c.d, time.Duration(max(int64(time.Second), c.r.Until-c.now)))
	case life.State.Ended():
		return c.announce(ctx)
	case c.m.Wake: // it says only that something ended
		return nil, c.ack(ctx, c.d)
	}
	return c.begin(ctx)
}

// spare says that another message holds the lease: it alone may take it over,
// until the run must be over. The spare is kept, as the other may be gone.
func (c *claim) spare() bool {
	return c.r.Life.Leased && c.r.Holder != c.d.ID && c.r.Until > c.now
}

// revive starts the next life of a dead or cancelled job. What the old one owed
// has left, else there would have been no redrive.
func (c *claim) revive(ctx context.Context) error {
	if c.r.Redriven == 0 || c.m.Generation != c.r.Life.Generation+1 {
		return c.ack(ctx, c.d)
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
	return c.ack(ctx, c.d)
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
		return nil, c.later(ctx, c.d, c.m, life.Due)
	case turn == backends.NotYet:
		return nil, c.nack(ctx, c.d, unpaid)
	}
	r := c.r.moved(next, c.now, c.policy())
	if turn == backends.GaveUp {
		if _, err := c.put(ctx, c.r, r, c.version); err != nil {
			return nil, err
		}
		return nil, c.ack(ctx, c.d)
	}
	return c.hold(ctx, r, true)
}

// unpaid is how long an end waits for a worker that can announce it.
const unpaid = 2 * time.Second

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
		return nil, c.later(ctx, c.d, c.m, life.Place)
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
	if err != nil || wait && life.Overtaken == backends.Newest {
		return nil, errors.Join(err, c.nack(ctx, c.d, 2*time.Second))
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

// name says in the pointer who runs, with an until that the record gets as well,
// and raises it once more, as the producer may have died before it did.
func (c *claim) name(ctx context.Context) error {
	limit := c.req.RunLimit
	if c.r.Job.RunLimit > 0 {
		limit = c.r.Job.RunLimit
	}
	c.until = c.now + int64(limit+c.req.Grace)
	if c.r.Job.Supersede == "" {
		return nil
	}
	return c.putPointer(ctx, c.r, c.p.raised(c.r).running(c.r, c.now, c.until), c.pv)
}

// hold writes the claim and makes the lease.
func (c *claim) hold(ctx context.Context, r *record, announce bool) (*backends.Lease, error) {
	if announce {
		c.until = c.now + int64(c.req.Lease+c.req.Grace)
	}
	r.Holder, r.Until = c.d.ID, max(c.until, r.Life.Due)
	v, err := c.put(ctx, c.r, r, c.version)
	if err != nil {
		return nil, err
	}
	h := &held{d: c.d, m: c.m, r: r, version: v, token: r.Life.Token}
	h.ends.Store(r.Life.Due)
	c.leases.add(h)
	return h.lease(announce), nil
}

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
		return nil, c.ack(ctx, c.d)
	}
	c.r, c.version = r, v
	return c.announce(ctx)
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
		return c.nack(ctx, c.d, time.Duration(due-c.now))
	}
	m := *c.m
	m.Due = due
	return c.anew(ctx, c.d, &m)
}
