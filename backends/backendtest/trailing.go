package backendtest

import (
	"math"

	"github.com/leat-go/leat/backends"
)

var trailingCases = append(trailingCasesByEnd(), []testCase{
	{
		"R13", "TrailingLetsTheRunningOneFinish", "a trailing job stops the one that it was to wait for",
		records,
		func(e *env) {
			l := e.start(10, inPlace(thePlace))
			newest := e.overtake(trailing(thePlace))
			e.expect(e.extend(l, e.span(10)), nil)
			e.claimNone(e.request(1))
			e.expectState(newest.Ref, backends.Waiting)
			e.commit(l)
			if r := e.expectState(l.Job.Ref, backends.Succeeded); r.SupersededBy != "" {
				e.Fatalf("the one that finished says superseded by %s", r.SupersededBy)
			}
			e.commit(e.claimThe(newest.Ref))
		},
	},
	{
		"R13", "TrailingEndsWaitingOnes", "outdated questions pile up behind the one that runs",
		records,
		func(e *env) {
			l := e.start(10, trailing(thePlace))
			second := e.overtake(trailing(thePlace))
			third := e.overtake(trailing(thePlace))
			e.expectSuperseded(second.Ref, third)
			e.commit(l)
			e.commit(e.claimThe(third.Ref))
			e.claimNone(e.request(1))
		},
	},
	{
		"R13", "TrailingNeedsNoRunningOne", "a trailing job with nothing before it never starts",
		records,
		func(e *env) {
			e.claimThe(e.overtake(trailing(thePlace)).Ref)
		},
	},
	{
		"R13", "TrailingKeepsItsDueTime", "a trailing job with a delay starts as soon as the older one ends",
		records,
		func(e *env) {
			l := e.start(10, inPlace(thePlace))
			newest := e.overtake(trailing(thePlace), dueIn(e.span(3)))
			e.commit(l)
			e.claimNone(e.request(1))
			e.pass(1)
			e.claimNone(e.request(1))
			e.claimThe(newest.Ref)
		},
	},
	{
		"R13", "TrailingOlderIsNotRunAgain", "an outdated question is asked again while the newest waits for it",
		records,
		func(e *env) {
			for _, v := range []backends.Verb{backends.Retry, backends.Snooze, backends.Release} {
				l := e.start(10, inPlace(thePlace))
				newest := e.overtake(trailing(thePlace))
				blocked := e.blocked(e.request(1))
				e.expect(e.settleAs(l, v), backends.ErrSuperseded)
				e.expectSuperseded(l.Job.Ref, newest)
				got := e.wakes(blocked)
				e.expectJob(got, newest)
				e.commit(got)
			}
		},
	},
	{
		"R13", "TrailingWaitsForACrashedOne", "two jobs of one place run at once after a crash, or none ever again",
		records,
		func(e *env) {
			older := e.start(1, inPlace(thePlace)).Job.Ref
			newest := e.overtake(trailing(thePlace))
			e.pass(1.5)
			l := e.claim()
			if l.Job.Ref == older { // a store may steal it first
				e.claimNone(e.request(1))
				e.commit(l)
				l = e.claim()
			}
			e.expectJob(l, newest)
			e.commit(l)
			e.claimNone(e.request(1))
		},
	},
	{
		"R13", "TrailingWaitsForAllThatRun", "three questions of one screen run at once",
		records,
		func(e *env) {
			first := e.start(20, inPlace(thePlace))
			second := e.start(20, inPlace(thePlace))
			newest := e.overtake(trailing(thePlace))
			blocked := e.blocked(e.request(1))
			e.commit(second)
			e.stillBlocked(blocked)
			e.commit(first)
			e.expectJob(e.wakes(blocked), newest)
		},
	},
	{
		"R13", "TrailingWaitsForARunWithoutLimit", "two jobs of one place run at once, as the time that one may take overflows",
		records,
		func(e *env) {
			e.enqueue(job("zeta", inPlace(thePlace)))
			unlimited := e.requestFor(20)
			unlimited.RunLimit, unlimited.Grace = math.MaxInt64, math.MaxInt64
			older := e.claimBy(unlimited)[0]
			newest := e.overtake(trailing(thePlace))
			blocked := e.blocked(e.request(1))
			e.commit(older)
			e.expectJob(e.wakes(blocked), newest)
		},
	},
	{
		"R13", "NewestOptionDecides", "the option of a job that was replaced decides over those before it",
		records,
		func(e *env) {
			l := e.start(10, inPlace(thePlace))
			e.overtake(trailing(thePlace))
			e.expect(e.extend(l, e.span(10)), nil)
			plain := e.overtake()
			e.expect(e.extend(l, e.span(10)), backends.ErrSuperseded)
			got := e.claimThe(plain.Ref)

			e.overtake(trailing(thePlace))
			for _, l := range []*backends.Lease{l, got} {
				e.expect(e.extend(l, e.span(10)), nil)
				e.claimNone(e.request(1))
				e.commit(l)
			}
			e.claim()
		},
	},
	{
		"R13", "PlainAfterTrailingStartsAtOnce", "a newer job without the option still waits for the old one",
		records,
		func(e *env) {
			e.start(10, inPlace(thePlace))
			e.overtake(trailing(thePlace))
			blocked := e.blocked(e.request(1))
			plain := e.overtake()
			e.expectJob(e.wakes(blocked), plain)
		},
	},
	{
		"R13", "TrailingThatIsCancelledLeavesThePlace", "after the waiting one is cancelled the place is blocked",
		records,
		func(e *env) {
			l := e.start(10, inPlace(thePlace))
			waiting := e.overtake(trailing(thePlace))
			e.mustCancel(waiting.Ref)
			e.commit(l)
			e.claimNone(e.request(1))
			e.claimThe(e.overtake(trailing(thePlace)).Ref)
		},
	},
}...)

// trailingCasesByEnd: the newest starts the moment the running one ends, however
// it ends, and doesn't wait for what that end owes.
func trailingCasesByEnd() []testCase {
	endings := []struct {
		name string
		owes backends.Debt
		end  func(*env, *backends.Lease)
	}{
		{"Commit", 0, func(e *env, l *backends.Lease) { e.commit(l) }},
		{"CommitThatOwes", backends.Event, func(e *env, l *backends.Lease) { e.commit(l) }},
		{"Dead", 0, func(e *env, l *backends.Lease) { e.end(l, backends.Dead) }},
		{"Cancel", 0, func(e *env, l *backends.Lease) {
			e.mustCancel(l.Job.Ref)
			e.expect(e.settleAs(l, backends.Release), backends.ErrCancelled)
		}},
	}
	var cases []testCase
	for _, ending := range endings {
		cases = append(cases, testCase{
			"R13", "TrailingStartsAt" + ending.name, "the newest question is asked late, or never",
			records,
			func(e *env) {
				e.policy = &backends.Policy{Owes: ending.owes}
				l := e.start(10, inPlace(thePlace))
				newest := e.overtake(trailing(thePlace))
				blocked := e.blocked(e.request(1))
				ending.end(e, l)
				e.expectJob(e.wakes(blocked), newest)
			},
		})
	}
	return cases
}
