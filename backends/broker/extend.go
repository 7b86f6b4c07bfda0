package broker

import (
	"context"
	"errors"
	"time"

	"github.com/leat-go/leat/backends"
)

// Extend looks at each record, stores progress, and renews the messages that may
// still be ours in one batch.
func (b *Backend) Extend(ctx context.Context, d time.Duration, beats []backends.Beat) ([]error, error) {
	if len(beats) == 0 {
		return nil, nil
	}
	if err := backends.CheckLease(d, b.Features()); err != nil {
		return nil, err
	}
	ctx, leave, err := b.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	errs := make([]error, len(beats))
	reading, cancel := halfOf(ctx)
	parallel(len(beats), func(i int) { errs[i] = b.beat(reading, d, &beats[i]) })
	cancel()
	b.renew(ctx, d, beats, errs)
	for i := range errs {
		errs[i] = b.why(errs[i])
	}
	return errs, nil
}

// renewable reports whether the record says that the lease is renewed.
func renewable(err error) bool {
	return err == nil || errors.Is(err, backends.ErrCancelled) || errors.Is(err, backends.ErrSuperseded)
}

// halfOf leaves half of the time for the messages, should the records hang.
func halfOf(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, time.Until(end)/2)
}

// keeps reports whether a beat with that outcome renews its message. The broker holds the
// lease: that the record can't be read says nothing about whose it is.
func keeps(err error) bool {
	return !errors.Is(err, backends.ErrLost) && !errors.Is(err, backends.ErrInvalid)
}

func (b *Backend) renew(ctx context.Context, d time.Duration, beats []backends.Beat, errs []error) {
	now := time.Now().UnixNano()
	var deliveries []*Delivery
	var of []int
	for i := range beats {
		if !keeps(errs[i]) {
			continue
		}
		h := beats[i].Lease.Handle.(*held)
		left := time.Duration(h.ends.Load() - now)
		if !b.facts.CheapExtend && left <= d && left > d-d/3 {
			continue // less than a third has gone
		}
		deliveries, of = append(deliveries, h.d), append(of, i)
	}
	if len(deliveries) == 0 {
		return
	}
	failed, err := b.transport.Extend(ctx, d, deliveries)
	for k, i := range of {
		if bad := oneOf(failed, err, k); bad != nil {
			errs[i] = bad
			continue
		}
		beats[i].Lease.Handle.(*held).ends.Store(now + int64(d))
	}
}

// beat asks the record what has become of the job.
func (b *Backend) beat(ctx context.Context, d time.Duration, beat *backends.Beat) error {
	if err := beat.Check(); err != nil {
		return err
	}
	h, ok := beat.Lease.Handle.(*held)
	if !ok {
		return backends.ErrLost
	}
	if b.records == nil {
		return h.beatPlain()
	}
	key := recordKey(beat.Lease.Job.Ref)
	for range tries {
		r, v, err := b.load(ctx, key, "")
		if err != nil {
			return err
		}
		err = b.beatRecord(ctx, d, h, beat, r, v)
		if errors.Is(err, backends.ErrLost) {
			b.leases.drop(key, h)
		}
		if !errors.Is(err, backends.ErrConflict) {
			return err
		}
	}
	return errBusy
}

func (b *Backend) beatRecord(ctx context.Context, d time.Duration, h *held, beat *backends.Beat, r *record, v backends.Version) error {
	if r == nil {
		return backends.ErrLost
	}
	life := r.Life
	if life.State == backends.Running {
		p, _, err := b.pointerOf(ctx, r)
		if err != nil {
			return err
		}
		life.Overtaken = p.overtaken(r)
	}
	now, policy := time.Now().UnixNano(), b.policy()
	next, told := life.Extend(r.facts(now, policy), beat.Lease, d)
	if !renewable(told) || beat.Progress == nil {
		return told
	}
	after := r.moved(next, now, policy)
	var shown backends.Progress
	if r.Progress != nil {
		shown = *r.Progress
	}
	shown = shown.Then(*beat.Progress)
	after.Progress = &shown
	v, err := b.put(ctx, r, after, v)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.r, h.version = after, v
	return told
}
