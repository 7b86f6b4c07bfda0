package backendtest

import (
	"context"
	"time"

	"github.com/leat-go/leat/backends"
)

// announceCases: jobs that have ended and still owe something.
var announceCases = []testCase{
	{
		"R7", "LapsedCommitIsClaimedForAnnouncingOnly", "a finished computation runs again because its event had not left",
		records,
		func(e *env) {
			l := e.owing(backends.Event, 1)
			a := e.claimOwed()
			e.expectJob(a, *l.Job)
			if a.Outcome == nil || a.Outcome.State != backends.Succeeded || string(a.Outcome.Result) != "plan" ||
				a.Outcome.Owes != backends.Event {
				e.Fatalf("outcome: %+v", a.Outcome)
			}
			if a.Token != l.Token+1 || a.Attempt != l.Attempt || a.Order != l.Order || a.Generation != l.Generation {
				e.Fatalf("lease: %+v, after %+v", a, l)
			}
			e.mustSettle(announced(a))
			if r := e.expectState(l.Job.Ref, backends.Succeeded); r.Attempt != 1 || r.Owes != 0 || !r.Due.IsZero() {
				e.Fatalf("record: %+v", r)
			}
			e.claimNone(e.announcer())
		},
	},
	{
		"R6", "DebtGoesOnlyToWhoCanPayAllOfIt", "a write-back is lost with a worker that has no hook for it",
		records,
		func(e *env) {
			const both = backends.Event | backends.WriteBack
			for _, owes := range []backends.Debt{backends.Event, backends.WriteBack, both} {
				l := e.owing(owes, 1)
				e.pass(1.5)
				for _, can := range []backends.Debt{0, backends.Event, backends.WriteBack} {
					if req := e.announcer(); !owes.In(can) {
						req.CanAnnounce = can
						e.claimNone(req)
					}
				}
				req := e.announcer()
				req.CanAnnounce = owes
				a := e.claimBy(req)[0]
				e.expectJob(a, *l.Job)
				e.mustSettle(announced(a))
			}
		},
	},
	{
		"R6", "WriteBackGoesOnlyToWhoKnowsTheKind", "a worker runs its after-success hook for another handler's result",
		func(f backends.Features) bool { return f.Records && f.Kinds },
		func(e *env) {
			for _, owes := range []backends.Debt{backends.Event, backends.WriteBack, backends.Event | backends.WriteBack} {
				l := e.owing(owes, 10)
				e.mustSettle(release(l))
				req := e.announcer()
				req.Kinds = []string{"other"}
				if owes != backends.Event { // which anybody can send
					e.claimNone(req)
					req.Kinds = []string{"other", theKind}
				}
				a := e.claimBy(req)[0]
				e.expectJob(a, *l.Job)
				e.mustSettle(announced(a))
			}
		},
	},
	{
		"R6", "WaiterThatCannotAnnounceSwallowsNoWake", "an event waits beside an idle worker that could send it",
		records,
		func(e *env) {
			l := e.owing(backends.Event, 30)
			ctx, cancel := context.WithCancel(e.Context())
			a := e.claiming(ctx, e.request(1))
			b := e.claiming(e.Context(), e.announcer())
			start := time.Now()
			e.mustSettle(release(l))
			e.expectJob(e.awaitLease(b), *l.Job)
			e.expectWait(start, 0)
			cancel()
			e.expect(await(e, a).err, context.Canceled)
		},
	},
	{
		"R6", "EndOfTheStoreWakesTheAnnouncer", "callers hear of a job that expired or was cancelled when the next one is enqueued",
		records,
		func(e *env) {
			e.policy = &backends.Policy{Owes: backends.Event}
			for end, edit := range map[backends.State]func(*backends.Job){
				backends.Expired:   func(j *backends.Job) { j.Expiry, j.Delay = 2*e.unit, 20*e.unit },
				backends.Cancelled: func(j *backends.Job) { j.Delay = 20 * e.unit },
			} {
				c := e.claiming(e.Context(), e.announcer())
				j := job("zeta", edit)
				start := time.Now()
				e.enqueue(j)
				e.rest()
				if end == backends.Cancelled {
					start = start.Add(-2 * e.unit) // at once
					e.expect(e.cancel(j.Ref), nil)
				}
				l := e.awaitLease(c)
				e.expectJob(l, j)
				e.expectWait(start, 2)
				if l.Outcome == nil || l.Outcome.State != end {
					e.Fatalf("outcome %+v, want %v", l.Outcome, end)
				}
				e.mustSettle(announced(l))
			}
		},
	},
	{
		"R7", "DebtDoesNotHoldUpJobs", "workers that can't announce starve behind events that wait",
		records,
		func(e *env) {
			for range 20 {
				e.mustSettle(release(e.owing(backends.Event, 10)))
			}
			j := job("zeta")
			e.enqueue(j)
			start := time.Now()
			e.expectJob(e.claim(), j)
			e.expectWait(start, 0)
		},
	},
	{
		"R4", "AnnouncingThatKillsIsGivenUp", "an event that kills its process kills one worker after the other",
		records,
		func(e *env) {
			for _, limit := range []int{1, 3} {
				e.policy = &backends.Policy{Version: limit, MaxCrashes: limit}
				ref := e.owing(backends.Event, 1).Job.Ref // its holder is the first to fall silent
				req := e.announcer()
				req.Lease = e.unit
				for i := 1; i < limit; i++ {
					a := e.claimBy(req)[0]
					if a.Outcome == nil || a.Crashes != i || a.Attempt != 1 {
						e.Fatalf("announcing claim %d: %+v", i, a)
					}
				}
				e.pass(1.5)
				e.claimNone(req)
				r := e.expectState(ref, backends.Succeeded)
				if r.Dropped != backends.Event || r.Owes != 0 || !r.Due.IsZero() || string(r.Result) != "plan" {
					e.Fatalf("record: %+v", r)
				}
			}
		},
	},
	{
		"R7", "EndedJobIsNeverRunAgain", "a result is computed twice and announced as another",
		records,
		func(e *env) {
			l := e.owing(backends.Event, 1)
			e.pass(1.5)
			e.claimNone(e.request(1))
			e.expectState(l.Job.Ref, backends.Succeeded)
		},
	},
}
