package memory

import (
	"context"
	"time"

	"github.com/leat-go/leat/backends"
)

// Claim leases jobs, going round the tenants.
func (b *Backend) Claim(ctx context.Context, req backends.ClaimRequest) ([]*backends.Lease, error) {
	if err := req.Check(b.Features()); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := b.lock(); err != nil {
		return nil, err
	}
	defer b.unlock()
	q := b.queue(req.Queue, req.Policy)
	a := asking{kinds: req.Kinds, can: req.CanAnnounce, now: b.now()}
	b.learn(req.Resources, a.now)
	if leases := q.take(&a, req.Max, req.Lease); len(leases) > 0 {
		return leases, nil
	}
	w := q.join(a)
	defer q.quit(w)
	for {
		alarm := q.arm(w)
		b.unlock()
		rang, err := b.sleep(ctx, w, alarm)
		b.mu.Lock()
		w.woken, w.now = false, b.now()
		if b.closed {
			return nil, backends.ErrClosed
		}
		if err != nil {
			return nil, err
		}
		if rang {
			q.touch() // what has come may be for another
		}
		if leases := q.take(&w.asking, req.Max, req.Lease); len(leases) > 0 {
			return leases, nil
		}
	}
}

// arm returns how long w may sleep; negative = until it is woken. Only the first
// waiter keeps the time.
func (q *queue) arm(w *waiter) time.Duration {
	if w != q.waiters.head {
		return -1
	}
	q.alarm = q.nextAlarm(&w.asking)
	if q.alarm == never {
		return -1
	}
	return until(q.alarm, w.now)
}

// take leases up to n jobs to one claim.
func (q *queue) take(a *asking, n int, d time.Duration) []*backends.Lease {
	q.tidy(a.now)
	q.meet(a, 0)
	var leases []*backends.Lease
	for len(leases) < n {
		r := q.next(a)
		if r == nil {
			return leases
		}
		next, turn := r.life.Claim(r.facts(a.now), d, a.can)
		if turn == backends.NotYet { // what isn't due stands in no lane: better stop than spin
			q.store.logger().Error("leat: a bug: a job that isn't due stood in a lane", "queue", q.name, "id", r.job.ID)
			return leases
		}
		strange := r.tied(toAnyone) && !a.knows(r.job.Kind)
		if q.carryOut(r, next, turn, a.now, d) {
			if strange {
				r.ties |= toStranger
			}
			leases = append(leases, r.lease(a.blank(len(leases)), turn == backends.Announce))
		}
	}
	q.touch() // there may be more, for the next waiter
	return leases
}

// carryOut writes what a claim of r came to, and reports whether it was a lease.
func (q *queue) carryOut(r *record, next backends.Life, turn backends.Turn, now int64, d time.Duration) bool {
	if next.State == backends.Dead && turn == backends.Over {
		r.more().reason = backends.ReasonCrashed
	}
	if err := q.store.move(r, next, now, d); err != nil {
		q.store.logger().Error("leat: a bug: a claim was refused", "queue", q.name, "id", r.job.ID, "err", err)
		return false
	}
	switch turn {
	case backends.Run:
		q.takeMeters(r, now)
	case backends.GaveUp:
		q.count.dropped++
		q.store.logger().Error("leat: announcing a job crashed too often; what it owed is dropped",
			"queue", q.name, "id", r.job.ID, "dropped", next.Dropped.String())
	}
	return turn == backends.Run || turn == backends.Announce
}
