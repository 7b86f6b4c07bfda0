package backendtest

import (
	"time"

	"github.com/leat-go/leat/backends"
)

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
			req := e.request(10)
			req.Kinds = []string{"third", theKind}
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
			j := job("zeta", func(j *backends.Job) { j.Kind, j.Delay = "new", 2*e.unit })
			e.enqueue(j)
			req := e.request(1)
			req.Kinds = []string{theKind}
			e.expectJob(e.claimBy(req)[0], j)
			e.expectWait(start, 7)
		},
	},
	{
		"R10", "UnknownKindIsForItsWorkerMeanwhile", "a worker that knows the job must wait because another one doesn't",
		kinds,
		func(e *env) {
			e.policy = &backends.Policy{UnknownAfter: 20 * e.unit}
			j := job("zeta", func(j *backends.Job) { j.Kind = "new" })
			e.enqueue(j)
			req := e.request(1)
			req.Kinds = []string{theKind}
			e.claimNone(req)
			req.Kinds = []string{"new"}
			start := time.Now()
			e.expectJob(e.claimBy(req)[0], j)
			e.expectWait(start, 0)
		},
	},
	{
		"R10", "UrgentJobHidesNoUnknownOne", "urgent jobs of a kind that nobody knows keep an old one from being given up",
		func(f backends.Features) bool { return f.Kinds && f.Priority },
		func(e *env) {
			e.policy = &backends.Policy{UnknownAfter: 5 * e.unit}
			unknown := func(j *backends.Job) { j.Kind = "new" }
			start := time.Now()
			old, urgent := job("zeta", unknown), job("zeta", unknown, func(j *backends.Job) { j.Priority = 9 })
			e.enqueue(old)
			e.pass(3)
			e.enqueue(urgent)
			req := e.request(1)
			req.Kinds = []string{theKind}
			e.expectJob(e.claimBy(req)[0], old)
			e.expectWait(start, 5)
			e.expectJob(e.claimBy(req)[0], urgent)
			e.expectWait(start, 8)
		},
	},
	{
		"R10", "CrashedJobOfUnknownKindWaitsToo", "the crash of a new worker hands its job to an old one",
		kinds,
		func(e *env) {
			e.policy = &backends.Policy{UnknownAfter: 20 * e.unit}
			l := e.start(1, func(j *backends.Job) { j.Kind = "new" })
			e.pass(1.5)
			req := e.request(1)
			req.Kinds = []string{theKind}
			e.claimNone(req)
			e.expectJob(e.claim(), *l.Job)
		},
	},
}
