package backendtest

import (
	"slices"
	"time"

	"github.com/leat-go/leat/backends"
)

var claimCases = slices.Concat(countCases, wakeCases, lapseCases, kindCases, knowerCases, announceCases)

// countCases: what a claim counts, and what a lease says.
var countCases = []testCase{
	{
		"R4", "AttemptIsCountedAtClaim", "a job that kills its process before the first settle is run for ever",
		records,
		func(e *env) {
			j := job("zeta")
			e.enqueue(j)
			l := e.claim()
			if l.Attempt != 1 || l.Token != 1 {
				e.Fatalf("first claim: attempt %d, token %d", l.Attempt, l.Token)
			}
			if r := e.expectState(j.Ref, backends.Running); r.Attempt != 1 {
				e.Fatalf("record says attempt %d", r.Attempt)
			}
		},
	},
	{
		"R5", "TokenRisesAtEveryClaim", "two workers hold equal tokens, and both may write the result",
		records,
		func(e *env) {
			l := e.start(10)
			for i, s := range []func(*backends.Lease) backends.Settlement{
				release,
				func(l *backends.Lease) backends.Settlement { return retry(l, 0) },
				func(l *backends.Lease) backends.Settlement { return snooze(l, 0) },
				release,
			} {
				if want := uint64(i + 1); l.Token != want {
					e.Fatalf("claim %d has token %d", want, l.Token)
				}
				e.mustSettle(s(l))
				l = e.claim()
			}
			if l.Token != 5 || l.Attempt != 2 {
				e.Fatalf("the fifth claim has token %d, attempt %d; want 5 and 2 (of which one was retried)", l.Token, l.Attempt)
			}
		},
	},
	{
		"R8", "MaxIsRespected", "a worker holds more jobs than it has slots, and they wait unseen",
		nil,
		func(e *env) {
			for range 10 {
				e.enqueue(job("zeta"), job("eta"))
			}
			seen := map[backends.Ref]bool{}
			for len(seen) < 20 {
				for _, l := range e.claimBy(e.request(3)) { // checks that there are at most 3
					if seen[l.Job.Ref] {
						e.Fatalf("job %v was leased twice", l.Job.Ref)
					}
					seen[l.Job.Ref] = true
				}
			}
			e.claimNone(e.request(3))
		},
	},
	{
		"R8", "LeaseTellsTheTruth", "a handler sees a wrong deadline, or waiting times that nobody waited",
		records,
		func(e *env) {
			j := job("zeta", func(j *backends.Job) { j.Delay, j.Expiry = 2*e.unit, time.Hour })
			order := e.enqueue(j)[0].Order
			l := e.claimFor(5)
			if l.Queue != theQueue || l.Order != order || l.Crashes != 0 || l.Outcome != nil {
				e.Fatalf("lease: %+v", l)
			}
			e.expectSpan("creation to due", l.Created, l.Due, 2)
			e.expectSpan("due to end of lease", l.Due, l.Until, 5)
			if got := l.Deadline.Sub(l.Created); got != time.Hour {
				e.Fatalf("the deadline is %v after creation", got)
			}
			r := e.lookup(j.Ref)
			if !r.Created.Equal(l.Created) || !r.Deadline.Equal(l.Deadline) || !r.Due.Equal(l.Until) || r.Token != l.Token ||
				r.Generation != l.Generation {
				e.Fatalf("record %+v\ndiffers from lease %+v", r, l)
			}
		},
	},
	{
		"R8", "NoDeadlineIsZero", "a job without a deadline is cancelled in 1970",
		nil,
		func(e *env) {
			if l := e.start(10); !l.Deadline.IsZero() {
				e.Fatalf("deadline %v", l.Deadline)
			}
		},
	},
	{
		"R8", "LeasedJobIsGivenToNobodyElse", "two workers run one job side by side",
		nil,
		func(e *env) {
			e.start(10)
			e.claimNone(e.request(10))
		},
	},
	{
		"R11", "QueuesAreIsolated", "a worker runs the jobs of another service",
		queues,
		func(e *env) {
			e.enqueue(job("zeta"))
			for _, q := range []string{"other", theQueue + "2", "WHATIF", theQueue + " "} {
				req := e.request(1)
				req.Queue = q
				e.claimNone(req)
			}
			e.claim()
		},
	},
}
