package backendtest

import (
	"slices"

	"github.com/google/uuid"

	"github.com/leat-go/leat/backends"
)

// collation makes a collation job that is held until its batch is sealed and done.
func (e *env) collation(tenant string, tolerate int32) backends.Job {
	return job(tenant, func(j *backends.Job) {
		j.Kind = "collate"
		j.Batch = &backends.Batch{Hold: 1, Tolerate: tolerate, Seed: uuid.NewString()}
	})
}

// memberOf makes a job the next member of the batch of c, which counts them for
// its seal.
func memberOf(c backends.Job) func(*backends.Job) {
	return func(j *backends.Job) {
		if j.Batch == nil {
			j.Batch = &backends.Batch{}
		}
		i := c.Batch.Members
		c.Batch.Members++
		j.ID = backends.MemberID(c.Batch.Seed, int(i))
		j.Batch.Member, j.Batch.Index = c.Ref, i
	}
}

// sealed is c as it is enqueued again when all members exist.
func sealed(c backends.Job) backends.Job {
	b := *c.Batch
	b.Sealed = true
	c.Batch = &b
	return c
}

// seal says that all members of c exist.
func (e *env) seal(c backends.Job) {
	e.Helper()
	e.sealIn(theQueue, c)
}

func (e *env) sealIn(queue string, c backends.Job) {
	e.Helper()
	req := backends.EnqueueRequest{Queue: queue, Policy: e.policy, Jobs: []backends.Job{sealed(c)}}
	out, err := e.B.Enqueue(e.Context(), req)
	if err != nil || out[0].Err != nil || !out[0].Duplicate {
		e.Fatalf("sealing: %+v, error %v", out, err)
	}
}

// batch makes a collation job with n members and seals it.
func (e *env) batch(n int, tolerate int32) (backends.Job, []backends.Job) {
	e.Helper()
	c := e.collation("zeta", tolerate)
	e.enqueue(c)
	members := crowd(n, "zeta", memberOf(c))
	e.enqueue(members...)
	e.seal(c)
	return c, members
}

// claimInOrder claims all of these and returns their leases in their order: where
// members are found by index, a failure counts once those before it have ended.
func (e *env) claimInOrder(jobs []backends.Job) []*backends.Lease {
	e.Helper()
	of := map[backends.Ref]*backends.Lease{}
	for _, l := range e.claimMany(len(jobs)) {
		of[l.Job.Ref] = l
	}
	var leases []*backends.Lease
	for _, j := range jobs {
		if of[j.Ref] == nil {
			e.Fatalf("%v was not claimed", j.Ref)
		}
		leases = append(leases, of[j.Ref])
	}
	return leases
}

// expectProgress expects what the collation job's record says of its batch.
func (e *env) expectProgress(c backends.Job, want backends.BatchProgress) {
	e.Helper()
	got := e.lookup(c.Ref).Batch
	if got != nil && !e.f.CountsMembers { // a lower bound
		got = &backends.BatchProgress{
			Members: max(got.Members, want.Members), Ended: max(got.Ended, want.Ended), Failed: max(got.Failed, want.Failed),
			Hold: want.Hold, Sealed: got.Sealed,
		}
	}
	if got == nil || *got != want {
		e.Fatalf("batch progress %+v, want %+v", got, want)
	}
}

var batchCases = slices.Concat(holdCases, memberCases, tolerateCases, memberEndCases(), recountCases, bigBatchCases)

