package simulate

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest/verdict"
)

const queue = "whatif"

// batch is what a splitter knows of one of its batches.
type batch struct {
	collation backends.Job
	members   []backends.Ref
}

// produce asks for something new, or once more for something old.
func (w *world) produce(who int) {
	if !w.stormy {
		return
	}
	w.in(w.upTo(1500*time.Millisecond), func() { w.produce(who) })
	switch n := w.rnd.IntN(20); {
	case n == 0:
		w.split()
	case n < 3 && len(w.order) > 0: // an equal request comes in again
		w.ask(w.asked[w.order[w.rnd.IntN(len(w.order))]].job, nil)
	default:
		w.ask(w.job(), nil)
	}
}

// job is a new one.
func (w *world) job() backends.Job {
	id := fmt.Sprint(len(w.order) + 1)
	j := backends.Job{
		Ref:         backends.Ref{Tenant: []string{"zeta", "eta", "theta"}[w.rnd.IntN(3)], ID: id},
		Kind:        []string{"optimise", "report"}[w.rnd.IntN(2)],
		Payload:     []byte("args of " + id),
		Fingerprint: uint64(len(w.order) + 1),
		Priority:    int32(w.rnd.IntN(3)),
	}
	if w.oneIn(4) {
		j.Delay = w.upTo(20 * time.Second)
	}
	if w.oneIn(8) {
		j.Expiry = w.upTo(time.Minute)
	}
	if w.oneIn(4) {
		j.Supersede = fmt.Sprintf("screen-%d", w.rnd.IntN(5))
		j.Trailing = w.oneIn(2)
	}
	return j
}

// ask enqueues a job until somebody answers, or its producer gives up; then is
// called after an acknowledgement.
func (w *world) ask(j backends.Job, then func()) {
	w.askAgain(j, then, w.rnd.IntN(4))
}

func (w *world) askAgain(j backends.Job, then func(), tries int) {
	a := w.expect(j)
	w.calls++
	out, err := w.b.Enqueue(w.ctx, backends.EnqueueRequest{Queue: queue, Policy: w.policy, Jobs: []backends.Job{j}})
	w.look(w.at(j)...)
	if err != nil {
		if tries > 0 || !w.stormy {
			w.in(w.upTo(2*time.Second), func() { w.askAgain(j, then, tries-1) })
		}
		return
	}
	switch e := out[0]; {
	case e.Err == nil:
		a.acked = true
		if then != nil {
			then()
		}
	case j.Batch != nil && (errors.Is(e.Err, backends.ErrEnded) || errors.Is(e.Err, backends.ErrSealed)):
		// the batch is over: more failed than it tolerates
	default:
		w.bad(verdict.Illegal, "%s: enqueue: %v", j.ID, e.Err)
	}
}

// split makes a batch: the collation job first, its members in any order, the
// seal when all were acknowledged.
func (w *world) split() {
	c := w.job()
	c.Expiry, c.Delay, c.Supersede, c.Trailing = 0, 0, "", false
	c.Batch = &backends.Batch{Hold: 1, Tolerate: int32(w.rnd.IntN(3) - 1), Seed: "seed of " + c.ID}
	b := &batch{collation: c}
	w.batches = append(w.batches, b)
	width := 1 + w.rnd.IntN(6)
	w.untilAcked(c, func() {
		if len(b.members) > 0 { // asked twice
			return
		}
		left := width
		for i := range width {
			m := w.job()
			m.Ref = backends.Ref{Tenant: c.Tenant, ID: backends.MemberID(c.Batch.Seed, i)} // some stores find them so
			m.Batch = &backends.Batch{Member: c.Ref}
			w.expect(m)
			b.members = append(b.members, m.Ref)
			done := false
			w.in(w.upTo(5*time.Second), func() {
				w.untilAcked(m, func() {
					if done {
						return
					}
					done = true
					if left--; left == 0 {
						w.seal(c, width)
					}
				})
			})
		}
	})
}

// untilAcked never gives up, as a splitter that starts again wouldn't.
func (w *world) untilAcked(j backends.Job, then func()) {
	w.askAgain(j, then, math.MaxInt)
}

func (w *world) seal(c backends.Job, members int) {
	b := *c.Batch
	b.Sealed, b.Members = true, int32(members)
	c.Batch = &b
	w.untilAcked(c, nil)
}
