package memory

import (
	"context"
	"time"

	"github.com/leat-go/leat/backends"
)

// Extend renews leases and stores progress.
func (b *Backend) Extend(ctx context.Context, d time.Duration, beats []backends.Beat) ([]error, error) {
	if err := backends.CheckLease(d, b.Features()); err != nil && len(beats) > 0 {
		return nil, err
	}
	return b.each(ctx, len(beats), func(i int, now int64) error {
		beat := &beats[i]
		if err := beat.Check(); err != nil {
			return err
		}
		r := b.leased(beat.Lease, now)
		if r == nil {
			return backends.ErrLost
		}
		next, verdict := r.life.Extend(r.facts(now), beat.Lease, d)
		if verdict != backends.ErrLost {
			r.seat.queue.hear(r, now)
		}
		if next != r.life {
			if err := b.renew(r, next, now, d); err != nil {
				return err
			}
		}
		if p := beat.Progress; p != nil && verdict != backends.ErrLost {
			m := r.more()
			m.progress = m.progress.Then(*p)
			r.changed()
		}
		return verdict
	})
}

// renew moves the end of a lease. Nobody who watches the job is told: that it
// still runs is no news.
func (b *store) renew(r *record, next backends.Life, now int64, d time.Duration) error {
	if err := backends.Legal(r.life, next); err != nil {
		return err
	}
	q := r.seat.queue
	q.takeOut(r)
	r.life = next
	q.putIn(r, now, d)
	if next.State == backends.Running && !r.metered {
		q.resume(r) // it had lapsed
	}
	return nil
}
