package simulate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leat-go/leat/backends"
)

const (
	lease = 10 * time.Second
	beat  = 3 * time.Second
)

// work is a worker's claim loop: it takes what there is and comes again.
func (w *world) work() {
	w.in(w.upTo(2*time.Second), w.work)
	ctx, cancel := context.WithTimeout(w.ctx, time.Nanosecond) // enough: see package history
	defer cancel()
	w.calls++
	leases, _ := w.b.Claim(ctx, backends.ClaimRequest{
		Queue: queue, Policy: w.policy, Max: 1 + w.rnd.IntN(3), Lease: lease,
		CanAnnounce: backends.Event | backends.WriteBack,
	})
	for _, l := range leases {
		w.claimed(l)
		w.look(l.Job.Ref)
	}
	w.lookAtSome()
	for _, l := range leases {
		if l.Outcome != nil {
			w.announce(l, l.Outcome.State, l.Outcome.Owes)
			continue
		}
		w.run(l)
	}
}

// attempt is one run of a handler.
type attempt struct {
	*backends.Lease
	over  bool // settled, lost, or its process died
	stall bool // it has stopped beating, but not working
}

// run starts a handler: some take long, some crash, some stall for six leases
// and then go on as if nothing had happened.
func (w *world) run(l *backends.Lease) {
	a := &attempt{Lease: l}
	takes := w.upTo(4 * time.Second)
	if w.oneIn(5) {
		takes = w.upTo(30 * time.Second)
	}
	if w.stormy {
		switch w.rnd.IntN(30) {
		case 0:
			w.in(w.upTo(takes), func() { a.over = true })
		case 1:
			a.stall = true
			takes = 6*lease + w.upTo(lease)
		}
	}
	w.in(beat, func() { w.beat(a) })
	w.in(takes, func() { w.finish(a) })
}

func (w *world) beat(a *attempt) {
	if a.over || a.stall {
		return
	}
	w.calls++
	errs, err := w.b.Extend(w.ctx, lease, []backends.Beat{{
		Lease: a.Lease, Progress: &backends.Progress{Percent: float64(w.rnd.IntN(100))},
	}})
	w.look(a.Job.Ref)
	if err == nil && errs != nil && errs[0] != nil {
		if errors.Is(errs[0], backends.ErrLost) {
			a.over = true
			return
		}
		if w.oneIn(2) { // a handler that minds its context
			w.settle(a, backends.Settlement{Lease: a.Lease, Verb: backends.Release})
			return
		}
	}
	w.in(beat, func() { w.beat(a) })
}

// finish is the verdict of a handler.
func (w *world) finish(a *attempt) {
	if a.over {
		return
	}
	s := backends.Settlement{Lease: a.Lease, Verb: backends.Commit, Outcome: backends.Succeeded, Result: result(a.Lease)}
	switch n := w.rnd.IntN(20); {
	case n < 2:
		s = backends.Settlement{Lease: a.Lease, Verb: backends.Retry, Delay: w.upTo(10 * time.Second), Error: "no luck"}
	case n == 2:
		s = backends.Settlement{Lease: a.Lease, Verb: backends.Snooze, Delay: w.upTo(10 * time.Second)}
	case n == 3:
		s = backends.Settlement{Lease: a.Lease, Verb: backends.Release}
	case n == 4 || n < 9 && a.Attempt > 4:
		s = backends.Settlement{Lease: a.Lease, Verb: backends.Commit, Outcome: backends.Dead, Error: "hopeless"}
	case n < 9:
		s.Owes = backends.WriteBack
	}
	w.settle(a, s)
}

// result is what this attempt, and no other, computes.
func result(l *backends.Lease) []byte {
	return fmt.Appendf(nil, "%s by generation %d, token %d", l.Job.Payload, l.Generation, l.Token)
}

func (w *world) settle(a *attempt, s backends.Settlement) {
	a.over = true // the handler has returned
	w.settleAgain(s, 10)
}

// settleAgain repeats a settlement until it is answered, or its worker dies.
func (w *world) settleAgain(s backends.Settlement, tries int) {
	w.committing(s)
	w.calls++
	errs, err := w.b.Settle(w.ctx, []backends.Settlement{s})
	w.look(w.beside(s.Lease.Job)...)
	if err != nil {
		if tries > 0 || !w.stormy {
			w.in(w.upTo(time.Second), func() { w.settleAgain(s, tries-1) })
		}
		return
	}
	var answer error
	if errs != nil {
		answer = errs[0]
	}
	if s.Verb != backends.Commit {
		return
	}
	switch {
	case answer == nil:
		w.committed(s)
		w.announce(s.Lease, s.Outcome, s.Owes|w.policy.Owes)
	case errors.Is(answer, backends.ErrCancelled):
		w.announce(s.Lease, backends.Cancelled, w.policy.Owes)
	case errors.Is(answer, backends.ErrSuperseded):
		w.announce(s.Lease, backends.Superseded, w.policy.Owes)
	}
}

// announce delivers what an ended job owes, and says so; some workers die before
// or in between.
func (w *world) announce(l *backends.Lease, end backends.State, owes backends.Debt) {
	w.in(w.upTo(time.Second), func() {
		if w.stormy && w.oneIn(40) {
			return
		}
		w.delivered(l, end, owes)
		if w.stormy && w.oneIn(40) {
			return
		}
		s := backends.Settlement{Lease: l, Verb: backends.Announced}
		if w.stormy && w.oneIn(20) {
			s = backends.Settlement{Lease: l, Verb: backends.Retry, Delay: w.upTo(10 * time.Second)}
		}
		w.settleAgain(s, 10)
	})
}

// operate is an operator with a nervous hand.
func (w *world) operate() {
	if !w.stormy || w.op == nil {
		return
	}
	w.in(w.upTo(3*time.Second), w.operate)
	if len(w.order) == 0 {
		return
	}
	ref := w.order[len(w.order)-1-w.rnd.IntN(min(len(w.order), 60))]
	w.calls++
	switch w.rnd.IntN(8) {
	case 0, 1:
		_, _ = w.op.Cancel(w.ctx, []backends.Ref{ref})
	case 2:
		pause := w.oneIn(3)
		_ = w.op.Pause(w.ctx, queue, pause)
	default:
		w.redriveDead()
		return
	}
	w.look(w.beside(&w.asked[ref].job)...)
}

// redriveDead gives all dead letters of a page another life.
func (w *world) redriveDead() {
	page, err := w.op.List(w.ctx, backends.ListRequest{Queue: queue, State: backends.Dead, AnyTenant: true, Limit: 20})
	if err != nil {
		return
	}
	var items []backends.Redrive
	var refs []backends.Ref
	for _, r := range page.Records {
		if a := w.asked[r.Job.Ref]; a != nil {
			w.saw(a, r) // a debt that was dropped shows in this life only
		}
		items = append(items, backends.Redrive{Ref: r.Job.Ref, Generation: r.Generation})
		refs = append(refs, r.Job.Ref)
	}
	w.calls++
	_, _ = w.op.Redrive(w.ctx, items)
	w.look(refs...)
}
