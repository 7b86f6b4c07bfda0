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
	errs, out := make([]error, len(settlements)), make([]*leaving, len(settlements))
	parallel(len(settlements), func(i int) {
		s := &settlements[i]
		if errs[i] = s.Check(f); errs[i] == nil {
			out[i], errs[i] = b.settle(ctx, s)
		}
	})
	for i, err := range b.depart(ctx, out) {
		switch {
		case err != nil && out[i].lease > 0: // the outcome stands; should it come again, it is announced again
		case err != nil:
			errs[i] = err
		case out[i] != nil:
			b.left(settlements[i].Lease.Handle.(*held), out[i])
		}
		errs[i] = b.why(errs[i])
	}
	return errs, nil
}

// left notes what has become of the message, so that a settlement that is
// repeated leaves it alone.
func (b *Backend) left(h *held, l *leaving) {
	if l.lease > 0 {
		h.ends.Store(time.Now().Add(l.lease).UnixNano())
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.left = true
	b.leases.drop(recordKey(h.r.ref()), h)
}

// settle writes the outcome, and tells how the message leaves; nil = not yet.
func (b *Backend) settle(ctx context.Context, s *backends.Settlement) (*leaving, error) {
	h, ok := s.Lease.Handle.(*held)
	if !ok {
		return nil, backends.ErrLost
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if b.records == nil {
		return b.settlePlain(h, s)
	}
	key := recordKey(s.Lease.Job.Ref)
	if key != recordKey(h.r.ref()) {
		return nil, backends.ErrLost
	}
	for try := range tries {
		r, v := h.r, h.version
		if try > 0 { // somebody else wrote
			var err error
			if r, v, err = b.load(ctx, key, ""); err != nil {
				return nil, err
			}
			if r == nil || r.Redriven != 0 { // gone, or in its next life
				b.leases.drop(key, h)
				return nil, backends.ErrLost
			}
		}
		l, err := b.settleAt(ctx, h, s, r, v, try == 0)
		if errors.Is(err, backends.ErrLost) {
			b.leases.drop(key, h)
		}
		if !errors.Is(err, backends.ErrConflict) {
			return l, err
		}
	}
	return nil, errBusy
}

// settleAt settles against the record as it was at v. What nobody wrote to since
// may be remembered; an answer that writes nothing needs a fresh look.
func (b *Backend) settleAt(ctx context.Context, h *held, s *backends.Settlement, r *record, v backends.Version, remembered bool) (*leaving, error) {
	p, _, err := b.pointerOf(ctx, r)
	if err != nil {
		return nil, err
	}
	life := r.Life
	if life.State == backends.Running {
		life.Overtaken = p.overtaken(r)
	}
	now, policy := time.Now().UnixNano(), b.policy()
	next, told := life.Settle(r.facts(now, policy), s)
	if next == life {
		if remembered {
			return nil, backends.ErrConflict
		}
		if told == nil || errors.Is(told, backends.ErrCancelled) || errors.Is(told, backends.ErrSuperseded) {
			return b.leave(h, r, s), told // a repeat: the message may not have left yet
		}
		return nil, told
	}
	after := b.settled(r, next, s, now, policy)
	if after.Life.State == backends.Superseded && !r.Life.State.Ended() && p.above(r) {
		after.SupersededBy = p.ID
	}
	if !r.Life.State.Ended() {
		after.keepPayload(h.m.payload())
	}
	if v, err = b.put(ctx, r, after, v); err != nil {
		return nil, err
	}
	h.r, h.version = after, v
	b.over(h)
	return b.leave(h, after, s), told
}

// settled is the record after the step, with what the worker brought.
func (b *Backend) settled(r *record, life backends.Life, s *backends.Settlement, now int64, p *backends.Policy) *record {
	after := r.moved(life, now, p)
	after.keep(s.Brings(r.Life, life, now))
	return after
}

// over frees the place of a job that runs no more.
func (b *Backend) over(h *held) {
	if h.r.Life.State != backends.Running && h.runs.CompareAndSwap(true, false) {
		b.gate.freed()
	}
}

// leave tells how the message goes, after what was written says that it may.
func (b *Backend) leave(h *held, r *record, s *backends.Settlement) *leaving {
	switch {
	case h.left:
		return nil
	case r.Life.State.Ended() && r.Life.Due == 0:
		return acked(h.d)
	case r.Life.Leased: // it is still to be announced by who holds it
		return h.keep(r.Life.Due)
	case s.Verb == backends.Snooze && r.Life.State == backends.Waiting && !b.facts.FIFO && b.facts.MaxDelay > 0:
		m := *h.m // a nack would use up the broker's count of deliveries
		m.Due = r.Life.Due
		return b.anew(h.d, &m)
	}
	return b.later(h.d, h.m, r.Life.Due)
}

// keep sees to it that the message stays as long as the lease.
func (h *held) keep(due int64) *leaving {
	if h.ends.Load() >= due {
		return nil
	}
	return &leaving{d: h.d, lease: max(1, time.Duration(due-time.Now().UnixNano()))}
}
