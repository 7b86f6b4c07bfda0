package broker

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/leat-go/leat/backends"
)

// Claim receives for free slots only, and finds out what each message means.
func (b *Backend) Claim(ctx context.Context, req backends.ClaimRequest) ([]*backends.Lease, error) {
	if err := req.Check(b.Features()); err != nil {
		return nil, err
	}
	req.RunLimit, req.Grace = min(cmp.Or(req.RunLimit, defaultRunLimit), unlimited), min(req.Grace, unlimited)
	ctx, leave, err := b.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	if err := b.serve(req.Queue, req.Policy); err != nil {
		return nil, err
	}
	for {
		leases, err := b.round(ctx, req)
		if len(leases) > 0 || err != nil {
			return leases, b.why(err)
		}
	}
}

// round asks for as many as the queue's cap lets run here.
func (b *Backend) round(ctx context.Context, req backends.ClaimRequest) ([]*backends.Lease, error) {
	room, leave, err := b.gate.enter(ctx, req.Max, b.limit, b.leases.running)
	if err != nil {
		return nil, err
	}
	ran := 0
	defer func() { leave(ran) }()
	req.Max = room
	leases, err := b.receive(ctx, &req)
	for _, l := range leases {
		if l.Outcome == nil {
			ran++
		}
	}
	return leases, err
}

// receive is one round: it may find that no message was for running.
func (b *Backend) receive(ctx context.Context, req *backends.ClaimRequest) ([]*backends.Lease, error) {
	deliveries, err := b.transport.Receive(ctx, req.Max, req.Lease)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		b.received(err)
		return nil, err
	}
	b.received(nil)
	// What is leased is seen through, though the caller leaves: a record that
	// was written needs its message settled.
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if ctx.Err() != nil {
		b.giveBack(late, deliveries)
		return nil, ctx.Err()
	}
	leases, err := b.takeAll(late, deliveries, req)
	b.worried(err)
	if len(leases) == 0 && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return leases, nil
}

func (b *Backend) giveBack(ctx context.Context, deliveries []*Delivery) {
	out := make([]*leaving, len(deliveries))
	for i, d := range deliveries {
		out[i] = b.backIn(d, 0)
	}
	b.worried(errors.Join(b.depart(ctx, out)...))
}

// takeAll finds out what each message means. The error is for health alone: a
// message about which nothing is known is given back, never acked.
func (b *Backend) takeAll(ctx context.Context, deliveries []*Delivery, req *backends.ClaimRequest) ([]*backends.Lease, error) {
	found, out := make([]*backends.Lease, len(deliveries)), make([]*leaving, len(deliveries))
	bad := make([]error, len(deliveries))
	parallel(len(deliveries), func(i int) {
		d := deliveries[i]
		c := &claim{Backend: b, d: d, req: req}
		if found[i], bad[i] = c.run(ctx); bad[i] != nil {
			b.logger().WarnContext(ctx, "broker: a message is put back", "message", d.ID, "error", bad[i])
			c.out = b.backIn(d, troubled)
		}
		out[i] = c.out
	})
	bad = append(bad, b.depart(ctx, out)...)
	leases := slices.DeleteFunc(found, func(l *backends.Lease) bool { return l == nil })
	return leases, errors.Join(bad...)
}

// troubled is how long a message waits that nobody could make sense of.
const troubled = 5 * time.Second

// claim is one message on its way to a lease.
type claim struct {
	*Backend
	d   *Delivery
	m   *envelope
	req *backends.ClaimRequest

	out *leaving // how the message goes; nil = it stays, as a lease

	r       *record
	version backends.Version
	p       pointer
	pv      backends.Version
	now     int64
}

// leave says how the message goes: there is no lease.
func (c *claim) leave(l *leaving) *backends.Lease {
	c.out = l
	return nil
}

// run goes through what a message may mean, in the protocol's order.
func (c *claim) run(ctx context.Context) (*backends.Lease, error) {
	if err := c.open(ctx); err != nil {
		return nil, err
	}
	now := time.Now().UnixNano()
	if c.far(now) {
		return c.leave(c.anew(c.d, c.m)), nil
	}
	if c.records == nil {
		return c.plain(now), nil
	}
	for try := range tries {
		if try > 0 || !c.guess(now) {
			if err := c.read(ctx); err != nil {
				return nil, err
			}
		}
		l, err := c.step(ctx)
		if !errors.Is(err, backends.ErrConflict) {
			return l, err
		}
	}
	return nil, errBusy
}

// guess makes the record of a first delivery from its message, which saves a read:
// the write that follows holds it against the version that its creator got.
func (c *claim) guess(now int64) bool {
	m, policy := c.m, c.policy()
	if m.Hint == "" || c.d.Receives > 1 || m.Wake || m.Job.Supersede != "" || policy == nil ||
		m.Job.Batch != nil && m.Job.Batch.Hold > 0 {
		return false
	}
	c.r = &record{
		Format: recordVersion, Queue: m.Queue, Job: m.Job, Seq: 1,
		Order: m.Order, Created: m.Created, Deadline: m.Deadline,
		Life: backends.Life{State: backends.Waiting, Generation: m.Generation, Due: m.Due, Place: m.Due},
	}
	c.r.remember(policy)
	c.version, c.now = m.Hint, now
	return true
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
func (c *claim) read(ctx context.Context) (err error) {
	c.r, c.version, err = c.load(ctx, recordKey(backends.Ref{Tenant: c.m.Job.Tenant, ID: c.m.Job.ID}), "")
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
		return c.leave(acked(c.d)), nil
	case c.m.Generation > life.Generation:
		return nil, c.revive(ctx)
	case life.State.Ended() && life.Due == 0:
		return nil, c.over(ctx)
	case c.spare():
		return c.leave(c.backIn(c.d, time.Duration(max(int64(time.Second), c.r.Until-c.now)))), nil
	case life.State.Ended():
		return c.announce(ctx)
	case c.m.Wake: // it says only that something ended
		return c.leave(acked(c.d)), nil
	}
	return c.begin(ctx)
}

// spare says that another message holds the lease: it alone may take it over,
// until the run must be over. The spare is kept, as the other may be gone.
func (c *claim) spare() bool {
	return c.r.Life.Leased && c.r.Holder != c.d.ID && c.r.Until > c.now
}
