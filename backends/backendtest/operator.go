package backendtest

import (
	"errors"
	"slices"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/backends"
)

var operatorCases = slices.Concat(statsCases, listCases, cancelCases, cancelThenCases(), purgeCases, pauseCases)

// stats expects that the counts can be had.
func (e *env) stats(queue string) backends.Stats {
	e.Helper()
	s, err := e.operator().Stats(e.Context(), queue)
	if err != nil {
		e.Fatalf("Stats: %v", err)
	}
	return s
}

var statsCases = []testCase{
	{
		"R18", "UnclaimedOperatorVerbsAreUnsupported", "a tool takes an empty answer for an empty queue",
		func(f backends.Features) bool { return !f.Stats || !f.Lists || !f.Pauses },
		func(e *env) {
			op, ctx := e.operator(), e.Context()
			unsupported := func(claimed bool, err error) {
				e.Helper()
				if !claimed {
					e.expect(err, errors.ErrUnsupported)
				}
			}
			_, err := op.Stats(ctx, theQueue)
			unsupported(e.f.Stats, err)
			_, err = op.List(ctx, backends.ListRequest{Queue: theQueue})
			unsupported(e.f.Lists, err)
			_, err = op.Purge(ctx, backends.PurgeRequest{Queue: theQueue, State: backends.Dead})
			unsupported(e.f.Lists, err)
			unsupported(e.f.Pauses, op.Pause(ctx, theQueue, true))
		},
	},
	{
		"R10", "StatsCountEachState", "operators scale and alarm by numbers that are wrong",
		all(exactStats, records, queues),
		func(e *env) {
			for i, s := range ends {
				for range i + 1 {
					e.ended(s, "zeta")
				}
			}
			e.owing(backends.Event, 10)
			e.start(10)
			e.start(0.1)
			e.enqueue(crowd(4, "zeta", dueIn(e.span(1000)))...)
			e.enqueue(e.collation("zeta", 0))
			e.enqueue(crowd(3, "eta")...)
			e.enqueueIn(otherQueue, crowd(7, "eta")...)
			e.pass(0.5) // one lease lapses: nobody took it, it counts as running

			got := e.stats(theQueue)
			got.Oldest = 0
			want := backends.Stats{Queued: 3, Scheduled: 4, Held: 1, Running: 2, Owing: 1, Ended: map[backends.State]int{}}
			for i, s := range ends {
				want.Ended[s] = i + 1
			}
			want.Ended[backends.Succeeded]++ // the one that owes is kept, too
			if diff := cmp.Diff(want, got); diff != "" {
				e.Fatalf("counts (-want +got):\n%s", diff)
			}
		},
	},
	{
		"R10", "StatsOfAnUnusedQueueAreZero", "a dashboard fails until the first job comes",
		all(hasStats, queues),
		func(e *env) {
			got := e.stats("nobody-was-here")
			if got.Depth() != 0 || got.Running != 0 || got.Owing != 0 || got.Oldest != 0 || got.Paused || got.Dropped != 0 {
				e.Fatalf("got %+v", got)
			}
			for s, n := range got.Ended {
				if n != 0 {
					e.Fatalf("%d ended %v", n, s)
				}
			}
		},
	},
	{
		"R10", "StatsFollowEveryStep", "counts drift away from the truth and never come back",
		all(exactStats, records, lists),
		func(e *env) {
			expect := func(when string, queued, scheduled, running, dead int) {
				e.Helper()
				if s := e.stats(theQueue); s.Queued != queued || s.Scheduled != scheduled || s.Running != running || s.Ended[backends.Dead] != dead {
					e.Fatalf("after %s: %+v", when, s)
				}
			}
			j := job("zeta", dueIn(e.unit))
			e.enqueue(j)
			expect("enqueue", 0, 1, 0, 0)
			e.pass(1.5)
			expect("due", 1, 0, 0, 0)
			l := e.claim()
			expect("claim", 0, 0, 1, 0)
			e.mustSettle(retry(l, e.unit))
			expect("retry", 0, 1, 0, 0)
			e.crash()
			expect("lapse", 0, 0, 1, 0)
			l = e.claim()
			expect("steal", 0, 0, 1, 0)
			e.mustSettle(release(l))
			expect("release", 1, 0, 0, 0)
			e.end(e.claim(), backends.Dead)
			expect("dead", 0, 0, 0, 1)
			e.revive(j.Ref)
			expect("redrive", 1, 0, 0, 0)
			e.purge(backends.PurgeRequest{Queue: theQueue, State: backends.Waiting, AnyTenant: true}, 1)
			expect("purge", 0, 0, 0, 0)
		},
	},
	{
		"R10", "OldestIsTheAgeSinceDue", "the alarm for a queue that stands still never rings, or rings for jobs that were to wait",
		exactStats,
		func(e *env) {
			if s := e.stats(theQueue); s.Oldest != 0 {
				e.Fatalf("an empty queue is %v old", s.Oldest)
			}
			e.enqueue(job("zeta", dueIn(e.unit)))
			e.pass(4)
			e.enqueue(job("eta"))
			if s := e.stats(theQueue); s.Oldest < e.span(2.9) || s.Oldest > e.span(4) {
				e.Fatalf("oldest %v, want %v", s.Oldest, e.span(3))
			}
			e.claimMany(2)
			if s := e.stats(theQueue); s.Oldest != 0 {
				e.Fatalf("oldest %v although nothing waits", s.Oldest)
			}
		},
	},
	{
		"R10", "StatsCountDroppedDebts", "events that were given up are given up in silence",
		all(exactStats, records),
		func(e *env) {
			e.policy = &backends.Policy{MaxCrashes: 1}
			e.owing(backends.Event, 1)
			e.pass(1.5 + float64(backends.KeptLease)/float64(e.unit))
			e.claimNone(e.announcing(1))
			if s := e.stats(theQueue); s.Dropped != 1 || s.Owing != 0 || s.Ended[backends.Succeeded] != 1 {
				e.Fatalf("got %+v, want one debt dropped", s)
			}
		},
	},
}