// holdCases: when the collation job may be claimed.
var holdCases = []testCase{
	{
		"R14", "CollationWaitsForTheLastMember", "partial results are collated before the last slice is done, or never",
		records,
		func(e *env) {
			c, _ := e.batch(3, 0)
			members := e.claimMany(3)
			blocked := e.blocked(e.request(1))
			for i, l := range members {
				e.stillBlocked(blocked)
				e.expectProgress(c, backends.BatchProgress{Members: 3, Ended: i, Hold: 3 - i, Sealed: true})
				e.commit(l)
			}
			e.expectJob(e.wakes(blocked), c)
			e.expectProgress(c, backends.BatchProgress{Members: 3, Ended: 3, Sealed: true})
		},
	},
	{
		"R14", "CollationWaitsForTheSeal", "a splitter that is still at work is overtaken by its own collation",
		records,
		func(e *env) {
			c := e.collation("zeta", 0)
			e.enqueue(c)
			for range 2 {
				e.enqueue(job("zeta", memberOf(c)))
				e.commit(e.claim())
			}
			e.expectProgress(c, backends.BatchProgress{Members: 2, Ended: 2, Hold: 1})
			blocked := e.blocked(e.request(1))
			e.seal(c)
			e.expectJob(e.wakes(blocked), c)
		},
	},
	{
		"R14", "SealCountsOnce", "a splitter that repeats its last step starts the collation too early",
		records,
		func(e *env) {
			c, _ := e.batch(2, 0)
			e.seal(c)
			e.seal(c)
			members := e.claimMany(2)
			e.commit(members[0])
			e.claimNone(e.request(1))
			e.seal(c)
			e.claimNone(e.request(1))
			e.commit(members[1])
			e.commit(e.claimThe(c.Ref))
			e.seal(c)
			e.claimNone(e.request(1))
		},
	},
	{
		"R14", "EmptyBatchIsCollated", "a data set without rows leaves a report that never comes",
		records,
		func(e *env) {
			c := e.collation("zeta", 0)
			e.enqueue(c)
			blocked := e.blocked(e.request(1))
			e.seal(c)
			e.expectJob(e.wakes(blocked), c)
			e.expectProgress(c, backends.BatchProgress{Sealed: true})
		},
	},
	{
		"R14", "BatchCreatedSealedIsEmpty", "a report over no slices needs a second call to be made",
		records,
		func(e *env) {
			c := sealed(e.collation("zeta", 0))
			e.enqueue(c)
			e.expect(e.tryEnqueue(job("zeta", memberOf(c)))[0].Err, backends.ErrSealed)
			e.claimThe(c.Ref)
			e.expectProgress(c, backends.BatchProgress{Sealed: true})
		},
	},
	{
		"R14", "OneCallMakesAWholeBatch", "a small batch needs a round trip per step",
		records,
		func(e *env) {
			c := e.collation("zeta", 0)
			out := e.tryEnqueue(c, job("zeta", memberOf(c)), job("zeta", memberOf(c)), sealed(c), job("zeta", memberOf(c)))
			for i, want := range []error{nil, nil, nil, nil, backends.ErrSealed} {
				e.expect(out[i].Err, want)
			}
			for _, l := range e.claimMany(2) {
				e.commit(l)
			}
			e.claimThe(c.Ref)
		},
	},
	{
		"R14", "HoldKeepsTheDueTime", "a report that is due in the morning is made at midnight",
		records,
		func(e *env) {
			c := e.collation("zeta", 0)
			c.Delay = e.span(4)
			e.enqueue(c)
			e.seal(c)
			e.claimNone(e.request(1))
			l := e.claim()
			e.expectJob(l, c)
			if early := l.Created.Add(e.span(4)).Sub(l.Until.Add(-10 * e.unit)); early > e.unit/10 {
				e.Fatalf("claimed %v too early", early)
			}
		},
	},
	{
		"R14", "CollationOfAnotherQueueWakes", "slices and their collation can't have workers of their own",
		all(records, queues),
		func(e *env) {
			c := e.collation("zeta", 0)
			e.enqueueIn(otherQueue, c)
			e.enqueue(job("zeta", memberOf(c)))
			e.sealIn(otherQueue, c)
			blocked := e.blocked(e.requestIn(otherQueue, 1))
			e.commit(e.claim())
			e.expectJob(e.wakes(blocked), c)
		},
	},
	{
		"R14", "BatchesNest", "a batch of batches is collated too early or never",
		records,
		func(e *env) {
			outer, inner := e.collation("zeta", -1), e.collation("zeta", 0)
			memberOf(outer)(&inner)
			e.enqueue(outer, inner)
			e.seal(outer)
			e.enqueue(job("zeta", memberOf(inner)))
			e.seal(inner)
			e.expectProgress(outer, backends.BatchProgress{Members: 1, Hold: 1, Sealed: true})
			e.commit(e.claim())
			l := e.claimThe(inner.Ref)
			e.claimNone(e.request(1))
			e.end(l, backends.Dead)
			e.claimThe(outer.Ref)
			e.expectProgress(outer, backends.BatchProgress{Members: 1, Ended: 1, Failed: 1, Sealed: true})
		},
	},
	{
		"R14", "RedrivenCollationIsHeldAgain", "a report that was cancelled by mistake is made of half its slices",
		all(records, keepsPayload),
		func(e *env) {
			c, _ := e.batch(3, -1)
			members := e.claimMany(3)
			e.commit(members[0])
			e.mustCancel(c.Ref)
			e.commit(members[1])
			e.revive(c.Ref)
			blocked := e.blocked(e.request(1))
			e.commit(members[2])
			e.expectJob(e.wakes(blocked), c)
		},
	},
	{
		"R14", "RedrivenCollationRunsWhenAllHaveEnded", "a report that failed can't be made anew",
		records,
		func(e *env) {
			c, _ := e.batch(1, -1)
			e.commit(e.claim())
			e.end(e.claimThe(c.Ref), backends.Dead)
			e.revive(c.Ref)
			e.commit(e.claimThe(c.Ref))
		},
	},
	{
		"R14", "CollationThatEndedIsNotWoken", "a cancelled report is made all the same",
		records,
		func(e *env) {
			c, _ := e.batch(1, 0)
			l := e.claim()
			e.mustCancel(c.Ref)
			e.commit(l)
			e.claimNone(e.request(1))
			e.expectState(c.Ref, backends.Cancelled)
		},
	},
}
