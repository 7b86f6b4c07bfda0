package worker

import (
	"context"
	"sync"
	"time"

	"github.com/leat-go/leat/backends"
)

// slots are the goroutines that run handlers, started as they are needed, and kept.
// A slot that takes something wakes the next one if there is more to do; so quick
// jobs are run by few goroutines, without a switch between them, and slow ones by
// all.
type slots struct {
	e       *engine
	free    sync.Cond
	idle    int  // wait on free
	started int  // are there
	waking  bool // one was woken, or started, and has not looked yet
	running sync.WaitGroup
	ended   signal
}

func (s *slots) init(e *engine) {
	s.e = e
	s.free.L = &e.mu
	s.ended = newSignal()
}

// wake has a slot look for work. Called under the lock.
func (s *slots) wake() {
	switch {
	case s.waking:
	case s.idle > 0:
		s.waking = true
		s.free.Signal()
	case s.started < s.e.Concurrency && !s.e.own:
		s.waking = true
		s.started++
		s.running.Go(s.slot)
	}
}

// slot runs one attempt after the other.
func (s *slots) slot() {
	var a *attempt
	defer func() {
		if a != nil { // a handler has ended this goroutine
			s.replace(a)
		}
	}()
	for a = s.next(nil); a != nil; a = s.next(a) {
		a.run()
	}
}

// next hands in what was done, and waits for something to do; nil = no more.
func (s *slots) next(done *attempt) *attempt {
	e := s.e
	e.mu.Lock()
	defer e.unlock()
	if done != nil {
		s.handIn(done)
	} else {
		s.waking = false
	}
	for {
		if a := s.pick(); a != nil {
			s.begin(a)
			return a
		}
		if e.closed {
			s.started--
			s.ended.send()
			return nil
		}
		s.idle++
		s.free.Wait()
		s.idle--
		s.waking = false
	}
}

// pick takes the next that is still to be run.
func (s *slots) pick() *attempt {
	todo := &s.e.todo
	for todo.len() > 0 {
		a := todo.pop()
		if a.marked != nil {
			s.e.hasRoom() // its slot is free again
		}
		if todo.len() > 0 {
			s.wake()
		}
		switch a.marked {
		case nil:
			return a
		case backends.ErrCancelled:
			a.settle(backends.Settlement{Verb: backends.Commit, Outcome: backends.Cancelled})
		case backends.ErrSuperseded:
			a.settle(backends.Settlement{Verb: backends.Commit, Outcome: backends.Superseded})
		default:
			a.release(a.marked)
		}
	}
	return nil
}

// begin gives the attempt its slot and its context.
func (s *slots) begin(a *attempt) {
	e := s.e
	e.busy++
	a.beside = e.busy
	a.stage = running
	a.returned.Store(false)
	a.ctx, a.cancel = a.newContext(e.root, time.Now())
}

// handIn takes back the slot. It is free when the handler has returned, not before.
func (s *slots) handIn(a *attempt) {
	e := s.e
	e.busy--
	a.end, a.stuck = time.Time{}, false
	a.cancel(nil)
	if !a.handedIn {
		a.commit()
	}
	e.hasRoom()
}

// leave hands in the last of a slot that ends.
func (s *slots) leave(a *attempt) {
	s.e.mu.Lock()
	defer s.e.unlock()
	s.started--
	s.ended.send()
	s.handIn(a)
}

// replace settles the attempt of a slot whose goroutine is ending, as a failure,
// and lets another slot take its place.
func (s *slots) replace(a *attempt) {
	if a.ended == nil {
		a.decide(verdict{err: errGoexit})
	} else {
		s.e.watch.wroteBack(a, errGoexit)
	}
	s.leave(a)
	s.e.mu.Lock()
	defer s.e.mu.Unlock()
	if s.e.todo.len() > 0 {
		s.wake()
	}
}

// wait returns when all slots but the stuck ones have ended.
func (s *slots) wait(stuck int) {
	if stuck == 0 {
		s.running.Wait()
		return
	}
	for s.left() > stuck {
		<-s.ended
	}
}

func (s *slots) left() int {
	s.e.mu.Lock()
	defer s.e.mu.Unlock()
	return s.started
}

// newContext is that of a handler or a write-back. Run's end doesn't end it.
func (a *attempt) newContext(root context.Context, now time.Time) (context.Context, context.CancelCauseFunc) {
	limit := a.Lease.Job.RunLimit
	if limit <= 0 {
		limit = a.kind.runLimit
	}
	a.end, a.why = now.Add(limit), ErrRunLimit
	if d := a.Lease.Deadline; a.ended == nil && !d.IsZero() && d.Before(a.end) {
		a.end, a.why = d, ErrDeadline
	}
	if end := a.e.stint.End; !end.IsZero() && end.Before(a.end) {
		a.end, a.why = end, a.e.atEnd(now)
	}
	if a.end.Before(a.e.alarm) {
		a.e.clock.send()
	}
	ctx, cancel := context.WithCancelCause(root)
	own := &a.own
	if a.ended != nil { // what a handler has left running still looks at its own
		own = new(jobContext)
	}
	*own = jobContext{ctx, a.end}
	return own, cancel
}

// jobContext tells its deadline, which the clock loop holds without a timer for
// each.
type jobContext struct {
	context.Context
	end time.Time
}

func (c *jobContext) Deadline() (time.Time, bool) { return c.end, true }

// Err is DeadlineExceeded where the time was up, as of any context with a deadline.
func (c *jobContext) Err() error {
	err := c.Context.Err()
	if err == nil {
		return nil
	}
	switch context.Cause(c.Context) {
	case ErrRunLimit, ErrDeadline:
		return context.DeadlineExceeded
	}
	return err
}
