package worker

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/internal/seam"
	"github.com/leat-go/leat/queue"
)

// attempt is one lease on its way through the worker. This page is its life, from
// top to bottom; each step is one stage, and the loops of the engine carry it from
// one to the next:
//
//	claim ─▶ run ─▶ decide ─▶ commit ─▶ announce ─▶ release
//	  │ (a slot)    (pure)   (settle loop) (announce loop, then a slot for the write-back)
//	  └─ a lease of a job that has ended goes to announce at once
type attempt struct {
	seam.Attempt // the lease, and the newest progress
	kind         *kind
	e            *engine

	// Under the engine's lock.
	stage stage
	index int  // in engine.live
	lost  bool // another worker has it: nothing is written
	stuck bool // its handler outlasted its grace: no longer renewed
	gone  bool // not in engine.live any more

	own    jobContext      // of the handler
	ctx    context.Context // of the handler, with a span, or of the write-back
	cancel context.CancelCauseFunc
	end    time.Time // when the clock ends ctx; zero = nothing runs
	why    error     // and with which cause
	marked error     // cancelled or superseded, as a beat has learnt
	told   *backends.Progress

	write backends.Settlement // what is to be written, or was

	ended  *backends.Record // what there is to announce; nil while the job lives
	unpaid backends.Debt
	others bool                            // the event is left for other workers
	after  func(ctx context.Context) error // the write-back of what ran here

	deciding bool // was asked what to write
	begun    time.Time
	beside   int // slots that were taken then, its own included
	span     trace.Span
	returned atomic.Bool // the handler; what still runs in its slot is ours

	reply chan error // of Claims: what came of the write; nil = nobody asks

	handedIn bool // of Claims: its verdict is on its way, though its slot is held
}

type stage uint8

const (
	ready      stage = iota // waits for a slot
	running                 // has one
	confirmed               // had one, and its handler has settled the job itself
	settling                // waits for the settle loop, or is being written
	announcing              // its event waits for the announce loop, or is on its way
)

// claim takes in what the store leased. Where nothing may begin, as when the worker
// stops, jobs go back, and what has ended is announced all the same.
func (e *engine) claim(leases []*backends.Lease, closed bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, l := range leases {
		a := &attempt{e: e, kind: e.kindFor(l.Job.Kind)}
		a.Lease, a.Owes = l, a.kind.owes()
		e.adopt(a)
		switch {
		case l.Outcome != nil:
			a.announce(l.Outcome, l.Outcome.Owes)
		case closed:
			a.settle(backends.Settlement{Verb: backends.Release})
		default:
			a.toSlot()
		}
	}
}

// run is what a slot does: the handler of a job that lives, or the write-back of
// one that has ended.
func (a *attempt) run() {
	switch {
	case a.ended != nil:
		a.runWriteBack()
	default:
		a.ctx = a.e.watch.begin(a)
		a.decide(a.kind.handle(a.ctx, a))
	}
}

// decide turns the handler's verdict into what will be written.
func (a *attempt) decide(v verdict) {
	v.cause = causeOf(a.ctx)
	if settled(v.err) {
		v = a.settledByHandler(v)
	}
	backoff := a.kind.backoff
	if !a.deciding {
		a.tellLimiter(v)
	} else { // it has ended the goroutine that asked
		backoff = Exponential(DefaultBackoff, DefaultMaxBackoff)
	}
	a.deciding = true
	a.write = decide(v, terms{
		attempt: a.Lease.Attempt, maxAttempts: a.maxAttempts(), backoff: backoff, owes: a.Owes,
	})
	a.e.watch.decided(a, v)
}

// commit sends what a slot has left behind to where it goes next.
func (a *attempt) commit() {
	switch {
	case a.lost || a.e.closed:
		a.release(backends.ErrLost)
	case a.stage == confirmed && a.unpaid == 0:
		a.release(nil)
	case a.stage == confirmed:
		a.answer(nil)
		a.announce(a.ended, a.unpaid)
	case a.ended != nil:
		a.settle(a.payment())
	default:
		a.settle(a.write)
	}
}

