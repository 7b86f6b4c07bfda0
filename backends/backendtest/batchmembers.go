package backendtest

import "github.com/leat-go/leat/backends"

// memberCases: who may join.
var memberCases = []testCase{
	{
		"R14", "NoMemberAfterTheSeal", "a slice that comes late is done but is not in the report",
		records,
		func(e *env) {
			c, _ := e.batch(1, 0)
			late := job("zeta", memberOf(c))
			e.expect(e.tryEnqueue(late)[0].Err, backends.ErrSealed)
			e.expectGone(late.Ref)
			e.commit(e.claim())
			e.claimThe(c.Ref)
		},
	},
	{
		"R14", "NoMemberAfterTheEnd", "a splitter goes on making slices for a report that was cancelled",
		records,
		func(e *env) {
			c := e.collation("zeta", 0)
			e.enqueue(c)
			e.mustCancel(c.Ref)
			late := job("zeta", memberOf(c))
			e.expect(e.tryEnqueue(late)[0].Err, backends.ErrEnded)
			e.expectGone(late.Ref)
		},
	},
	{
		"R14", "NoMemberOfNothing", "slices run for a report that doesn't exist, or for another tenant's",
		records,
		func(e *env) {
			unknown, foreign := e.collation("zeta", 0), e.collation("zeta", 0)
			e.enqueue(foreign)
			foreign.Tenant = "eta"
			out := e.tryEnqueue(job("zeta", memberOf(unknown)), job("zeta"), job("eta", memberOf(foreign)))
			e.expect(out[0].Err, backends.ErrNotFound)
			e.expect(out[1].Err, nil)
			e.expect(out[2].Err, backends.ErrNotFound)
			e.expectGone(out[0].Ref)
		},
	},
	{
		"R14", "DuplicateMemberIsNotCounted", "a splitter that resumes after a crash waits for slices that are done",
		records,
		func(e *env) {
			c := e.collation("zeta", 0)
			e.enqueue(c)
			m := job("zeta", memberOf(c))
			e.enqueue(m)
			for range 2 {
				if out := e.tryEnqueue(m, m); !out[0].Duplicate || !out[1].Duplicate {
					e.Fatalf("outcomes %+v: want duplicates", out)
				}
			}
			e.expectProgress(c, backends.BatchProgress{Members: 1, Hold: 2})
			e.seal(c)
			if out := e.tryEnqueue(m); out[0].Err != nil || !out[0].Duplicate {
				e.Fatalf("member again after the seal: %+v", out[0])
			}
			e.commit(e.claim())
			e.commit(e.claimThe(c.Ref))
			if out := e.tryEnqueue(m); out[0].Err != nil || !out[0].Duplicate {
				e.Fatalf("member again after the end: %+v", out[0])
			}
		},
	},
}

// tolerateCases: how many members may fail.
var tolerateCases = []testCase{
	{
		"R14", "FailFastCollatesAtOnce", "after the first failed slice a fail-fast batch still waits for the others",
		records,
		func(e *env) {
			c, jobs := e.batch(3, 0)
			members := e.claimInOrder(jobs)
			blocked := e.blocked(e.request(1))
			e.end(members[0], backends.Dead)
			l := e.wakes(blocked)
			e.expectJob(l, c)
			e.expectProgress(c, backends.BatchProgress{Members: 3, Ended: 1, Failed: 1, Sealed: true})
			e.commit(members[1])
			e.end(members[2], backends.Dead)
			e.claimNone(e.request(1)) // no second collation
			e.commit(l)
			e.claimNone(e.request(1))
		},
	},
	{
		"R14", "FailFastNeedsNoSeal", "a batch that has failed waits for its splitter, which may be dead",
		records,
		func(e *env) {
			c := e.collation("zeta", 0)
			e.enqueue(c)
			e.enqueue(job("zeta", memberOf(c)))
			e.end(e.claim(), backends.Dead)
			l := e.claimThe(c.Ref)
			e.seal(c)
			e.claimNone(e.request(1))
			e.commit(l)
			e.claimNone(e.request(1))
		},
	},
	{
		"R14", "TolerateAllowsSoMany", "a batch gives up over a failure that it was told to bear, or bears one too many",
		records,
		func(e *env) {
			c, jobs := e.batch(4, 1)
			members := e.claimInOrder(jobs)
			e.commit(members[0])
			e.end(members[1], backends.Dead)
			e.claimNone(e.request(1))
			e.end(members[2], backends.Expired)
			e.claimThe(c.Ref)
			e.expectProgress(c, backends.BatchProgress{Members: 4, Ended: 3, Failed: 2, Sealed: true})
		},
	},
	{
		"R14", "TolerateAllCollectsAll", "a batch that collects whatever came is cut short by failures",
		records,
		func(e *env) {
			c, _ := e.batch(3, -1)
			members := e.claimMany(3)
			e.end(members[0], backends.Dead)
			e.end(members[1], backends.Cancelled)
			e.claimNone(e.request(1))
			e.end(members[2], backends.Dead)
			e.claimThe(c.Ref)
			e.expectProgress(c, backends.BatchProgress{Members: 3, Ended: 3, Failed: 3, Sealed: true})
		},
	},
}
