package backendtest

import (
	"time"

	"github.com/leat-go/leat/backends"
)

// debtCases: what a commit leaves to be announced.
var debtCases = []testCase{
	{
		"R6", "CommitKeepsTheLeaseWhileOwed", "two workers send one event, or nobody does",
		records,
		func(e *env) {
			start := time.Now()
			l := e.owing(backends.Event|backends.WriteBack, 3)
			r := e.expectState(l.Job.Ref, backends.Succeeded)
			if r.Owes != backends.Event|backends.WriteBack || r.Due.IsZero() || r.Ended.IsZero() {
				e.Fatalf("record: %+v", r)
			}
			e.claimNone(e.announcer())
			a := e.claimOwed()
			e.expectWait(start, 3)
			e.expect(e.settle(announced(l)), backends.ErrLost)
			e.mustSettle(announced(a))
		},
	},
	{
		"R6", "AnnouncedClosesTheJob", "an event is sent again and again",
		records,
		func(e *env) {
			l := e.owing(backends.Event, 1)
			for range 2 { // the repeat is answered as the first
				e.mustSettle(announced(l))
			}
			if r := e.expectState(l.Job.Ref, backends.Succeeded); r.Owes != 0 || r.Dropped != 0 || !r.Due.IsZero() {
				e.Fatalf("record: %+v", r)
			}
			e.pass(1.5)
			e.claimNone(e.announcer())
		},
	},
	{
		"R6", "RetryOfAnEndedJobAnnouncesThen", "a topic that is down loses events, or is hammered with them",
		records,
		func(e *env) {
			for _, again := range []func(*backends.Lease, time.Duration) backends.Settlement{retry, snooze} {
				l := e.owing(backends.Event|backends.WriteBack, 30)
				start := time.Now()
				e.mustSettle(again(l, 2*e.unit))
				a := e.claimOwed()
				e.expectWait(start, 2)
				if a.Outcome.Owes != backends.Event|backends.WriteBack || a.Crashes != 0 || a.Attempt != 1 {
					e.Fatalf("lease %+v, outcome %+v", a, a.Outcome)
				}
				e.mustSettle(announced(a))
			}
		},
	},
	{
		"R16", "ReleaseOfAnEndedJobAnnouncesNow", "the events of a stopping worker leave a lease later, or never",
		records,
		func(e *env) {
			l := e.owing(backends.Event, 30)
			start := time.Now()
			e.mustSettle(release(l))
			a := e.claimOwed()
			e.expectWait(start, 0)
			e.mustSettle(release(a))
			a = e.claimOwed()
			if a.Token != 3 || a.Attempt != 1 || a.Outcome.Owes != backends.Event {
				e.Fatalf("lease: %+v", a)
			}
		},
	},
	{
		"R6", "PaidPartOfADebtIsForgotten", "an event is sent again because the write-back failed",
		records,
		func(e *env) {
			for _, again := range []backends.Verb{backends.Retry, backends.Snooze, backends.Release} {
				l := e.owing(backends.Event|backends.WriteBack, 10)
				e.mustSettle(backends.Settlement{Lease: l, Verb: again, Owes: backends.WriteBack})
				a := e.claimOwed()
				if a.Outcome.Owes != backends.WriteBack || e.lookup(l.Job.Ref).Owes != backends.WriteBack {
					e.Fatalf("%v: owes %v", again, a.Outcome.Owes)
				}
				e.mustSettle(announced(a))
			}
		},
	},
	{
		"R6", "AnnouncedPartLeavesTheRest", "a worker that could send the event but not write back must hold up both",
		records,
		func(e *env) {
			l := e.owing(backends.Event|backends.WriteBack, 10)
			s := announced(l)
			s.Owes = backends.Event
			for range 2 { // the repeat is answered as the first
				e.mustSettle(s)
			}
			start := time.Now()
			a := e.claimOwed()
			e.expectWait(start, 0)
			if a.Outcome.Owes != backends.WriteBack {
				e.Fatalf("owes %v", a.Outcome.Owes)
			}
			s = announced(a)
			s.Owes = backends.Event | backends.WriteBack
			e.mustSettle(s)
			if r := e.lookup(l.Job.Ref); r.Owes != 0 || r.Dropped != 0 || !r.Due.IsZero() {
				e.Fatalf("record: %+v", r)
			}
		},
	},
	{
		"R6", "CommitLeavesTimeToAnnounce", "each commit at the end of a lease sends its event twice",
		softLeases,
		func(e *env) {
			l := e.start(1)
			e.pass(1.5) // lapsed, but nobody took it
			s := commitAs(l, backends.Succeeded)
			s.Owes = backends.Event
			e.mustSettle(s)
			if r := e.lookup(l.Job.Ref); r.Due.Sub(r.Ended) < backends.KeptLease-e.unit/10 {
				e.Fatalf("the lease ends %v after the commit, want %v", r.Due.Sub(r.Ended), backends.KeptLease)
			}
			e.claimNone(e.announcer())
			e.mustSettle(announced(l))
		},
	},
	{
		"R6", "NamedPartAddsNoDebt", "a failed event runs a write-back that was never asked for",
		records,
		func(e *env) {
			l := e.owing(backends.Event, 10)
			e.mustSettle(backends.Settlement{Lease: l, Verb: backends.Release, Owes: backends.Event | backends.WriteBack})
			if a := e.claimOwed(); a.Outcome.Owes != backends.Event {
				e.Fatalf("owes %v", a.Outcome.Owes)
			}
		},
	},
	{
		"R6", "WriteBackIsOwedBySuccessAlone", "a failed what-if is written back as an accepted setting",
		records,
		func(e *env) {
			for _, end := range ends {
				for owes, want := range map[backends.Debt]backends.Debt{
					backends.WriteBack:                  0,
					backends.Event | backends.WriteBack: backends.Event,
				} {
					if end == backends.Succeeded {
						want = owes
					}
					s := commitAs(e.start(10), end)
					s.Owes = owes
					e.mustSettle(s)
					if r := e.expectState(s.Lease.Job.Ref, end); r.Owes != want {
						e.Fatalf("%v owes %v, want %v", end, r.Owes, want)
					}
				}
			}
		},
	},
	{
		"R6", "PolicyIsOwedByEveryCommit", "callers that wait for the event of a failed job wait for ever",
		records,
		func(e *env) {
			e.policy = &backends.Policy{Owes: backends.Event}
			for _, end := range ends {
				l := e.start(10)
				e.mustSettle(commitAs(l, end))
				if r := e.expectState(l.Job.Ref, end); r.Owes != backends.Event {
					e.Fatalf("%v owes %v", end, r.Owes)
				}
				e.mustSettle(announced(l))
			}
		},
	},
}
