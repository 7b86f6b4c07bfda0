package backendtest

import (
	"errors"
	"time"

	"github.com/leat-go/leat/backends"
)

var backlogCases = []testCase{
	{
		"R12", "FullQueueRefusesTheRest", "a burst grows the backlog without bound, or one refused job fails those that fitted",
		countsBacklog,
		func(e *env) {
			e.policy = &backends.Policy{Backlog: 3}
			jobs := crowd(5, "zeta")
			start := time.Now()
			e.expectFull(e.tryEnqueue(jobs...), false, false, false, true, true)
			if waited := time.Since(start); waited > e.unit {
				e.Fatalf("a refusal took %v: it must come at once", waited)
			}
			if got := e.claimRest(e.request(10)); len(got) != 3 {
				e.Fatalf("%d jobs exist, 3 were accepted", len(got))
			}
		},
	},
	{
		"R12", "RefusedJobLeavesNoRecord", "a caller that was refused finds a job that never runs, and can't try its key again",
		all(countsBacklog, records),
		func(e *env) {
			e.policy = &backends.Policy{Backlog: 1}
			e.enqueue(job("zeta"))
			j := job("zeta")
			e.expectFull(e.tryEnqueue(j), true)
			e.expectGone(j.Ref)
			e.claim()
			e.enqueue(j)
		},
	},
	{
		"R12", "FullTenantSparesOthers", "one tenant's flood gets everybody else refused",
		countsBacklog,
		func(e *env) {
			e.policy = &backends.Policy{
				Tenant:  backends.Tenancy{Backlog: 2},
				Tenants: map[string]backends.Tenancy{"theta": {Backlog: 3}},
			}
			e.expectFull(e.tryEnqueue(crowd(3, "zeta")...), false, false, true)
			e.expectFull(e.tryEnqueue(crowd(3, "eta")...), false, false, true)
			e.expectFull(e.tryEnqueue(crowd(4, "theta")...), false, false, false, true)
		},
	},
	{
		"R12", "QueueAndTenantBoundTogether", "of two limits only one is kept",
		countsBacklog,
		func(e *env) {
			e.policy = &backends.Policy{Backlog: 3, Tenant: backends.Tenancy{Backlog: 2}}
			jobs := []backends.Job{job("zeta"), job("zeta"), job("zeta"), job("eta"), job("eta")}
			e.expectFull(e.tryEnqueue(jobs...), false, false, true, false, true)
		},
	},
	{
		"R12", "ExistingKeyIsNeverRefused", "a caller that repeats a request after a lost reply is told 429 for a job that is already accepted",
		all(countsBacklog, records),
		func(e *env) {
			e.policy = &backends.Policy{Backlog: 2, Tenant: backends.Tenancy{Backlog: 2}}
			jobs := crowd(2, "zeta")
			e.enqueue(jobs...)
			out := e.tryEnqueue(jobs[0], job("zeta"), jobs[1])
			e.expectFull(out, false, true, false)
			if !out[0].Duplicate || !out[2].Duplicate {
				e.Fatalf("outcomes %+v: want the first and last to be duplicates", out)
			}
		},
	},
	{
		"R12", "ClaimMakesRoom", "a queue that was full once refuses although its jobs run",
		countsBacklog,
		func(e *env) {
			e.policy = &backends.Policy{Backlog: 1, Tenant: backends.Tenancy{Backlog: 1}}
			e.enqueue(job("zeta"))
			e.expectFull(e.tryEnqueue(job("zeta")), true)
			e.claim()
			e.enqueue(job("zeta"))
			e.expectFull(e.tryEnqueue(job("zeta")), true)
		},
	},
	{
		"R12", "CancelAndPurgeMakeRoom", "an operator who clears a full queue finds it as full as before",
		all(countsBacklog, records, lists),
		func(e *env) {
			e.policy = &backends.Policy{Backlog: 1, Tenant: backends.Tenancy{Backlog: 1}}
			j := job("zeta")
			e.enqueue(j)
			e.mustCancel(j.Ref)
			e.enqueue(job("zeta"))
			e.purge(backends.PurgeRequest{Queue: theQueue, State: backends.Waiting, AnyTenant: true}, 1)
			e.enqueue(job("zeta"))
		},
	},
	{
		"R12", "AllThatWaitsCounts", "jobs that are scheduled or held grow without bound",
		all(countsBacklog, records),
		func(e *env) {
			e.policy = &backends.Policy{Backlog: 2}
			e.enqueue(job("zeta", dueIn(e.span(100))), e.collation("zeta", 0))
			e.expectFull(e.tryEnqueue(job("zeta")), true)
		},
	},
	{
		"R12", "RetryIsNeverRefused", "a full queue loses the jobs that come back from workers",
		countsBacklog,
		func(e *env) {
			e.policy = &backends.Policy{Backlog: 1, Tenant: backends.Tenancy{Backlog: 1}}
			for _, v := range []backends.Verb{backends.Retry, backends.Snooze, backends.Release} {
				j := job("zeta")
				e.enqueue(j)
				l := e.claimThe(j.Ref)
				e.enqueue(job("zeta"))
				e.expect(e.settleAs(l, v), nil)
				e.expectFull(e.tryEnqueue(job("zeta")), true)
				for _, l := range e.claimTotal(e.request(1), 2) {
					e.commit(l)
				}
			}
		},
	},
	{
		"R12", "SupersedingNeedsNoRoom", "on a full queue a screen can't replace its own outdated job, and stale work runs instead",
		all(countsBacklog, records),
		func(e *env) {
			e.policy = &backends.Policy{Backlog: 2, Tenant: backends.Tenancy{Backlog: 2}}
			older := job("zeta", inPlace("screen-9"))
			e.enqueue(older, job("zeta"))
			newer, newest := job("zeta", inPlace("screen-9")), job("zeta", trailing("screen-9"))
			e.enqueue(newer)
			e.expectState(older.Ref, backends.Superseded)
			e.enqueue(newest)
			e.expectState(newer.Ref, backends.Superseded)
			e.expectFull(e.tryEnqueue(job("zeta")), true)
		},
	},
	{
		"R12", "RefusedJobSupersedesNothing", "a refused request stops the job that it was to replace",
		all(countsBacklog, records),
		func(e *env) {
			e.policy = &backends.Policy{Backlog: 1}
			older := job("zeta", inPlace("screen-9"))
			e.enqueue(older)
			l := e.claimThe(older.Ref)
			e.enqueue(job("zeta"))
			e.expectFull(e.tryEnqueue(job("zeta", inPlace("screen-9"))), true)
			e.expect(e.extend(l, e.span(10)), nil)
			e.commit(l)
			e.expectState(older.Ref, backends.Succeeded)
		},
	},
	{
		"R12", "RefusedMemberIsNotCounted", "a batch waits for ever for a slice that was refused",
		all(countsBacklog, records, queues),
		func(e *env) {
			e.policy = &backends.Policy{Backlog: 1}
			c := e.collation("zeta", 0)
			e.enqueueIn(otherQueue, c)
			member := job("zeta", memberOf(c))
			e.enqueue(member)
			e.expectFull(e.tryEnqueue(job("zeta", memberOf(c))), true)
			e.sealIn(otherQueue, c)
			e.commit(e.claimThe(member.Ref))
			e.expectJob(e.claimBy(e.requestIn(otherQueue, 1))[0], c)
		},
	},
}

// expectFull expects per item whether it was refused for lack of room.
func (e *env) expectFull(out []backends.Enqueued, full ...bool) {
	e.Helper()
	for i, want := range full {
		if got := out[i].Err; want != errors.Is(got, backends.ErrBacklogFull) || !want && got != nil {
			e.Fatalf("job %d: error %v, want it refused as full: %v", i, got, want)
		}
	}
}
