package memory

import (
	"context"

	"github.com/leat-go/leat/backends"
)

// Settle ends attempts.
func (b *Backend) Settle(ctx context.Context, ss []backends.Settlement) ([]error, error) {
	return b.each(ctx, len(ss), func(i int, now int64) error {
		s := &ss[i]
		if err := s.Check(b.Features()); err != nil {
			return err
		}
		r := b.leased(s.Lease, now)
		if r == nil {
			return backends.ErrLost
		}
		return b.settle(r, s, now)
	})
}

// settle carries out what the rules say of one settlement.
func (b *store) settle(r *record, s *backends.Settlement, now int64) error {
	next, verdict := r.life.Settle(r.facts(now), s)
	if next == r.life {
		return verdict
	}
	r.seat.queue.hear(r, now)
	r.keep(s.Brings(r.life, next, now))
	if err := b.move(r, next, now, 0); err != nil {
		return err
	}
	return verdict
}

// leased is the record that a lease speaks of, nil if there is none.
func (b *store) leased(l *backends.Lease, now int64) *record {
	if r, ok := l.Handle.(*record); ok && l.Job == &r.job && r.seat.queue.store == b {
		if r.gone {
			return nil // another job may have its id now
		}
		return r
	}
	return b.find(l.Job.Ref, now)
}

// each calls f for n items under the lock, and returns what went wrong with each.
func (b *Backend) each(ctx context.Context, n int, f func(i int, now int64) error) ([]error, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := b.lock(); err != nil {
		return nil, err
	}
	defer b.unlock()
	var errs []error
	now := b.now()
	for i := range n {
		if err := f(i, now); err != nil {
			if errs == nil {
				errs = make([]error, n)
			}
			errs[i] = err
		}
	}
	return errs, nil
}
