package backendtest

import (
	"slices"

	"github.com/leat-go/leat/backends"
)

const thePlace = "zeta/screen-9"

var supersedeCases = slices.Concat(overtakenCases, overtakenThenCases(), placeCases)

// overtake enqueues a newer job of the place.
func (e *env) overtake(edit ...func(*backends.Job)) backends.Job {
	e.Helper()
	j := job("zeta", append([]func(*backends.Job){inPlace(thePlace)}, edit...)...)
	e.enqueue(j)
	return j
}

// expectSuperseded expects that ref ended and names who took its place.
func (e *env) expectSuperseded(ref backends.Ref, by backends.Job) {
	e.Helper()
	if r := e.expectState(ref, backends.Superseded); r.SupersededBy != by.ID || r.Result != nil || r.Ended.IsZero() {
		e.Fatalf("record says %+v, want it superseded by %s", r, by.ID)
	}
}

// overtakenCases: what a newer job does to an older one of its place.
var overtakenCases = []testCase{
	{
		"R13", "WaitingOlderJobEnds", "a screen's outdated questions are computed before its newest",
		records,
		func(e *env) {
			queued, scheduled := e.overtake(), e.overtake(dueIn(e.unit))
			e.expectSuperseded(queued.Ref, scheduled)
			newest := e.overtake()
			e.expectSuperseded(scheduled.Ref, newest)
			e.claimThe(newest.Ref)
			e.pass(1.5)
			e.claimNone(e.request(1))
		},
	},
	{
		"R13", "RetryingOlderJobEnds", "a failed question comes back after a newer one was answered",
		records,
		func(e *env) {
			l := e.start(10, inPlace(thePlace))
			e.mustSettle(retry(l, e.unit))
			newer := e.overtake()
			e.expectSuperseded(l.Job.Ref, newer)
			e.commit(e.claimThe(newer.Ref))
			e.pass(1.5)
			e.claimNone(e.request(1))
		},
	},
	{
		"R13", "OrderInOneCallCounts", "of two questions in one call the older is answered",
		records,
		func(e *env) {
			jobs := crowd(3, "zeta", inPlace(thePlace))
			out := e.enqueue(jobs...)
			if out[0].Order >= out[1].Order || out[1].Order >= out[2].Order {
				e.Fatalf("orders %d, %d, %d: want them to rise", out[0].Order, out[1].Order, out[2].Order)
			}
			e.claimThe(jobs[2].Ref)
			e.claimNone(e.request(1))
		},
	},
	{
		"R13", "RunningOlderJobIsTold", "an optimiser computes for minutes what nobody wants to know any more",
		records,
		func(e *env) {
			l := e.start(3, inPlace(thePlace))
			newer := e.overtake()
			e.expectState(l.Job.Ref, backends.Running)
			e.expect(e.extend(l, e.span(10)), backends.ErrSuperseded)
			e.claimThe(newer.Ref) // it doesn't wait for the older
			e.pass(4)
			e.claimNone(e.request(1)) // the lease was renewed, so that the handler has time to stop
			e.expect(e.extend(l, e.span(10)), backends.ErrSuperseded)
		},
	},
	{
		"R13", "OvertakenLapsedLeaseIsNotRunAgain", "after a crash an outdated question is computed again",
		records,
		func(e *env) {
			l := e.start(1, inPlace(thePlace))
			newer := e.overtake()
			e.pass(1.5)
			e.claimThe(newer.Ref)
			e.claimNone(e.request(1))
			e.expectSuperseded(l.Job.Ref, newer)
			e.expect(e.extend(l, e.unit), backends.ErrLost)
		},
	},
	{
		"R13", "CancelWinsOverSupersede", "a user who pressed cancel is shown another job instead",
		records,
		func(e *env) {
			for _, cancelFirst := range []bool{true, false} {
				l := e.start(10, inPlace(thePlace))
				if cancelFirst {
					e.mustCancel(l.Job.Ref)
				}
				newer := e.overtake()
				if !cancelFirst {
					e.mustCancel(l.Job.Ref)
				}
				e.expect(e.extend(l, e.span(10)), backends.ErrCancelled)
				e.expect(e.settleAs(l, backends.Commit), backends.ErrCancelled)
				e.expectState(l.Job.Ref, backends.Cancelled)
				e.commit(e.claimThe(newer.Ref))
			}
		},
	},
	{
		"R6", "SupersededOwesItsEvent", "whoever waits for the event of a superseded job waits for ever",
		records,
		func(e *env) {
			e.policy = &backends.Policy{Owes: backends.Event}
			older := e.overtake(dueIn(e.span(100)))
			blocked := e.blocked(e.announcing(1))
			newer := e.overtake(dueIn(e.span(100)))
			e.expectOwed(e.wakes(blocked), older, newer)

			for _, v := range []backends.Verb{backends.Commit, backends.Retry} {
				running := e.start(10, inPlace("elsewhere"))
				next := job("zeta", inPlace("elsewhere"), dueIn(e.span(100)))
				e.enqueue(next)
				e.expect(e.settleAs(running, v), backends.ErrSuperseded)
				if v == backends.Commit { // its lease is kept, as that end owes something
					e.claimNone(e.announcing(1))
					e.mustSettle(release(running))
				}
				e.expectOwed(e.claimBy(e.announcing(1))[0], *running.Job, next)
				e.mustCancel(next.Ref)
				e.mustSettle(announced(e.claimBy(e.announcing(1))[0]))
			}
			e.claimNone(e.announcing(1))
		},
	},
	{
		"R13", "RedrivenOlderJobEndsAtClaim", "redriving a dead letter overwrites the answer to a newer question",
		records,
		func(e *env) {
			ref := e.ended(backends.Dead, "zeta", inPlace(thePlace))
			newer := e.overtake()
			e.commit(e.claimThe(newer.Ref))
			e.revive(ref)
			e.claimNone(e.request(1))
			e.expectSuperseded(ref, newer)
		},
	},
	{
		"R13", "EndedOlderJobIsLeftAlone", "an answer that was given disappears when the next question comes",
		records,
		func(e *env) {
			ref := e.ended(backends.Succeeded, "zeta", inPlace(thePlace))
			e.overtake()
			e.expectState(ref, backends.Succeeded)
		},
	},
}

