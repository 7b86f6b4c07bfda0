package memory

import (
	"time"

	"github.com/leat-go/leat/backends"
)

// oldest is how long the first of those that wait has been due. It costs a look
// at each lane, and a walk through those that hold several priorities.
func (q *queue) oldest(now int64) time.Duration {
	since := now
	for _, s := range q.seats {
		for _, l := range s.lanes {
			since = min(since, l.ready.oldest())
		}
		for _, p := range s.places {
			for _, r := range p.live { // one may wait for another, outside any lane
				if r.life.Due <= now {
					since = min(since, r.waitingSince())
				}
			}
		}
	}
	return time.Duration(now - since)
}

// waitingSince is r's place; never if it runs or is held.
func (r *record) waitingSince() int64 {
	if r.life.State != backends.Waiting || r.life.Held() {
		return never
	}
	return r.life.Place
}

// oldest is the first place of those that wait in it; never = nobody does.
func (o *order) oldest() int64 {
	first := int64(never)
	for _, r := range o.heap.items {
		first = min(first, r.waitingSince())
	}
	sorted := o.inLine.head == nil || o.inLine.head.job.Priority == o.inLine.tail.job.Priority
	for r := o.inLine.head; r != nil; r = r.next {
		since := r.waitingSince()
		first = min(first, since)
		if sorted && since != never {
			break
		}
	}
	return first
}
