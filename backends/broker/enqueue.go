package broker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/leat-go/leat/backends"
)

var errOtherQueue = fmt.Errorf("a broker's queue serves one queue name: %w", errors.ErrUnsupported)

// Enqueue creates jobs: create the record, send, then acknowledge (R3).
func (b *Backend) Enqueue(ctx context.Context, req backends.EnqueueRequest) ([]backends.Enqueued, error) {
	if err := req.Check(); err != nil {
		return nil, err
	}
	ctx, leave, err := b.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	if err := b.serve(req.Queue, req.Policy); err != nil {
		return nil, err
	}
	f := b.Features()
	birth := make([]newborn, len(req.Jobs))
	for i := range birth {
		birth[i] = newborn{job: &req.Jobs[i], err: req.Jobs[i].Check(f)}
	}
	b.createAll(ctx, req.Queue, birth)
	b.sendAll(ctx, birth)
	b.finishAll(ctx, birth)
	out := make([]backends.Enqueued, len(birth))
	for i, n := range birth {
		out[i] = backends.Enqueued{Ref: n.job.Ref, Duplicate: n.duplicate, Order: n.order, Err: b.why(n.err)}
	}
	return out, nil
}

// newborn is one job on its way through Enqueue.
type newborn struct {
	job       *backends.Job
	err       error
	duplicate bool
	order     int64

	record  *record          // nil where there are none
	version backends.Version // of the record
	message *envelope        // nil = nothing to send
}

// createAll creates the records in order. Those that nothing ties to another are
// created side by side.
func (b *Backend) createAll(ctx context.Context, queue string, birth []newborn) {
	var wave []int
	refs := map[backends.Ref]bool{}
	flush := func() {
		parallel(len(wave), func(i int) { b.create(ctx, queue, &birth[wave[i]]) })
		wave = wave[:0]
		clear(refs)
	}
	for i := range birth {
		n := &birth[i]
		if n.err != nil {
			continue
		}
		alone := n.job.Batch != nil || n.job.Supersede != ""
		if alone || refs[n.job.Ref] {
			flush()
		}
		wave = append(wave, i)
		refs[n.job.Ref] = true
		n.order = -1
		if alone {
			flush()
		} else {
			n.order = b.clock.next(time.Now().UnixNano(), 0)
		}
	}
	flush()
}

// create makes the record of one job and its message, or finds that it is there.
func (b *Backend) create(ctx context.Context, queue string, n *newborn) {
	r := b.born(queue, n.job, max(0, n.order))
	if b.records == nil {
		n.order, n.message = r.Order, r.message(n.job.Payload)
		n.err = b.fits(n.message)
		return
	}
	if n.job.Batch != nil && r.isMember() {
		if n.err = b.admitNew(ctx, n.job, r.Created); n.err != nil {
			return
		}
	}
	p, _, err := b.pointerOf(ctx, r)
	if err != nil {
		n.err = err
		return
	}
	if n.order < 0 {
		r.Order = b.clock.next(r.Created, p.Order)
	}
	n.order = 0
	n.write(ctx, b, r)
}

// admitNew asks the collation, if the member isn't there already.
func (b *Backend) admitNew(ctx context.Context, j *backends.Job, now int64) error {
	old, _, err := b.load(ctx, recordKey(j.Ref), "")
	if err != nil || old.visible(now) {
		return err
	}
	return b.admits(ctx, j, now)
}

func (n *newborn) write(ctx context.Context, b *Backend, r *record) {
	m := r.message(n.job.Payload)
	if n.err = b.fits(m); n.err != nil {
		return
	}
	v, err := b.put(ctx, &record{}, r, "")
	if errors.Is(err, backends.ErrConflict) {
		n.again(ctx, b, r)
		return
	}
	if n.err = err; err != nil {
		return
	}
	n.order, n.record, n.version, n.message = r.Order, r, v, m
	m.Hint = v
}

// again answers for a job that is there: a duplicate, the seal of a batch, or a
// record whose retention is over, which a new life takes.
func (n *newborn) again(ctx context.Context, b *Backend, r *record) {
	old, v, err := b.load(ctx, recordKey(n.job.Ref), "")
	switch {
	case err != nil:
		n.err = err
	case old == nil: // it went in this moment
		n.err = errBusy
	case !old.visible(r.Created):
		n.succeed(ctx, b, r, old, v)
	case n.job.Reuses(old.Job.Fingerprint):
		n.err = backends.ErrKeyReused
	default:
		n.duplicate, n.order = true, old.Order
		if n.job.Batch != nil && n.job.Batch.Sealed {
			n.err = b.seal(ctx, recordKey(n.job.Ref), n.job.Batch.Members)
		}
		if old.Life.Token == 0 && !old.Sent && old.Redriven == 0 { // who created it may have died before the send
			n.record, n.version, n.message = old, v, old.message(n.job.Payload)
		}
	}
}

// succeed begins a new life in the place of one that is over. No message of the
// old one fits it.
func (n *newborn) succeed(ctx context.Context, b *Backend, r, old *record, v backends.Version) {
	r.Life.Generation = max(r.Life.Generation, old.Life.Generation+1)
	r.Seq = old.Seq + 1
	raw := r.encode()
	v, err := b.records.Put(ctx, recordKey(r.ref()), raw, v, b.expiry(r))
	if n.err = err; err != nil {
		return
	}
	n.order, n.record, n.version, n.message = r.Order, r, v, r.message(n.job.Payload)
}

// born is the record of a new job.
func (b *Backend) born(queue string, j *backends.Job, order int64) *record {
	now := time.Now().UnixNano()
	r := &record{
		Format: recordVersion, Queue: queue, Job: jobToJSON(j), Seq: 1,
		Order: order, Created: now, Deadline: j.Deadline(now), Batch: newBatch(j),
	}
	r.remember(b.policy())
	r.Job.Headers = maps.Clone(j.Headers)
	r.Life = backends.Born(now, j.Start(now), r.collates())
	return r
}

// fits refuses what the broker can't carry.
func (b *Backend) fits(m *envelope) error {
	if b.facts.MaxMessage > 0 && len(m.encode()) > b.facts.MaxMessage {
		return backends.ErrTooLarge
	}
	return nil
}

// sendAll sends what is to be sent in one batch.
func (b *Backend) sendAll(ctx context.Context, birth []newborn) {
	var messages []Message
	var of []int
	for i := range birth {
		if n := &birth[i]; n.err == nil && n.message != nil {
			messages, of = append(messages, b.outgoing(n.message)), append(of, i)
		}
	}
	if len(messages) == 0 {
		return
	}
	errs, err := b.transport.Send(ctx, messages)
	for k, i := range of {
		birth[i].err = oneOf(errs, err, k)
	}
}

// finishAll does what follows a send: pointers are raised, and a repeated send is
// noted. A conflict there says that somebody saw a message: as good.
func (b *Backend) finishAll(ctx context.Context, birth []newborn) {
	for i := range birth {
		n := &birth[i]
		if n.err != nil || n.record == nil {
			continue
		}
		if n.duplicate {
			next := *n.record
			next.Sent = true
			_, err := b.put(ctx, n.record, &next, n.version)
			if err != nil && !errors.Is(err, backends.ErrConflict) {
				n.err = err
			}
		}
		if n.record.Job.Supersede != "" {
			n.err = errors.Join(n.err, b.takePlace(ctx, n.record))
		}
	}
}
