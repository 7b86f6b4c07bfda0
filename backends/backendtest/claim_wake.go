package backendtest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leat-go/leat/backends"
)

// wakeCases: a blocked claim wakes at the moment there is work, whoever else waits.
var wakeCases = []testCase{
	{
		"R8", "ClaimWakesOnEnqueue", "an idle queue answers only at the next poll",
		nil,
		func(e *env) {
			c := e.claiming(e.Context(), e.request(1))
			start := time.Now()
			j := job("zeta")
			e.enqueue(j)
			e.expectJob(e.awaitLease(c), j)
			e.expectWait(start, 0)
		},
	},
	{
		"R8", "ClaimWakesOnEarlierDueTime", "a worker that waits for tomorrow's job sleeps through one due in a second",
		nil,
		func(e *env) {
			e.enqueue(job("zeta", func(j *backends.Job) { j.Delay = 30 * e.unit }))
			c := e.claiming(e.Context(), e.request(1))
			start := time.Now()
			sooner := job("zeta", func(j *backends.Job) { j.Delay = 2 * e.unit })
			e.enqueue(sooner)
			e.expectJob(e.awaitLease(c), sooner)
			e.expectWait(start, 2)
		},
	},
	{
		"R16", "ClaimWakesOnRelease", "jobs that a stopping worker gives back wait until their lease would have ended",
		nil,
		func(e *env) {
			l := e.start(30)
			c := e.claiming(e.Context(), e.request(1))
			start := time.Now()
			e.mustSettle(release(l))
			e.expectJob(e.awaitLease(c), *l.Job)
			e.expectWait(start, 0)
		},
	},
	{
		"R9", "ClaimWakesOnRetryTime", "a retry comes late by a poll, or by a lease",
		nil,
		func(e *env) {
			for _, verb := range []backends.Verb{backends.Retry, backends.Snooze} {
				l := e.start(30)
				c := e.claiming(e.Context(), e.request(1))
				start := time.Now()
				e.mustSettle(backends.Settlement{Lease: l, Verb: verb, Delay: 2 * e.unit})
				l = e.awaitLease(c)
				e.expectWait(start, 2)
				e.commit(l)
			}
		},
	},
	{
		"R8", "ClaimWakesOnEndOfLease", "the job of a dead worker waits for a sweeper that is down too",
		nil,
		func(e *env) {
			start := time.Now()
			l := e.start(2)
			e.expectJob(e.claim(), *l.Job)
			e.expectWait(start, 2)
		},
	},
	{
		"R8", "EndedContextLosesNoLease", "a worker that stops takes jobs with it, each for the length of a lease",
		records,
		func(e *env) {
			for i := range e.scale(200, 20) {
				ctx, cancel := context.WithCancel(e.Context())
				c := make(chan claimed, 1)
				go func() {
					leases, err := e.B.Claim(ctx, e.request(1))
					c <- claimed{leases, err}
				}()
				if i%2 == 0 {
					e.rest()
				}
				j := job("zeta")
				if i%4 < 2 {
					cancel() // it may be chosen for the job before it has left
				} else {
					go cancel()
				}
				e.enqueue(j)
				got := await(e, c)
				switch {
				case got.err == nil && len(got.leases) == 1:
					e.commit(got.leases[0])
				case errors.Is(got.err, context.Canceled) && len(got.leases) == 0:
					l := e.claim()
					if l.Attempt != 1 || l.Token != 1 {
						e.Fatalf("the claim that ended kept the job: attempt %d, token %d", l.Attempt, l.Token)
					}
					e.commit(l)
				default:
					e.Fatalf("Claim gave %d leases, error %v", len(got.leases), got.err)
				}
			}
		},
	},
	{
		"R8", "LeavingWaiterPassesItsWakeOn", "a job lies there while an idle worker waits: its wake went to one that had just left",
		nil,
		func(e *env) {
			for i := range e.scale(200, 20) {
				ctx, leave := context.WithCancel(e.Context())
				leaver, stayer := e.claiming(ctx, e.request(1)), e.claiming(e.Context(), e.request(1))
				start := time.Now()
				if i%2 == 0 {
					leave() // it may be chosen for the job before it has left
				} else {
					go leave()
				}
				e.passesOn(start, leaver, stayer)
			}
		},
	},
	{
		"R8", "LeavingWaiterInTheMiddlePassesItsWakeOn", "a job lies there while an idle worker waits: its wake went to one that had just left, behind one that doesn't know the kind",
		func(f backends.Features) bool { return f.Kinds },
		func(e *env) {
			other := e.request(1)
			other.Kinds = []string{"other"}
			ctx, end := context.WithCancel(e.Context())
			first := e.claiming(ctx, other)
			for range e.scale(200, 50) {
				ctx, leave := context.WithCancel(e.Context())
				leaver, stayer := e.claiming(ctx, e.request(1)), e.claiming(e.Context(), e.request(1))
				start := time.Now()
				go leave()
				e.passesOn(start, leaver, stayer)
			}
			end()
			e.expect(await(e, first).err, context.Canceled)
		},
	},
	{
		"R8", "AsManyWaitersAsJobs", "some workers idle beside a queue that isn't empty",
		nil,
		func(e *env) {
			const n = 20
			var waiters []<-chan claimed
			for range n {
				waiters = append(waiters, e.claiming(e.Context(), e.request(1)))
			}
			start := time.Now()
			for i := range n / 2 {
				e.enqueue(job(fmt.Sprint("tenant-", i)), job("zeta"))
			}
			seen := map[backends.Ref]bool{}
			for _, w := range waiters {
				seen[e.awaitLease(w).Job.Ref] = true
			}
			e.expectWait(start, 0)
			if len(seen) != n {
				e.Fatalf("%d waiters got %d jobs", n, len(seen))
			}
		},
	},
	{
		"R8", "AsManyWaitersAsJobsInOneEnqueue", "a bulk insert wakes one worker of twenty",
		nil,
		func(e *env) {
			const n = 20
			e.policy = &backends.Policy{Tenant: backends.Tenancy{Weight: n}} // one turn for them all
			var waiters []<-chan claimed
			var jobs []backends.Job
			for range n {
				waiters = append(waiters, e.claiming(e.Context(), e.request(1)))
				jobs = append(jobs, job("zeta", func(j *backends.Job) { j.Delay = e.unit }))
			}
			start := time.Now()
			e.enqueue(jobs...)
			for _, w := range waiters {
				e.awaitLease(w)
			}
			e.expectWait(start, 1)
		},
	},
	{
		"R10", "WaiterOfOtherKindsSwallowsNoWake", "a job waits beside an idle worker that knows it: another one was woken for it",
		func(f backends.Features) bool { return f.Kinds },
		func(e *env) {
			for _, first := range []string{"other", theKind} {
				other, known := e.request(1), e.request(1)
				other.Kinds, known.Kinds = []string{"other"}, []string{theKind}
				ctx, cancel := context.WithCancel(e.Context())
				var a, b <-chan claimed
				if first == "other" {
					a = e.claiming(ctx, other)
					b = e.claiming(ctx, known)
				} else {
					b = e.claiming(ctx, known)
					a = e.claiming(ctx, other)
				}
				start := time.Now()
				e.enqueue(job("zeta"))
				e.commit(e.awaitLease(b))
				e.expectWait(start, 0)
				cancel()
				e.expect(await(e, a).err, context.Canceled)
			}
		},
	},
	{
		"R11", "WaiterOfAnotherQueueSwallowsNoWake", "two services that share a store slow each other down",
		queues,
		func(e *env) {
			other := e.request(1)
			other.Queue = "other"
			ctx, cancel := context.WithCancel(e.Context())
			a, b := e.claiming(ctx, other), e.claiming(e.Context(), e.request(1))
			start := time.Now()
			e.enqueue(job("zeta"))
			e.awaitLease(b)
			e.expectWait(start, 0)
			cancel()
			e.expect(await(e, a).err, context.Canceled)
		},
	},
}

// passesOn enqueues a job while one claim leaves: the one that stays has a job at once.
func (e *env) passesOn(start time.Time, leaver, stayer <-chan claimed) {
	e.Helper()
	e.enqueue(job("zeta"))
	if got := await(e, leaver); got.err == nil { // it was served before it left
		e.commit(got.leases[0])
		e.enqueue(job("zeta"))
	}
	e.commit(e.awaitLease(stayer))
	e.expectWait(start, 0)
}
