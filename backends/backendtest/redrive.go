package backendtest

import (
	"github.com/leat-go/leat/backends"
)

// redrive gives one job another life, as a listing showed it.
func (e *env) redrive(ref backends.Ref, generation int64, want error) {
	e.Helper()
	errs, err := e.operator().Redrive(e.Context(), []backends.Redrive{{Ref: ref, Generation: generation}})
	e.expect(err, nil)
	e.expect(first(errs), want)
}

// revive gives the job as it is now another life, and expects that it is well.
func (e *env) revive(ref backends.Ref) {
	e.Helper()
	e.redrive(ref, e.lookup(ref).Generation, nil)
}

// reborn expects a waiting job in the life after that generation, as new but for
// what it learned.
func (e *env) reborn(ref backends.Ref, before int64) *backends.Record {
	e.Helper()
	r := e.expectState(ref, backends.Waiting)
	if r.Generation != before+1 || r.Attempt != 0 || r.Crashes != 0 || r.Cancelling || !r.Ended.IsZero() {
		e.Fatalf("record says %+v, want generation %d from its start", r, before+1)
	}
	return r
}

var redriveCases = []testCase{
	{
		"R10", "RedriveOfADeadJobStartsAnew", "after the bug is mended its dead letters can't be worked off",
		records,
		func(e *env) {
			ref := e.ended(backends.Dead, "zeta")
			before := e.lookup(ref)
			e.redrive(ref, before.Generation, nil)
			r := e.reborn(ref, before.Generation)
			if r.Order != before.Order || r.Version <= before.Version {
				e.Fatalf("order %d and version %d, were %d and %d", r.Order, r.Version, before.Order, before.Version)
			}
			if len(r.Failures) != 1 || r.Failures[0].Text != "boom" {
				e.Fatalf("failures %+v: want the one of the first life", r.Failures)
			}
			l := e.claimThe(ref)
			if l.Attempt != 1 || l.Crashes != 0 || l.Generation != r.Generation || l.Token <= before.Token {
				e.Fatalf("lease %+v: want attempt 1 of generation %d with a token above %d", l, r.Generation, before.Token)
			}
			e.commit(l)
			e.expectState(ref, backends.Succeeded)
		},
	},
	{
		"R10", "RedriveOfACancelledJobStartsAnew", "a job that was cancelled by mistake is lost",
		all(records, keepsPayload),
		func(e *env) {
			j := job("zeta")
			e.enqueue(j)
			gen := e.lookup(j.Ref).Generation
			e.mustCancel(j.Ref)
			e.redrive(j.Ref, gen, nil)
			e.reborn(j.Ref, gen)
			l := e.claim()
			e.mustCancel(j.Ref)
			e.expect(e.settleAs(l, backends.Retry), backends.ErrCancelled)
			e.redrive(j.Ref, gen+1, nil)
			e.reborn(j.Ref, gen+1)
			e.commit(e.claim())
		},
	},
	{
		"R10", "RedriveForgetsCrashes", "a redriven job is dead again at its first crash",
		records,
		func(e *env) {
			e.policy = &backends.Policy{MaxCrashes: 2}
			e.enqueue(job("zeta"))
			e.crash()
			l := e.crash()
			e.claimNone(e.request(1))
			e.expectState(l.Job.Ref, backends.Dead)
			e.redrive(l.Job.Ref, l.Generation, nil)
			e.reborn(l.Job.Ref, l.Generation)
			e.crash()
			if l := e.claim(); l.Crashes != 1 || l.Attempt != 2 {
				e.Fatalf("lease %+v: want attempt 2 after one crash", l)
			}
		},
	},
	{
		"R5", "RepeatAfterARedriveIsLost", "a worker that repeats itself is told that its end stands, while the job waits for another run",
		records,
		func(e *env) {
			l := e.start(10)
			e.mustSettle(commitAs(l, backends.Dead))
			e.mustSettle(commitAs(l, backends.Dead)) // the reply was lost
			e.revive(l.Job.Ref)
			e.expect(e.settle(commitAs(l, backends.Dead)), backends.ErrLost)
		},
	},
	{
		"R5", "RedriveKeepsOldTokensStale", "a zombie of the first life ends the second",
		records,
		func(e *env) {
			e.enqueue(job("zeta"))
			zombie := e.crash()
			l := e.claim()
			e.end(l, backends.Dead)
			e.revive(l.Job.Ref)
			e.expect(e.settleAs(zombie, backends.Commit), backends.ErrLost)
			e.expect(e.settleAs(l, backends.Retry), backends.ErrLost)
			e.expect(e.extend(l, e.unit), backends.ErrLost)
			current := e.claim()
			e.expect(e.settleAs(l, backends.Commit), backends.ErrLost)
			e.commit(current)
		},
	},
	{
		"R10", "RedriveWakesAClaim", "redriven jobs wait for the next enqueue",
		records,
		func(e *env) {
			e.operator()
			ref := e.ended(backends.Dead, "zeta")
			blocked := e.blocked(e.request(1))
			e.revive(ref)
			e.wakes(blocked)
		},
	},
	{
		"R10", "RedriveTwiceGivesOneLife", "a bulk redrive that is repeated after a crash runs its jobs again and again",
		records,
		func(e *env) {
			ref := e.ended(backends.Dead, "zeta")
			gen := e.lookup(ref).Generation
			e.redrive(ref, gen, nil)
			e.redrive(ref, gen, nil)
			l := e.claim()
			e.redrive(ref, gen, nil)
			e.end(l, backends.Dead)
			e.redrive(ref, gen, nil)
			e.claimNone(e.request(1))
			if r := e.expectState(ref, backends.Dead); r.Generation != gen+1 {
				e.Fatalf("generation %d, want %d", r.Generation, gen+1)
			}
		},
	},
	{
		"R10", "RedriveOfAnotherGenerationDoesNothing", "a listing from another day gives jobs another life",
		records,
		func(e *env) {
			ref := e.ended(backends.Dead, "zeta")
			gen := e.lookup(ref).Generation
			e.redrive(ref, gen+7, nil)
			e.redrive(ref, gen-1, nil)
			if r := e.expectState(ref, backends.Dead); r.Generation != gen {
				e.Fatalf("generation %d, want %d", r.Generation, gen)
			}
			e.claimNone(e.request(1))
		},
	},
	{
		"R10", "RedriveOfALiveJobIsNotReady", "a job that waits or runs is started anew beside itself",
		records,
		func(e *env) {
			j := job("zeta")
			e.enqueue(j)
			gen := e.lookup(j.Ref).Generation
			e.redrive(j.Ref, gen, backends.ErrNotReady)
			l := e.claim()
			e.redrive(j.Ref, gen, backends.ErrNotReady)
			dead := commitAs(l, backends.Dead)
			dead.Owes = backends.Event
			e.mustSettle(dead)
			e.redrive(j.Ref, gen, backends.ErrNotReady) // its event has not left yet
			e.mustSettle(announced(l))
			e.redrive(j.Ref, gen, nil)
			e.reborn(j.Ref, gen)
		},
	},
	{
		"R10", "RedriveOfOtherEndsIsRefused", "a job that succeeded runs twice",
		records,
		func(e *env) {
			for _, s := range []backends.State{backends.Succeeded, backends.Superseded, backends.Expired} {
				ref := e.ended(s, "zeta")
				e.redrive(ref, e.lookup(ref).Generation, backends.ErrEnded)
				e.expectState(ref, s)
			}
			e.claimNone(e.request(1))
		},
	},
	{
		"R10", "RedriveGivesAnotherDeadline", "a redriven job is expired before it starts",
		records,
		func(e *env) {
			ref := e.ended(backends.Dead, "zeta", expiring(e.span(5)))
			e.pass(10)
			gen := e.lookup(ref).Generation
			e.redrive(ref, gen, nil)
			r := e.reborn(ref, gen)
			want := r.Due.Add(e.span(5))
			if off := r.Deadline.Sub(want).Abs(); off > e.unit/10 {
				e.Fatalf("deadline %v, want %v", r.Deadline, want)
			}
			if l := e.claimThe(ref); !l.Deadline.Equal(r.Deadline) {
				e.Fatalf("the lease's deadline is %v, the record's %v", l.Deadline, r.Deadline)
			}
			late := e.ended(backends.Dead, "zeta", expiring(e.span(2)))
			e.revive(late)
			e.pass(2.5)
			e.claimNone(e.request(1))
			e.expectState(late, backends.Expired)
		},
	},
	{
		"R10", "RedriveIsPerItemAndTenant", "one bad line of a bulk redrive loses the rest, or reaches another tenant's job",
		records,
		func(e *env) {
			op := e.operator()
			a, b, done := e.ended(backends.Dead, "zeta"), e.ended(backends.Dead, "zeta"), e.ended(backends.Succeeded, "zeta")
			foreign, unknown := backends.Ref{Tenant: "eta", ID: a.ID}, job("zeta").Ref
			genA, genB := e.lookup(a).Generation, e.lookup(b).Generation
			errs, err := op.Redrive(e.Context(), []backends.Redrive{
				{Ref: foreign, Generation: genA},
				{Ref: a, Generation: genA},
				{Ref: unknown},
				{Ref: done, Generation: e.lookup(done).Generation},
				{Ref: b, Generation: genB},
				{Ref: b, Generation: genB},
			})
			e.expect(err, nil)
			for i, want := range []error{backends.ErrNotFound, nil, backends.ErrNotFound, backends.ErrEnded, nil, nil} {
				e.expect(errs[i], want)
			}
			e.reborn(a, genA)
			e.reborn(b, genB)
		},
	},
	{
		"R6", "RedriveNamesItsEventsAnew", "the event of a second life is dropped as a copy of the first",
		records,
		func(e *env) {
			e.policy = &backends.Policy{Owes: backends.Event}
			e.enqueue(job("zeta"))
			l := e.claim()
			e.end(l, backends.Dead)
			e.mustSettle(announced(l))
			gen := l.Generation
			e.redrive(l.Job.Ref, gen, nil)
			l = e.claim()
			e.end(l, backends.Dead)
			e.mustSettle(release(l))
			if l = e.claimBy(e.announcing(1))[0]; l.Generation != gen+1 || l.Outcome == nil || l.Outcome.Generation != gen+1 {
				e.Fatalf("announcing %+v of generation %d, want %d", l.Outcome, l.Generation, gen+1)
			}
		},
	},
	{
		"R10", "BulkRedriveTwiceRunsEachOnce", "an operator who repeats a bulk redrive after a crash doubles the load",
		all(records, lists),
		func(e *env) {
			op := e.operator()
			n := e.scale(1000, 60)
			e.enqueue(crowd(n, "zeta")...)
			for _, l := range e.claimMany(n) {
				e.end(l, backends.Dead)
			}
			var jobs []backends.Redrive
			lives := map[backends.Ref]int64{}
			for _, r := range e.list(backends.ListRequest{Queue: theQueue, State: backends.Dead, AnyTenant: true, Limit: 100}) {
				jobs = append(jobs, backends.Redrive{Ref: r.Job.Ref, Generation: r.Generation})
				lives[r.Job.Ref] = r.Generation
			}
			for _, part := range [][]backends.Redrive{jobs[:n/2], jobs, jobs} { // crashed halfway, repeated, repeated
				errs, err := op.Redrive(e.Context(), part)
				e.expect(err, nil)
				for _, err := range errs {
					e.expect(err, nil)
				}
			}
			for _, l := range e.claimMany(n) {
				if want := lives[l.Job.Ref] + 1; l.Generation != want || l.Attempt != 1 {
					e.Fatalf("lease %+v: want attempt 1 of generation %d", l, want)
				}
				e.commit(l)
			}
			e.claimNone(e.request(1))
		},
	},
}
