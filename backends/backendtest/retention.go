package backendtest

import (
	"time"

	"github.com/leat-go/leat/backends"
)

// keeping sets a retention of two units for ends and six for dead letters.
func (e *env) keeping() {
	e.policy = &backends.Policy{Retention: e.span(2), DeadRetention: e.span(6)}
}

// keepingNone sets that a record goes as soon as nothing is owed.
func (e *env) keepingNone(owes backends.Debt) {
	e.policy = &backends.Policy{Retention: -1, DeadRetention: -1, Owes: owes}
}

// stir makes the calls that any producer, worker and caller make: they are all
// the housekeeping there is.
func (e *env) stir() {
	e.Helper()
	j := job("stirrer", dueIn(e.span(1e6)))
	e.enqueue(j)
	e.lookup(j.Ref)
	e.claimNone(e.request(1))
}

var retentionCases = []testCase{
	{
		"R2", "EndedRecordGoesAfterItsRetention", "the store grows for ever",
		records,
		func(e *env) {
			e.keeping()
			var refs []backends.Ref
			for _, s := range ends {
				if s != backends.Dead {
					refs = append(refs, e.ended(s, "zeta"))
				}
			}
			e.pass(1)
			e.stir()
			for _, ref := range refs {
				e.lookup(ref)
			}
			e.pass(1)
			e.stir()
			for _, ref := range refs {
				e.expectGone(ref)
			}
		},
	},
	{
		"R10", "DeadLetterStaysLonger", "a dead letter is gone before anybody came to look at it",
		records,
		func(e *env) {
			e.keeping()
			ref := e.ended(backends.Dead, "zeta")
			e.pass(4)
			e.stir()
			e.expectState(ref, backends.Dead)
			e.pass(2)
			e.stir()
			e.expectGone(ref)
		},
	},
	{
		"R2", "KeyIsHeldUntilTheRecordGoes", "a request that is repeated within the day runs twice, or can never be made again",
		records,
		func(e *env) {
			e.keeping()
			for _, s := range ends {
				j := job("zeta", func(j *backends.Job) { j.Fingerprint = 1 })
				e.enqueue(j)
				e.end(e.claimThe(j.Ref), s)
				e.pass(1)
				if out := e.tryEnqueue(j)[0]; out.Err != nil || !out.Duplicate {
					e.Fatalf("within the retention of a job that is %v: %+v, want a duplicate", s, out)
				}
				e.pass(7)
				j.Fingerprint = 2
				e.enqueue(j)
				if l := e.claimThe(j.Ref); l.Attempt != 1 || l.Token != 1 {
					e.Fatalf("lease %+v, want that of a new job", l)
				} else {
					e.commit(l)
				}
			}
		},
	},
	{
		"R5", "LeaseOfAGoneJobFitsNoNewOne", "a zombie of last week's request ends the one that has its key now",
		records,
		func(e *env) {
			e.keeping()
			j := job("zeta")
			e.enqueue(j)
			zombie := e.crash()
			e.commit(e.claim())
			e.pass(3)
			e.enqueue(j)
			l := e.claimThe(j.Ref)
			if l.Generation == zombie.Generation {
				e.Fatalf("both lives are of generation %d: their events look the same", l.Generation)
			}
			bare := *zombie
			bare.Handle = nil
			for _, stale := range []*backends.Lease{zombie, &bare} {
				e.expect(e.settleAs(stale, backends.Commit), backends.ErrLost)
				e.expect(e.extend(stale, e.unit), backends.ErrLost)
			}
			e.commit(l)
		},
	},
	{
		"R2", "NoRetentionMeansGoneAtOnce", "a queue that is to keep nothing keeps everything, or its keys",
		records,
		func(e *env) {
			e.keepingNone(0)
			for _, s := range ends {
				ref := e.ended(s, "zeta")
				e.expectGone(ref)
				e.enqueue(job("zeta", func(j *backends.Job) { j.Ref = ref }))
				e.commit(e.claimThe(ref))
			}
			e.claimNone(e.request(1))
		},
	},
	{
		"R6", "NoRetentionWaitsForTheDebt", "a job of a queue that keeps nothing loses its event",
		records,
		func(e *env) {
			e.keepingNone(backends.Event)
			for _, s := range []backends.State{backends.Succeeded, backends.Dead} {
				e.enqueue(job("zeta"))
				l := e.claim()
				e.end(l, s)
				e.expectState(l.Job.Ref, s)
				e.mustSettle(release(l))
				e.stir()
				l = e.claimBy(e.announcing(1))[0]
				e.expectState(l.Job.Ref, s)
				e.mustSettle(announced(l))
				e.expectGone(l.Job.Ref)
			}
		},
	},
	{
		"R2", "NoRetentionCoversEndsByTheStore", "jobs that nobody ran are kept for ever by a queue that keeps nothing",
		records,
		func(e *env) {
			e.keepingNone(0)
			cancelled, late := job("zeta"), job("zeta", expiring(e.unit))
			e.enqueue(cancelled, late)
			e.mustCancel(cancelled.Ref)
			e.expectGone(cancelled.Ref)
			e.pass(1.5)
			e.claimNone(e.request(1))
			e.expectGone(late.Ref)
			older := e.overtake()
			newer := e.overtake()
			e.expectGone(older.Ref)
			e.claimThe(newer.Ref)
		},
	},
	{
		"R6", "RecordThatOwesStays", "an event that could not leave for a day is lost",
		records,
		func(e *env) {
			e.keeping()
			l := e.owing(backends.Event, 1)
			e.pass(20)
			e.stir()
			e.expectState(l.Job.Ref, backends.Succeeded)
			l = e.claimBy(e.announcing(1))[0]
			if l.Outcome == nil || string(l.Outcome.Result) != "plan" {
				e.Fatalf("outcome %+v, want the result", l.Outcome)
			}
			e.mustSettle(announced(l))
			e.stir()
			e.expectGone(l.Job.Ref)
		},
	},
	{
		"R3", "LiveJobIsNeverReaped", "a job that was accepted disappears because it waited or ran too long",
		records,
		func(e *env) {
			e.policy = &backends.Policy{Retention: e.unit, DeadRetention: e.unit, Keep: 1}
			running := e.start(1000)
			scheduled, held := job("zeta", dueIn(e.span(100))), e.collation("zeta", 0)
			e.enqueue(scheduled, held)
			e.ended(backends.Succeeded, "zeta")
			e.ended(backends.Succeeded, "zeta")
			e.pass(10)
			e.stir()
			e.expectState(running.Job.Ref, backends.Running)
			e.expectState(scheduled.Ref, backends.Waiting)
			e.expectState(held.Ref, backends.Waiting)
			e.commit(running)
			e.seal(held)
			e.claimThe(held.Ref)
		},
	},
	{
		"R10", "RedrivenJobIsNotReaped", "a redriven job disappears when its first life would have been forgotten",
		records,
		func(e *env) {
			e.keeping()
			ref := e.ended(backends.Dead, "zeta")
			e.pass(4)
			e.revive(ref)
			l := e.claimBy(e.requestFor(100))[0]
			e.pass(8)
			e.stir()
			e.expectState(ref, backends.Running)
			e.end(l, backends.Dead)
			e.pass(4)
			e.stir()
			e.expectState(ref, backends.Dead) // its retention counts from the second end
		},
	},
	{
		"R2", "KeepBoundsTheCount", "a busy queue fills the disk within its retention",
		all(records, lists), // who can't list can't count
		func(e *env) {
			e.policy = &backends.Policy{Keep: 3}
			dead := e.ended(backends.Dead, "zeta")
			var refs []backends.Ref
			for i := range 7 {
				refs = append(refs, e.ended(ends[i%2*2], "zeta")) // succeeded, cancelled
				e.pass(0.1)
			}
			e.stir()
			for i, ref := range refs {
				if i < 4 {
					e.expectGone(ref)
				} else {
					e.lookup(ref)
				}
			}
			e.expectState(dead, backends.Dead)
		},
	},
	{
		"R6", "KeepSparesWhatOwes", "a busy queue loses events that have not left yet",
		records,
		func(e *env) {
			e.policy = &backends.Policy{Keep: 1}
			l := e.owing(backends.Event, 100)
			for range 4 {
				e.ended(backends.Succeeded, "zeta")
			}
			e.stir()
			e.expectState(l.Job.Ref, backends.Succeeded)
			e.mustSettle(announced(l))
		},
	},
	{
		"R1", "ReapingNeedsNoSweeper", "records that nobody asks for stay for ever",
		all(records, exactStats),
		func(e *env) {
			e.keeping()
			n := e.scale(500, 50)
			e.enqueue(crowd(n, "zeta")...)
			for _, l := range e.claimMany(n) {
				e.commit(l)
			}
			e.pass(3)
			for range n { // each call does a bounded slice
				e.commit(e.start(10))
				if e.stats(theQueue).Ended[backends.Succeeded] < n/5 {
					return
				}
			}
			e.Fatalf("%d calls later the store keeps %d ended records", 2*n, e.stats(theQueue).Ended[backends.Succeeded])
		},
	},
	{
		"R2", "RetentionCountsFromTheEnd", "the result of a job that ran long is gone before its caller looks",
		records,
		func(e *env) {
			e.policy = &backends.Policy{Retention: e.span(4)}
			l := e.start(100)
			e.pass(5)
			e.commit(l)
			e.pass(2)
			e.stir()
			r := e.expectState(l.Job.Ref, backends.Succeeded)
			if age := r.Ended.Sub(r.Created); age < 5*e.unit-e.unit/10 || age > 5*e.unit+time.Duration(e.scale(1, int(2*e.unit))) {
				e.Fatalf("the record says it ended %v after it was created, want %v", age, e.span(5))
			}
		},
	},
}
