package memory

import (
	"context"
	"time"
)

// waiter is one blocked Claim. The first in the line holds the queue's one timer.
type waiter struct {
	asking
	links[*waiter]
	signal chan struct{} // buffered: look again
	woken  bool          // signalled since it last looked
}

func (w *waiter) link() *links[*waiter] { return &w.links }

func (w *waiter) wake() {
	w.woken = true
	select {
	case w.signal <- struct{}{}:
	default:
	}
}

// wake signals one waiter for each class that has something; whoever takes and
// leaves something wakes the next.
func (q *queue) wake() {
	if q.waiters.head == nil {
		return
	}
	if q.hurried || q.shutOut {
		q.hurried = false
		q.waiters.head.wake()
	}
	for _, c := range q.classes {
		if c.ring.head == nil || (c.owes == 0 && q.paused) {
			continue
		}
		var now int64
		if c.orphan {
			now = q.store.now()
		}
		for w := q.waiters.head; w != nil; w = w.next {
			if !w.woken && w.wants(c, now) {
				w.wake()
				break
			}
		}
	}
}

// hurry has the timer set to t, if it would go off later.
func (q *queue) hurry(t int64) {
	if t < q.alarm {
		q.alarm = t
		q.hurried = true
		q.touch()
	}
}

// join adds a waiter that found nothing.
func (q *queue) join(a asking) *waiter {
	w := &waiter{asking: a, signal: make(chan struct{}, 1)}
	q.waiters.push(w)
	q.meet(&w.asking, 1)
	return w
}

// quit takes a waiter out. The wake that it may have got goes to another, and
// if it was first, so does the timer. The jobs of the kinds that it kept for
// itself may now be for others in the end.
func (q *queue) quit(w *waiter) {
	if w == q.waiters.head {
		q.alarm = never
		q.hurried = true
	}
	q.waiters.remove(w)
	q.meet(&w.asking, -1)
	for _, c := range q.classes {
		if c.ring.head != nil {
			q.hurry(c.opens())
		}
	}
	q.touch()
}

// sleep blocks until the waiter should look again; alarm < 0 is no timer. It
// reports whether the timer went off.
func (b *Backend) sleep(ctx context.Context, w *waiter, alarm time.Duration) (rang bool, err error) {
	var timer <-chan time.Time
	if alarm >= 0 {
		t := time.NewTimer(alarm)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-w.signal:
	case <-timer:
		return true, nil
	case <-ctx.Done():
		return false, ctx.Err()
	case <-b.done:
	}
	return false, nil
}
