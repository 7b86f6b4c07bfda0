package backendtest

import (
	"context"
	"errors"
	"time"

	"github.com/leat-go/leat/backends"
)

// lapseCases: leases that ran out.
var lapseCases = []testCase{
	{
		"R4", "LapsedLeaseIsTakenOver", "the job of a worker that died never runs again, or is not known to have crashed",
		records,
		func(e *env) {
			old, l := e.stolen()
			if l.Job.Ref != old.Job.Ref || l.Token != old.Token+1 || l.Attempt != 2 || l.Crashes != 1 {
				e.Fatalf("after a crash: token %d, attempt %d, crashes %d", l.Token, l.Attempt, l.Crashes)
			}
			if r := e.expectState(l.Job.Ref, backends.Running); r.Crashes != 1 || r.Attempt != 2 || r.Token != l.Token {
				e.Fatalf("record: %+v", r)
			}
		},
	},
	{
		"R8", "EachLeaseEndsAtItsOwnTime", "one long lease hides the crash of a worker with a short one",
		nil,
		func(e *env) {
			for _, lengths := range [][]float64{{2, 6}, {6, 2}, {4, 2, 6}} {
				start, due := time.Now(), map[backends.Ref]float64{}
				for _, n := range lengths {
					due[e.start(n).Job.Ref] = n
				}
				for range lengths {
					l := e.claim()
					e.expectWait(start, due[l.Job.Ref])
					e.commit(l)
				}
			}
		},
	},
	{
		"R8", "HundredsOfLeaseLengths", "leases of many lengths are rescued in the order they were made, not as they end",
		nil,
		func(e *env) {
			const n = 300
			start, due := time.Now(), map[backends.Ref]float64{}
			for i := range n {
				units := 4 + float64(i*7919%n)/100 // 4 to 7, in no order, each once
				due[e.start(units).Job.Ref] = units
			}
			took := e.span(0)
			if !e.h.Virtual {
				took = time.Since(start) // to make them: the last lease began that much later
			}
			for range n {
				l := e.claimFor(60)
				early := time.Duration(due[l.Job.Ref]*float64(e.unit)) - time.Since(start)
				if early > e.unit/10 {
					e.Fatalf("a lease of %v units was taken over %v early", due[l.Job.Ref], early)
				}
				if late := -early - took; late > 2*e.unit || e.h.Virtual && late > e.unit/10 {
					e.Fatalf("a lease of %v units was taken over %v late", due[l.Job.Ref], late)
				}
				delete(due, l.Job.Ref)
			}
			if len(due) > 0 {
				e.Fatalf("%d jobs were not rescued", len(due))
			}
		},
	},
	{
		"R4", "DeadAfterMaxCrashes", "a job that kills its process takes down every worker, for ever",
		records,
		func(e *env) {
			for _, limit := range []int{0, 1, 2, 5} {
				e.policy = &backends.Policy{Version: 1 + limit, MaxCrashes: limit}
				want := e.policy.Filled().MaxCrashes
				j := job("zeta")
				e.enqueue(j)
				starts := 0
				for e.lookup(j.Ref).State != backends.Dead {
					leases, err := e.B.Claim(e.timeout(2), e.requestFor(1))
					if starts += len(leases); starts > want || len(leases) == 0 && !errors.Is(err, context.DeadlineExceeded) {
						e.Fatalf("limit %d: start %d, error %v", want, starts, err)
					}
					for _, l := range leases {
						if l.Attempt != starts || l.Crashes != starts-1 {
							e.Fatalf("start %d: attempt %d, crashes %d", starts, l.Attempt, l.Crashes)
						}
					}
				}
				if starts != want {
					e.Fatalf("the handler started %d times, want %d", starts, want)
				}
				if r := e.lookup(j.Ref); r.Reason == "" || r.Ended.IsZero() || r.Attempt != want {
					e.Fatalf("the dead letter doesn't say what happened: %+v", r)
				}
			}
		},
	},
	{
		"R4", "CrashesAreCountedApart", "retries use up the crashes a job may have, or reset them",
		records,
		func(e *env) {
			e.start(1)
			e.mustSettle(retry(e.claim(), 0))      // attempt 2, crash 1; its error is no crash
			e.mustSettle(snooze(e.claimFor(1), 0)) // attempt 3, then 2 as before
			e.mustSettle(release(e.claimFor(1)))   // the same
			e.claimFor(1)                          // attempt 3
			l := e.claim()                         // attempt 4, crash 2
			if l.Crashes != 2 || l.Attempt != 4 || l.Token != 6 {
				e.Fatalf("crashes %d, attempt %d, token %d; want 2, 4, 6", l.Crashes, l.Attempt, l.Token)
			}
		},
	},
}
