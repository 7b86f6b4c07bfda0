package backendtest

import (
	"github.com/leat-go/leat/backends"
)

// pause stops a queue, or lets it go on.
func (e *env) pause(paused bool) {
	e.Helper()
	e.expect(e.operator().Pause(e.Context(), theQueue, paused), nil)
}

var pauseCases = []testCase{
	{
		"R10", "PauseStopsClaims", "jobs start while the database behind them is being mended",
		pauses,
		func(e *env) {
			before := e.start(100)
			blocked := e.blocked(e.request(1))
			e.pause(true)
			e.pause(true)
			e.enqueue(job("zeta"))
			e.stillBlocked(blocked)
			e.claimNone(e.request(1))
			if e.f.Stats && !e.stats(theQueue).Paused {
				e.Fatalf("Stats doesn't say that the queue is paused")
			}
			e.expect(e.extend(before, e.span(10)), nil) // what runs goes on
			e.commit(before)
		},
	},
	{
		"R10", "ResumeWakesClaims", "after a pause workers sleep until the next enqueue",
		pauses,
		func(e *env) {
			e.pause(true)
			e.enqueue(job("zeta"))
			blocked := e.blocked(e.request(1))
			e.pause(false)
			e.wakes(blocked)
			if e.f.Stats && e.stats(theQueue).Paused {
				e.Fatalf("Stats says that the queue is paused")
			}
		},
	},
	{
		"R10", "PauseStopsDueTimesAndRescues", "a paused queue starts jobs whose time comes",
		pauses,
		func(e *env) {
			crashed := e.start(1)
			e.enqueue(job("zeta", dueIn(e.unit)))
			e.pause(true)
			blocked := e.blocked(e.request(1))
			e.pass(1.5)
			e.stillBlocked(blocked)
			if e.f.Records {
				e.expectState(crashed.Job.Ref, backends.Running)
			}
			e.pause(false)
			e.wakes(blocked)
			e.claim()
		},
	},
	{
		"R6", "PauseSparesAnnouncing", "pausing a queue holds back the events of jobs that have ended",
		all(pauses, records),
		func(e *env) {
			e.operator()
			l := e.owing(backends.Event, 10)
			e.enqueue(job("zeta"))
			e.pause(true)
			e.mustSettle(release(l))
			got := e.claimBy(e.announcing(5))
			if len(got) != 1 || got[0].Outcome == nil {
				e.Fatalf("got %d leases, the first %+v: want one for announcing", len(got), got[0])
			}
		},
	},
	{
		"R10", "PauseIsPerQueue", "pausing one queue stops another",
		all(pauses, queues),
		func(e *env) {
			e.pause(true)
			e.enqueueIn(otherQueue, job("zeta"))
			e.claimBy(e.requestIn(otherQueue, 1))
		},
	},
	{
		"R10", "PauseHoldsForOtherProcesses", "a worker that restarts during the pause takes jobs",
		all(pauses, isShared),
		func(e *env) {
			e.operator()
			e.pause(true)
			e.enqueue(job("zeta"))
			back := e.elsewhere()
			e.claimNone(e.request(1))
			blocked := e.blocked(e.request(1))
			back()
			e.pause(false)
			e.wakes(blocked)
		},
	},
}
