package backendtest

import (
	"math/rand/v2"
	"sync/atomic"

	"github.com/leat-go/leat/backends"
)

// recountCases: only the first end of a member counts.
var recountCases = []testCase{
	{
		"R14", "RedrivenMemberCountsOnce", "a redriven slice stands in for one that is not done yet",
		records,
		func(e *env) {
			c, _ := e.batch(2, -1)
			members := e.claimMany(2)
			e.end(members[0], backends.Dead)
			e.revive(members[0].Job.Ref)
			e.commit(e.claimThe(members[0].Job.Ref))
			e.expectProgress(c, backends.BatchProgress{Members: 2, Ended: 1, Failed: 1, Hold: 1, Sealed: true})
			e.claimNone(e.request(1))
			e.commit(members[1])
			e.claimThe(c.Ref)
		},
	},
	{
		"R14", "CountsGoOnWhileTheCollationRuns", "who collates early says at its end that slices are missing which came meanwhile",
		records,
		func(e *env) {
			c, members := e.batch(3, 0)
			leases := e.claimInOrder(members)
			e.end(leases[0], backends.Dead)
			collating := e.claimThe(c.Ref)
			e.commit(leases[1])
			e.report(collating, backends.Progress{Percent: 50})
			e.commit(leases[2])
			e.end(collating, backends.Dead)
			e.expectProgress(c, backends.BatchProgress{Members: 3, Ended: 3, Failed: 1, Sealed: true})
		},
	},
	{
		"R14", "StolenMemberCountsOnce", "a slice that was run twice stands in for one that is not done yet",
		records,
		func(e *env) {
			c, _ := e.batch(2, 0)
			zombie := e.crash()
			current := e.claimMany(2)
			e.expect(e.settle(commitAs(zombie, backends.Succeeded)), backends.ErrLost)
			e.commit(current[0])
			e.commit(current[0]) // the reply was lost
			e.expectProgress(c, backends.BatchProgress{Members: 2, Ended: 1, Hold: 1, Sealed: true})
			e.claimNone(e.request(1))
			e.commit(current[1])
			e.claimThe(c.Ref)
		},
	},
	{
		"R14", "AnnouncingCountsOnce", "announcing a slice's end counts it again",
		records,
		func(e *env) {
			c, _ := e.batch(2, 0)
			members := e.claimMany(2)
			s := commitAs(members[0], backends.Succeeded)
			s.Owes = backends.Event
			e.mustSettle(s)
			e.mustSettle(release(members[0]))
			e.mustSettle(announced(e.claimBy(e.announcing(1))[0]))
			e.expectProgress(c, backends.BatchProgress{Members: 2, Ended: 1, Hold: 1, Sealed: true})
			e.claimNone(e.announcing(1))
			e.commit(members[1])
			e.claimThe(c.Ref)
		},
	},
	{
		"R14", "PurgedWaitingMemberCountsAsFailed", "a report waits for ever for slices that were purged",
		all(records, lists, queues),
		func(e *env) {
			c := e.collation("zeta", -1)
			e.enqueueIn(otherQueue, c)
			e.enqueue(crowd(2, "zeta", memberOf(c))...)
			e.sealIn(otherQueue, c)
			e.purge(backends.PurgeRequest{Queue: theQueue, State: backends.Waiting, Tenant: "zeta"}, 2)
			e.expectJob(e.claimBy(e.requestIn(otherQueue, 1))[0], c)
			e.expectProgress(c, backends.BatchProgress{Members: 2, Ended: 2, Failed: 2, Sealed: true})
		},
	},
	{
		"R14", "PurgedEndedMemberIsNotCountedAgain", "tidying up makes the report come too early",
		all(records, lists),
		func(e *env) {
			c, _ := e.batch(2, -1)
			members := e.claimMany(2)
			e.end(members[0], backends.Dead)
			e.purge(backends.PurgeRequest{Queue: theQueue, State: backends.Dead, AnyTenant: true}, 1)
			e.expectProgress(c, backends.BatchProgress{Members: 2, Ended: 1, Failed: 1, Hold: 1, Sealed: true})
			e.claimNone(e.request(1))
			e.commit(members[1])
			e.claimThe(c.Ref)
		},
	},
	{
		"R14", "SupersededMemberIsReplaced", "a slice that was asked for again is missing, or counted twice",
		records,
		func(e *env) {
			c := e.collation("zeta", -1)
			e.enqueue(c)
			e.enqueue(crowd(3, "zeta", memberOf(c), inPlace("page-7"))...)
			e.seal(c)
			e.expectProgress(c, backends.BatchProgress{Members: 3, Ended: 2, Failed: 2, Hold: 1, Sealed: true})
			l := e.claim()
			e.claimNone(e.request(1))
			e.commit(l)
			e.claimThe(c.Ref)
		},
	},
}

var bigBatchCases = []testCase{
	{
		"R14", "BigBatchIsCollatedOnce", "with retries and crashes among its slices a night's report is made twice, too early, or never",
		records,
		func(e *env) {
			e.policy = &backends.Policy{MaxCrashes: 1000}
			n := e.scale(1000, 60)
			c, _ := e.batch(n, -1)
			var ended, collated atomic.Int32
			done := make(chan struct{})
			req := e.requestFor(2)
			rng := make([]*rand.Rand, 8)
			for i := range rng {
				rng[i] = rand.New(rand.NewPCG(14, uint64(i)))
			}
			stop := e.pool(len(rng), req, func(slot int, l *backends.Lease) {
				if l.Job.ID != c.ID {
					if s, crash := fate(rng[slot], l, e); !crash && e.attempt(s) == nil && s.Verb == backends.Commit {
						ended.Add(1)
					}
					return
				}
				if got := ended.Load(); int(got) < n-len(rng) { // others may be between their commit and the count
					e.Errorf("collated after %d of %d members", got, n)
				}
				if e.attempt(commitAs(l, backends.Succeeded)) == nil && collated.Add(1) == 1 {
					close(done)
				}
			})
			await(e, done)
			stop()
			e.claimNone(e.request(1))
			got := e.lookup(c.Ref).Batch
			if collated.Load() != 1 || int(ended.Load()) != n || got.Ended != n || got.Hold != 0 {
				e.Fatalf("collated %d times after %d ends of %d members: %+v", collated.Load(), ended.Load(), n, got)
			}
		},
	},
}

// fate is what becomes of one attempt: of ten, six succeed, one crashes.
func fate(r *rand.Rand, l *backends.Lease, e *env) (s backends.Settlement, crash bool) {
	switch r.IntN(10) {
	case 0:
		return s, true
	case 1:
		return retry(l, e.unit/2), false
	case 2:
		return release(l), false
	case 3:
		return commitAs(l, backends.Dead), false
	}
	return commitAs(l, backends.Succeeded), false
}
