package memory

import (
	"time"

	"github.com/leat-go/leat/backends"
)

// move is the one place where a job changes its life: it refuses what the table
// of transitions doesn't have, takes the record out of the container it was in,
// settles what an end brings with it, and puts it where it belongs now. term is
// the length of its lease, if it has one now.
func (b *store) move(r *record, next backends.Life, now int64, term time.Duration) error {
	prev := r.life
	if err := backends.Legal(prev, next); err != nil {
		return err
	}
	q := r.seat.queue
	q.takeOut(r)
	r.ties &^= toAnyone | toStranger // whatever comes of it, it waits anew
	first := next.State.Ended() && !prev.State.Ended()
	counts := false
	if first && r.tied(toBatch) {
		next, counts = next.Count()
	}
	r.life = next
	q.recount(r, prev, 1)
	if first {
		r.ended = now
	}
	q.putIn(r, now, term)
	r.changed()

	if counts {
		b.countDown(r.job.Batch.Member, next.State, now)
	}
	if prev.State == backends.Running && next.State != backends.Running {
		q.unmeter(r)
	}
	if r.tied(toPlace) && prev.State != next.State {
		r.seat.placeOf(r).changed(r, now)
	}
	if q.outlived(r, now) {
		b.remove(r)
	}
	return nil
}

// takeOut removes r from the container it is in.
func (q *queue) takeOut(r *record) {
	switch o := r.in; {
	case o == nil:
		q.unkeep(r)
	case o.lane != nil:
		l := o.lane
		o.remove(r)
		if o.first() == nil {
			l.emptied()
		}
	default:
		o.remove(r)
		if r.life.State == backends.Waiting {
			q.count.scheduled--
		}
	}
	if m := r.rare; m != nil && m.deadlineAt >= 0 {
		q.deadline.remove(r)
	}
}

// putIn puts r into the container where it belongs.
func (q *queue) putIn(r *record, now int64, term time.Duration) {
	l := &r.life
	waits := l.State == backends.Waiting
	if waits && r.deadline() != 0 && r.rare.deadlineAt < 0 {
		q.deadline.push(r)
		q.hurry(r.deadline())
	}
	switch {
	case l.Due == 0 && l.State.Ended():
		q.keep(r)
	case l.Due == 0:
		// held by its batch
	case l.Due > now:
		if waits {
			q.count.scheduled++
		}
		q.schedule.push(r, term)
		q.hurry(l.Due)
	case waits && r.blocked():
		// until an older job of its place is done; who knows the kind is noticed meanwhile
		q.knowersOf(r.job.Kind)
	default:
		// A lapsed lease no longer counts against the caps: else a dead worker
		// would block its own rescue.
		q.unmeter(r)
		r.seat.lane(r).add(r)
	}
}

// recount brings the counts from one life to the next.
func (q *queue) recount(r *record, prev backends.Life, by int) {
	q.tally(r, prev, -by)
	q.tally(r, r.life, by)
}

func (q *queue) tally(r *record, l backends.Life, by int) {
	switch l.Phase() {
	case backends.InWait:
		q.count.waiting += by
		r.seat.waiting += by
		if l.Held() {
			q.count.held += by
		}
	case backends.InRun:
		q.count.running += by
	case backends.Owing:
		q.count.owing += by
	}
	if l.State.Ended() {
		q.count.ended[l.State] += by
	}
}

// remove takes a record out of the store for good.
func (b *store) remove(r *record) {
	q := r.seat.queue
	q.takeOut(r)
	q.unmeter(r)
	q.tally(r, r.life, -1)
	r.gone = true
	r.changed()
	if r.tied(toPlace) {
		r.seat.placeOf(r).forget(r)
	}
	t := r.seat.tenant
	b.leaving = append(b.leaving, r)
	t.jobs--
	b.rest(t)
}
