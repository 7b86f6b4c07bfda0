package backendtest

import (
	"slices"
	"time"

	"github.com/leat-go/leat/backends"
)

// giveBackCases: the job waits once more.
var giveBackCases = []testCase{
	{
		"R9", "RetryUsesTheAttemptAndWaits", "a failing job is tried for ever, or hammers what it depends on",
		records,
		func(e *env) {
			l := e.start(10)
			start := time.Now()
			e.mustSettle(retry(l, 3*e.unit))
			r := e.expectState(l.Job.Ref, backends.Waiting)
			if r.Attempt != 1 || r.Crashes != 0 {
				e.Fatalf("attempt %d, crashes %d", r.Attempt, r.Crashes)
			}
			e.claimNone(e.request(1))
			l = e.claim()
			e.expectWait(start, 3)
			if l.Attempt != 2 || l.Token != 2 || l.Crashes != 0 {
				e.Fatalf("lease: %+v", l)
			}
		},
	},
	{
		"R9", "SnoozeLeavesTheAttempt", "a job that waits politely for a slow partner dies of it",
		records,
		func(e *env) {
			l := e.start(10)
			for i := range 10 {
				start := time.Now()
				e.mustSettle(snooze(l, e.unit))
				if r := e.expectState(l.Job.Ref, backends.Waiting); r.Attempt != 0 {
					e.Fatalf("snooze %d: the record says attempt %d", i, r.Attempt)
				}
				l = e.claim()
				e.expectWait(start, 1)
				if l.Attempt != 1 {
					e.Fatalf("snooze %d: attempt %d", i, l.Attempt)
				}
			}
		},
	},
	{
		"R16", "ReleaseLeavesTheAttempt", "each deploy uses up an attempt of jobs that never started",
		records,
		func(e *env) {
			l := e.start(10)
			for i := range 10 {
				e.mustSettle(release(l))
				if r := e.expectState(l.Job.Ref, backends.Waiting); r.Attempt != 0 {
					e.Fatalf("release %d: the record says attempt %d", i, r.Attempt)
				}
				start := time.Now()
				l = e.claim()
				e.expectWait(start, 0)
				if l.Attempt != 1 {
					e.Fatalf("release %d: attempt %d", i, l.Attempt)
				}
			}
		},
	},
	{
		"R16", "ReleasedJobKeepsItsPlace", "each deploy sends the oldest jobs to the end of the line",
		func(f backends.Features) bool { return f.Ordered },
		func(e *env) {
			jobs := []backends.Job{job("zeta"), job("zeta"), job("zeta")}
			e.enqueue(jobs...)
			a, b := e.claim(), e.claim()
			e.pass(1)
			later := job("zeta")
			e.enqueue(later)
			e.mustSettle(release(b))
			e.mustSettle(release(a))
			for _, want := range append(jobs, later) {
				e.expectJob(e.claim(), want)
			}
		},
	},
	{
		"R9", "RetriedJobGoesToTheEnd", "a job that fails at once keeps all others from running",
		func(f backends.Features) bool { return f.Ordered },
		func(e *env) {
			failing, other := job("zeta"), job("zeta")
			e.enqueue(failing, other)
			l := e.claim()
			e.expectJob(l, failing)
			e.pass(1)
			e.mustSettle(retry(l, 0))
			e.expectJob(e.claim(), other)
			e.expectJob(e.claim(), failing)
		},
	},
	{
		"R10", "PayloadSurvivesEveryAttempt", "a retried job runs with other args than the first time",
		nil,
		func(e *env) {
			l := e.start(10)
			want := slices.Clone(l.Job.Payload)
			for _, s := range []func() backends.Settlement{
				func() backends.Settlement { return retry(l, 0) },
				func() backends.Settlement { return snooze(l, 0) },
				func() backends.Settlement { return release(l) },
			} {
				e.mustSettle(s())
				l = e.claim()
				if !slices.Equal(l.Job.Payload, want) {
					e.Fatalf("the payload became %q", l.Job.Payload)
				}
			}
		},
	},
}
