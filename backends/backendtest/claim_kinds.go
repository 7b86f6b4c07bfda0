package backendtest

import (
	"time"

	"github.com/leat-go/leat/backends"
)

// newKind is what some workers don't know yet.
const newKind = "new"

func ofNewKind(j *backends.Job) { j.Kind = newKind }

// knowing is a request for one job by a worker that knows these kinds; without
// any it knows all.
func (e *env) knowing(kinds ...string) backends.ClaimRequest {
	req := e.request(1)
	req.Kinds = kinds
	return req
}

// kindCases: a rolling deploy, where some workers don't know a job yet.
var kindCases = []testCase{
	{
		"R10", "KnownKindsAtOnce", "a worker of one kind starves behind jobs that it doesn't know",
		kinds,
		func(e *env) {
			other := func(j *backends.Job) { j.Kind = "other" }
			for range 50 {
				e.enqueue(job("zeta", other))
			}
			j := job("zeta")
			e.enqueue(j)
			req := e.knowing("third", theKind)
			req.Max = 10
			start := time.Now()
			leases := e.claimBy(req)
			if len(leases) != 1 {
				e.Fatalf("got %d leases", len(leases))
			}
			e.expectJob(leases[0], j)
			e.expectWait(start, 0)
			e.claimNone(req)
		},
	},
	{
		"R10", "NilKindsAreAll", "a worker with one handler for everything gets nothing",
		nil,
		func(e *env) {
			for _, kind := range []string{"", "a", "b"} {
				e.enqueue(job("zeta", func(j *backends.Job) { j.Kind = kind }))
			}
			e.claimMany(3)
		},
	},
	{
		"R10", "UnknownKindWaitsThenGoesToAnyWorker", "a rolling deploy kills the jobs of the new version, or they wait for ever",
		kinds,
		func(e *env) {
			e.policy = &backends.Policy{UnknownAfter: 5 * e.unit}
			start := time.Now()
			j := job("zeta", ofNewKind, dueIn(2*e.unit))
			e.enqueue(j)
			e.expectJob(e.claimBy(e.knowing(theKind))[0], j)
			e.expectWait(start, 7)
		},
	},
	{
		"R10", "UnknownKindIsForItsWorkerMeanwhile", "a worker that knows the job must wait because another one doesn't",
		kinds,
		func(e *env) {
			e.policy = &backends.Policy{UnknownAfter: 20 * e.unit}
			j := job("zeta", ofNewKind)
			e.enqueue(j)
			e.claimNone(e.knowing(theKind))
			start := time.Now()
			e.expectJob(e.claimBy(e.knowing(newKind))[0], j)
			e.expectWait(start, 0)
		},
	},
	{
		"R10", "UrgentJobHidesNoUnknownOne", "urgent jobs of a kind that nobody knows keep an old one from being given up",
		all(kinds, hasPriority),
		func(e *env) {
			old, start := e.waitingForNew(1)
			urgent := job("zeta", ofNewKind, func(j *backends.Job) { j.Priority = 9 })
			e.pass(3)
			e.enqueue(urgent)
			e.expectJob(e.claimBy(e.knowing(theKind))[0], old[0])
			e.expectWait(start, 5)
			e.expectJob(e.claimBy(e.knowing(theKind))[0], urgent)
			e.expectWait(start, 8)
		},
	},
	{
		"R10", "CrashedJobOfUnknownKindWaitsToo", "the crash of a new worker hands its job to an old one",
		kinds,
		func(e *env) {
			e.policy = &backends.Policy{UnknownAfter: 20 * e.unit}
			l := e.start(1, ofNewKind)
			e.pass(1.5)
			e.claimNone(e.knowing(theKind))
			e.expectJob(e.claim(), *l.Job)
		},
	},
}