// expectOwed expects a lease for announcing that older was superseded by newer.
func (e *env) expectOwed(l *backends.Lease, older, newer backends.Job) {
	e.Helper()
	e.expectJob(l, older)
	o := l.Outcome
	if o == nil || o.State != backends.Superseded || o.Owes != backends.Event || o.SupersededBy != newer.ID {
		e.Fatalf("outcome %+v, want superseded by %s with an event owed", o, newer.ID)
	}
	e.mustSettle(announced(l))
}

// overtakenThenCases: whatever the holder of an overtaken job does next ends it
// as superseded.
func overtakenThenCases() []testCase {
	steps := []struct {
		name string
		s    backends.Settlement
	}{
		{"Commit", backends.Settlement{Verb: backends.Commit, Outcome: backends.Succeeded, Result: []byte("stale")}},
		{"CommitOfDead", backends.Settlement{Verb: backends.Commit, Outcome: backends.Dead}},
		{"Retry", backends.Settlement{Verb: backends.Retry}},
		{"Snooze", backends.Settlement{Verb: backends.Snooze}},
		{"Release", backends.Settlement{Verb: backends.Release}},
	}
	var cases []testCase
	for _, step := range steps {
		cases = append(cases, testCase{
			"R13", "OvertakenThen" + step.name + "EndsSuperseded", "a stale answer overwrites the newest, or a stale question is asked again",
			records,
			func(e *env) {
				l := e.start(10, inPlace(thePlace))
				newer := e.overtake()
				step.s.Lease = l
				e.expect(e.settle(step.s), backends.ErrSuperseded)
				e.expectSuperseded(l.Job.Ref, newer)
				e.expect(e.settle(step.s), backends.ErrSuperseded) // the reply was lost
				e.claimThe(newer.Ref)
				e.claimNone(e.request(1))
			},
		})
	}
	return cases
}

// placeCases: who holds a place.
var placeCases = []testCase{
	{
		"R13", "DuplicateKeepsItsOrder", "a request that is repeated after a lost reply stops the newer one",
		records,
		func(e *env) {
			older := job("zeta", inPlace(thePlace))
			order := e.enqueue(older)[0].Order
			l := e.claim()
			newer := job("zeta", inPlace(thePlace))
			if e.enqueue(newer)[0].Order <= order {
				e.Fatalf("the newer job's order is not above %d", order)
			}
			out := e.tryEnqueue(older)[0]
			if !out.Duplicate || out.Order != order {
				e.Fatalf("repeated: %+v, want a duplicate of order %d", out, order)
			}
			e.expect(e.extend(l, e.span(10)), backends.ErrSuperseded)
			got := e.claimThe(newer.Ref)
			e.expect(e.extend(got, e.span(10)), nil)
			e.commit(got)
		},
	},
	{
		"R13", "OrderIsAMaximum", "after the newest has ended an older one holds the place again",
		records,
		func(e *env) {
			l := e.start(10, inPlace(thePlace))
			newest := e.overtake()
			e.commit(e.claimThe(newest.Ref))
			e.expect(e.extend(l, e.span(10)), backends.ErrSuperseded)
			e.expect(e.settleAs(l, backends.Commit), backends.ErrSuperseded)
			e.expectSuperseded(l.Job.Ref, newest)
		},
	},
	{
		"R13", "PlaceIsPerTenantAndQueue", "a tenant stops the jobs of another by choosing the same key",
		all(records, queues),
		func(e *env) {
			mine, theirs, elsewhere := job("zeta", inPlace(thePlace)), job("eta", inPlace(thePlace)), job("zeta", inPlace(thePlace))
			e.enqueue(mine, theirs)
			e.enqueueIn(otherQueue, elsewhere)
			for _, j := range []backends.Job{mine, theirs, elsewhere} {
				e.expectState(j.Ref, backends.Waiting)
			}
			for _, l := range e.claimMany(2) {
				e.commit(l)
			}
			e.commit(e.claimBy(e.requestIn(otherQueue, 1))[0])
		},
	},
	{
		"R13", "SupersededByFollowsTheNewest", "a caller who waits is led to a job that was replaced itself",
		records,
		func(e *env) {
			l := e.start(10, inPlace(thePlace))
			e.overtake()
			newest := e.overtake()
			e.expect(e.settleAs(l, backends.Commit), backends.ErrSuperseded)
			e.expectSuperseded(l.Job.Ref, newest)
		},
	},
}