// committed is told by the settle loop what the store answered.
func (a *attempt) committed(err error) {
	a.answer(err)
	a.e.report(a.write, err)
	switch outcome := a.write.Outcome; {
	case a.write.Verb != backends.Commit:
		a.release(err)
	case err == nil:
		a.finished(outcome)
	case errors.Is(err, backends.ErrCancelled):
		a.finished(backends.Cancelled)
	case errors.Is(err, backends.ErrSuperseded):
		a.finished(backends.Superseded)
	case outcome == backends.Succeeded && (errors.Is(err, backends.ErrTooLarge) || errors.Is(err, backends.ErrInvalid)):
		a.settle(dead("the store refused its result", verdict{err: err}))
	default:
		a.release(err)
	}
}

// finished says how the job has ended: most owe nothing.
func (a *attempt) finished(end backends.State) {
	owes := a.kind.policyOwes()
	if end == backends.Succeeded {
		owes |= a.write.Owes
	}
	if owes == 0 {
		a.release(nil)
		return
	}
	a.announce(a.record(end), owes)
}

// announce pays what an ended job owes: the event first, then the write-back. What
// this worker can't pay is left for those who can.
func (a *attempt) announce(ended *backends.Record, owes backends.Debt) {
	a.ended, a.unpaid = ended, owes
	a.marked = nil // it was for the handler
	if owes&backends.Event != 0 {
		a.toTopic()
		return
	}
	a.writeBack()
}

// announced is told what came of the event.
func (a *attempt) announced(err error) {
	if err == nil {
		a.unpaid &^= backends.Event
	}
	a.writeBack()
}

// writeBack sends the attempt to a slot for its hook, if it owes that, and to the
// settle loop after it.
func (a *attempt) writeBack() {
	if a.unpaid&backends.WriteBack != 0 && !a.e.stopping {
		a.toSlot()
		return
	}
	a.settle(a.payment())
}

// payment is what is written when all that could be paid was: what failed is tried
// again later, each time about twice as late, for as long as it takes.
func (a *attempt) payment() backends.Settlement {
	switch {
	case a.unpaid == 0:
		return backends.Settlement{Verb: backends.Announced}
	case a.e.stopping, a.others && a.unpaid == backends.Event:
		return backends.Settlement{Verb: backends.Release, Owes: a.unpaid}
	}
	return backends.Settlement{Verb: backends.Retry, Owes: a.unpaid, Delay: announceAgain(time.Since(a.ended.Ended))}
}

// release is the end: the lease is settled, or no longer ours.
func (a *attempt) release(err error) {
	if err != nil {
		a.e.later(func() { a.e.watch.refused(a, err) })
	}
	a.e.abandon(a, err)
}

// record is what an event says of an end that was written here.
func (a *attempt) record(end backends.State) *backends.Record {
	l := a.Lease
	r := &backends.Record{
		Job: l.Job, Queue: l.Queue, State: end, Generation: l.Generation, Token: l.Token, Attempt: l.Attempt, Order: l.Order,
		Created: l.Created, Deadline: l.Deadline, Ended: time.Now(),
	}
	if end == a.write.Outcome {
		r.Result, r.Stored, r.Reason = a.write.Result, a.write.Stored, a.write.Reason
	}
	return r
}

// event is what the topic is told.
func (a *attempt) event() queue.Event {
	r := a.ended
	kind, _ := seam.Schema(r.Job.Kind)
	return queue.Event{
		ID: eventID(r), Queue: r.Queue, Kind: kind, Ref: r.Job.Ref, Generation: r.Generation, Order: r.Order,
		Supersede: r.Job.Supersede, State: r.State, Reason: r.Reason, SupersededBy: r.SupersededBy, Attempt: r.Attempt,
		Created: r.Created, Ended: r.Ended, Headers: r.Job.Headers,
	}
}
