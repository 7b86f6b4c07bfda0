package backendtest

import (
	"github.com/leat-go/leat/backends"
)

// purge expects that so many records are removed.
func (e *env) purge(req backends.PurgeRequest, want int) {
	e.Helper()
	if n, err := e.operator().Purge(e.Context(), req); err != nil || n != want {
		e.Fatalf("Purge: %d records, error %v; want %d", n, err, want)
	}
}

var purgeCases = []testCase{
	{
		"R10", "PurgeRemovesOnlyWhatWasAskedFor", "clearing a queue takes jobs with it that run, or that others asked for",
		all(records, lists, queues),
		func(e *env) {
			dead, done := e.ended(backends.Dead, "zeta"), e.ended(backends.Succeeded, "zeta")
			running := e.start(100)
			waiting, foreign := job("zeta"), job("eta")
			e.enqueue(waiting, foreign)
			e.enqueueIn(otherQueue, job("zeta"))

			e.purge(backends.PurgeRequest{Queue: theQueue, State: backends.Waiting, Tenant: "zeta"}, 1)
			e.expectGone(waiting.Ref)
			e.expectState(foreign.Ref, backends.Waiting)
			e.purge(backends.PurgeRequest{Queue: theQueue, State: backends.Waiting, AnyTenant: true}, 1)
			e.expectGone(foreign.Ref)
			e.purge(backends.PurgeRequest{Queue: theQueue, State: backends.Dead, AnyTenant: true}, 1)
			e.expectGone(dead)
			e.expectState(done, backends.Succeeded)
			e.claimNone(e.request(1))
			e.commit(running)
			e.claimBy(e.requestIn(otherQueue, 1))
		},
	},
	{
		"R10", "PurgeRefusesRunning", "a purge pulls a job away under its handler",
		lists,
		func(e *env) {
			for _, req := range []backends.PurgeRequest{
				{Queue: theQueue},
				{Queue: theQueue, State: backends.Running},
				{Queue: theQueue, State: 99},
				{State: backends.Dead},
				{Queue: theQueue, State: backends.Dead, Limit: -1},
				{Queue: theQueue, State: backends.Dead, Limit: backends.MaxPurge + 1},
			} {
				_, err := e.operator().Purge(e.Context(), req)
				e.expect(err, backends.ErrInvalid)
			}
		},
	},
	{
		"R6", "PurgeLeavesWhatIsBeingAnnounced", "tidying up pulls a job away under who announces it",
		all(records, lists),
		func(e *env) {
			l := e.owing(backends.Event, 10)
			all := backends.PurgeRequest{Queue: theQueue, State: backends.Succeeded, AnyTenant: true}
			e.purge(all, 0)
			e.mustSettle(announced(l))
			e.purge(all, 1)
			e.expectGone(l.Job.Ref)
		},
	},
	{
		"R6", "PurgeGivesUpWhatNobodyPays", "an event whose topic is gone keeps its job for ever",
		all(records, lists),
		func(e *env) {
			l := e.owing(backends.Event, 10)
			e.mustSettle(release(l))
			e.purge(backends.PurgeRequest{Queue: theQueue, State: backends.Succeeded, AnyTenant: true}, 1)
			e.expectGone(l.Job.Ref)
			e.claimNone(e.announcing(1))
			if e.f.ExactStats && e.stats(theQueue).Dropped != 1 {
				e.Fatalf("Stats doesn't say that a debt was dropped")
			}
		},
	},
	{
		"R10", "PurgeKeepsItsLimit", "a purge of a million records stops the store",
		all(records, lists),
		func(e *env) {
			e.enqueue(crowd(7, "zeta")...)
			req := backends.PurgeRequest{Queue: theQueue, State: backends.Waiting, AnyTenant: true, Limit: 3}
			for _, want := range []int{3, 3, 1, 0} {
				e.purge(req, want)
			}
			e.claimNone(e.request(1))
		},
	},
	{
		"R2", "PurgeFreesTheKey", "a purged request can't be asked again",
		all(records, lists),
		func(e *env) {
			j := job("zeta", func(j *backends.Job) { j.Fingerprint = 1 })
			e.enqueue(j)
			e.purge(backends.PurgeRequest{Queue: theQueue, State: backends.Waiting, AnyTenant: true}, 1)
			j.Fingerprint = 2
			e.enqueue(j)
			e.claimThe(j.Ref)
		},
	},
}
