package broker

import (
	"context"
	"errors"
	"time"

	"github.com/leat-go/leat/backends"
)

// Settle ends attempts: a fenced write first, then the message leaves.
func (b *Backend) Settle(ctx context.Context, settlements []backends.Settlement) ([]error, error) {
	if len(settlements) == 0 {
		return nil, nil
	}
	ctx, leave, err := b.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	f := b.Features()
	errs := make([]error, len(settlements))
	parallel(len(settlements), func(i int) {
		s := &settlements[i]
		if errs[i] = s.Check(f); errs[i] == nil {
			errs[i] = b.why(b.settle(ctx, s))
		}
	})
	return errs, nil
}

func (b *Backend) settle(ctx context.Context, s *backends.Settlement) error {
	h, ok := s.Lease.Handle.(*held)
	if !ok {
		return backends.ErrLost
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if b.records == nil {
		return b.settlePlain(ctx, h, s)
	}
	key := recordKey(s.Lease.Job.Ref)
	if key != recordKey(h.r.ref()) {
		return backends.ErrLost
	}
	for try := range tries {
		r, v := h.r, h.version
		if try > 0 { // somebody else wrote
			var err error
			if r, v, err = b.load(ctx, key, ""); err != nil {
				return err
			}
			if r == nil {
				return backends.ErrLost
			}
		}
		err := b.settleAt(ctx, h, s, r, v, try == 0)
		if !errors.Is(err, backends.ErrConflict) {
			return err
		}
	}
	return errBusy
}

// settleAt settles against the record as it was at v. What nobody wrote to since
// may be remembered; an answer that writes nothing needs a fresh look.
func (b *Backend) settleAt(ctx context.Context, h *held, s *backends.Settlement, r *record, v backends.Version, remembered bool) error {
	p, _, err := b.pointerOf(ctx, r)
	if err != nil {
		return err
	}
	life := r.Life
	if life.State == backends.Running {
		life.Overtaken = p.overtaken(r)
	}
	now, policy := time.Now().UnixNano(), b.policy()
	next, told := life.Settle(r.facts(now, policy), s)
	if next == life {
		if remembered {
			return backends.ErrConflict
		}
		if told == nil || errors.Is(told, backends.ErrCancelled) || errors.Is(told, backends.ErrSuperseded) {
			return errors.Join(told, b.leave(ctx, h, r, s)) // a repeat: the message may not have left yet
		}
		return told
	}
	after := b.settled(r, next, s, now, policy)
	if after.Life.State == backends.Superseded && !r.Life.State.Ended() && p.above(r) {
		after.SupersededBy = p.ID
	}
	if !r.Life.State.Ended() {
		after.keepPayload(h.m.payload())
	}
	if v, err = b.put(ctx, r, after, v); err != nil {
		return err
	}
	h.r, h.version = after, v
	if gone := b.leave(ctx, h, after, s); gone != nil {
		return gone
	}
	return told
}

// settled is the record after the step, with what the worker brought.
func (b *Backend) settled(r *record, life backends.Life, s *backends.Settlement, now int64, p *backends.Policy) *record {
	after := r.moved(life, now, p)
	brought := s.Verb == backends.Commit && life.State == s.Outcome && !r.Life.State.Ended()
	switch {
	case brought && life.State == backends.Succeeded:
		after.Result, after.Stored = append([]byte{}, s.Result...), s.Stored
	case brought:
		after.Reason = backends.Capped(s.Reason)
	}
	failed := s.Verb == backends.Retry || s.Verb == backends.Commit && s.Outcome == backends.Dead
	if s.Error != "" && failed && !r.Life.State.Ended() {
		after.Failures = r.Failures
		attempt := after.Life.Attempt
		after.Life.Attempt = r.Life.Attempt
		after.fail(s.Error, now)
		after.Life.Attempt = attempt
	}
	return after
}

// leave settles the message, after what was written says that this may be done.
func (b *Backend) leave(ctx context.Context, h *held, r *record, s *backends.Settlement) (err error) {
	if h.left {
		return nil
	}
	now := time.Now().UnixNano()
	switch {
	case r.Life.State.Ended() && r.Life.Due == 0:
		err = b.ack(ctx, h.d)
	case r.Life.Leased: // it is still to be announced by who holds it
		return b.keep(ctx, h, r.Life.Due, now)
	case s.Verb == backends.Snooze && r.Life.State == backends.Waiting && !b.facts.FIFO && b.facts.MaxDelay > 0:
		m := *h.m // a nack would use up the broker's count of deliveries
		m.Due = r.Life.Due
		err = b.anew(ctx, h.d, &m)
	default:
		err = b.later(ctx, h.d, h.m, r.Life.Due)
	}
	if err == nil {
		h.left = true
		b.leases.drop(recordKey(r.ref()), h)
	}
	return err
}

// keep sees to it that the message stays as long as the lease.
func (b *Backend) keep(ctx context.Context, h *held, due, now int64) error {
	if h.ends.Load() >= due {
		return nil
	}
	errs, err := b.transport.Extend(ctx, time.Duration(due-now), []*Delivery{h.d})
	if err = errors.Join(err, outcome(errs, 0)); err == nil {
		h.ends.Store(due)
	}
	return err
}
