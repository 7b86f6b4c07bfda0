package backendtest

import (
	"time"

	"github.com/leat-go/leat/backends"
)

// endCases: ends that the store writes in place of what a worker brought, or of
// what it never brought.
var endCases = []testCase{
	{
		"R6", "PolicyIsOwedByEveryEndOfTheStore", "callers that wait for the event of a job that never ran wait for ever",
		records,
		func(e *env) {
			e.policy = &backends.Policy{Owes: backends.Event, MaxCrashes: 1}
			place := func(j *backends.Job) { j.Supersede = "zeta/screen-9" }
			for end, edit := range map[backends.State]func(*backends.Job){
				backends.Expired:    func(j *backends.Job) { j.Expiry = e.unit },
				backends.Superseded: place,
				backends.Dead:       func(*backends.Job) {},
				backends.Cancelled:  func(*backends.Job) {},
			} {
				j := job("zeta", edit)
				e.enqueue(j)
				switch end {
				case backends.Expired:
					e.pass(1.5)
				case backends.Superseded:
					newer := job("zeta", place)
					e.enqueue(newer)
					l := e.claim()
					e.expectJob(l, newer)
					e.commit(l)
					e.mustSettle(announced(l))
				case backends.Dead:
					e.claimFor(1)
				case backends.Cancelled:
					e.expect(e.cancel(j.Ref), nil)
				}
				a := e.claimOwed()
				e.expectJob(a, j)
				if a.Outcome.State != end || a.Outcome.Owes != backends.Event {
					e.Fatalf("%v: outcome %+v", end, a.Outcome)
				}
				e.mustSettle(announced(a))
				e.expectState(j.Ref, end)
			}
		},
	},
	{
		"R6", "StoreEndWithNothingOwedIsClosed", "workers are handed ends that nobody wants to hear of",
		records,
		func(e *env) {
			waiting := job("zeta")
			e.enqueue(waiting)
			e.expect(e.cancel(waiting.Ref), nil)
			expired := job("zeta", func(j *backends.Job) { j.Expiry = e.unit })
			e.enqueue(expired)
			e.pass(1.5)
			e.claimNone(e.announcer())
			for ref, end := range map[backends.Ref]backends.State{waiting.Ref: backends.Cancelled, expired.Ref: backends.Expired} {
				if r := e.expectState(ref, end); r.Owes != 0 || !r.Due.IsZero() {
					e.Fatalf("record: %+v", r)
				}
			}
		},
	},
	{
		"R5", "CancelMarkWins", "a job that somebody cancelled succeeds, is tried again, or comes back after a deploy",
		records,
		func(e *env) {
			for name, s := range verbs {
				if name == "announced" {
					continue
				}
				l := e.start(10)
				e.expect(e.cancel(l.Job.Ref), nil)
				settlement := s(l)
				if name == "succeeded" {
					settlement.Result = []byte("plan")
				}
				want := backends.ErrCancelled
				if name == "cancelled" {
					want = nil // what it brought is what was written
				}
				for range 2 { // the repeat is answered as the first
					e.expect(e.settle(settlement), want)
				}
				if r := e.expectState(l.Job.Ref, backends.Cancelled); r.Cancelling || len(r.Result) > 0 || !r.Due.IsZero() {
					e.Fatalf("%s: %+v", name, r)
				}
			}
			e.claimNone(e.announcer())
		},
	},
	{
		"R5", "CancelMarkOutlivesItsHolder", "a job that somebody cancelled runs again after a crash",
		records,
		func(e *env) {
			l := e.start(1)
			e.expect(e.cancel(l.Job.Ref), nil)
			e.pass(1.5)
			e.claimNone(e.request(1))
			e.expectState(l.Job.Ref, backends.Cancelled)
			e.expect(e.settle(commitAs(l, backends.Succeeded)), backends.ErrLost)
		},
	},
	{
		"R6", "CommitThatMetAMarkKeepsTheLeaseWhileOwed", "the event of a cancelled job is sent by nobody, or by two",
		records,
		func(e *env) {
			e.policy = &backends.Policy{Owes: backends.Event}
			for _, end := range ends {
				l := e.start(10)
				e.expect(e.cancel(l.Job.Ref), nil)
				want := backends.ErrCancelled
				if end == backends.Cancelled {
					want = nil
				}
				e.expect(e.settle(commitAs(l, end)), want)
				if r := e.expectState(l.Job.Ref, backends.Cancelled); r.Owes != backends.Event {
					e.Fatalf("owes %v", r.Owes)
				}
				e.claimNone(e.announcer())
				e.mustSettle(announced(l))
			}
		},
	},
	{
		"R6", "OtherVerbsThatMetAMarkLeaveTheAnnouncing", "the event of a job that was cancelled as it failed never leaves",
		records,
		func(e *env) {
			e.policy = &backends.Policy{Owes: backends.Event}
			for _, s := range []func(*backends.Lease) backends.Settlement{verbs["retry"], verbs["snooze"], verbs["release"]} {
				l := e.start(10)
				e.expect(e.cancel(l.Job.Ref), nil)
				for range 2 { // the repeat is answered as the first
					e.expect(e.settle(s(l)), backends.ErrCancelled)
				}
				e.expect(e.settle(announced(l)), backends.ErrLost)
				start := time.Now()
				a := e.claimOwed()
				e.expectWait(start, 0)
				e.expectJob(a, *l.Job)
				if a.Outcome.State != backends.Cancelled || a.Outcome.Owes != backends.Event {
					e.Fatalf("outcome: %+v", a.Outcome)
				}
				e.mustSettle(announced(a))
			}
		},
	},
	{
		"R13", "SupersededResultIsDropped", "an outdated plan is written over the newest one",
		records,
		func(e *env) {
			place := func(j *backends.Job) { j.Supersede = "zeta/screen-9" }
			l := e.start(10, place)
			newer := job("zeta", place)
			e.enqueue(newer)
			s := commitAs(l, backends.Succeeded)
			s.Result, s.Owes = []byte("plan"), backends.WriteBack
			for range 2 {
				e.expect(e.settle(s), backends.ErrSuperseded)
			}
			r := e.expectState(l.Job.Ref, backends.Superseded)
			if len(r.Result) > 0 || r.Owes != 0 || r.SupersededBy != newer.ID {
				e.Fatalf("record: %+v", r)
			}
			e.expectJob(e.claim(), newer)
		},
	},
}
