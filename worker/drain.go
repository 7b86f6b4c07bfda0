package worker

import (
	"context"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/queue"
)

// drain brings the worker to its end (R16): what has not started is given back,
// handlers may finish for Grace, then their contexts end, and after Kill what has
// returned is written for the last time. It returns the jobs whose handlers have
// not; their leases lapse.
func (e *engine) drain() (stuck []queue.Ref) {
	e.health.draining()
	e.giveBack()
	e.waitQuiet(e.stint.Grace)
	e.interruptAll()
	e.waitQuiet(e.stint.Kill)
	e.halt() // events that have not left stay owed
	e.dropUntold()
	e.waitWritten(e.stint.Last)
	return e.close()
}

// giveBack releases what no slot has begun. Write-backs stay: there are slots now.
func (e *engine) giveBack() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for range e.todo.len() {
		a := e.todo.pop()
		if a.ended == nil {
			a.settle(backends.Settlement{Verb: backends.Release})
			continue
		}
		e.todo.push(a)
	}
}

// waitQuiet waits until nothing is live, for d at most.
func (e *engine) waitQuiet(d time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	for !e.isQuiet() {
		select {
		case <-e.quiet:
		case <-ctx.Done():
			return
		}
	}
}

func (e *engine) isQuiet() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.live) == 0
}

// interruptAll ends the contexts of all handlers and write-backs. Those that have not
// begun are left to other workers.
func (e *engine) interruptAll() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stopping = true
	for _, a := range e.live {
		if a.stage == running {
			a.cancel(a.whyStop())
		}
	}
	for e.todo.len() > 0 {
		a := e.todo.pop()
		a.settle(a.payment())
	}
}

// dropUntold gives back what waits for a topic.
func (e *engine) dropUntold() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for e.untold.len() > 0 {
		e.telling--
		a := e.untold.pop()
		a.settle(a.payment())
	}
}

// waitWritten waits until only handlers that run are left, for d at most.
func (e *engine) waitWritten(d time.Duration) {
	end := time.Now().Add(d)
	for {
		e.mu.Lock()
		left := 0
		for _, a := range e.live {
			if a.stage != running || a.returned.Load() {
				left++
			}
		}
		e.mu.Unlock()
		rest := time.Until(end)
		if left == 0 || rest <= 0 {
			return
		}
		after(context.Background(), min(rest, 5*time.Millisecond))
	}
}

// close ends the loops and the slots.
func (e *engine) close() (stuck []queue.Ref) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	for _, a := range e.live {
		if a.stage == running {
			stuck = append(stuck, a.Lease.Job.Ref)
		}
	}
	e.slots.free.Broadcast()
	e.leave()
	return stuck
}
