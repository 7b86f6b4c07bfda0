package backendtest

import (
	"slices"

	"github.com/leat-go/leat/backends"
)

var settleCases = slices.Concat(commitCases, textCases, giveBackCases, fenceCases, debtCases, endCases)

// commitCases: an attempt ends the job.
var commitCases = []testCase{
	{
		"R6", "CommitWritesEachEnd", "a finished job is shown as running, or as something else than it came to",
		records,
		func(e *env) {
			for _, end := range ends {
				l := e.start(1)
				s := commitAs(l, end)
				if end == backends.Succeeded {
					s.Result = []byte("plan")
				} else {
					s.Reason = "because"
				}
				version := e.lookup(l.Job.Ref).Version
				e.mustSettle(s)
				r := e.expectState(l.Job.Ref, end)
				if string(r.Result) != string(s.Result) || r.Reason != s.Reason {
					e.Fatalf("%v: result %q, reason %q", end, r.Result, r.Reason)
				}
				if r.Ended.Before(r.Created) || !r.Due.IsZero() || r.Version <= version || r.Owes != 0 || r.Attempt != 1 {
					e.Fatalf("%v: %+v", end, r)
				}
			}
			e.pass(1.5)
			e.claimNone(e.request(10))
		},
	},
	{
		"R3", "ResultBytesSurvive", "a caller reads another result than the handler returned",
		records,
		func(e *env) {
			for _, result := range []string{"", "x", "a\x00b", "\xff\xfe", `{"n":9007199254740993,"m":1e400}`} {
				l := e.start(10)
				s := commitAs(l, backends.Succeeded)
				s.Result = []byte(result)
				e.mustSettle(s)
				if got := e.lookup(l.Job.Ref).Result; string(got) != result {
					e.Fatalf("%q came back as %q", result, got)
				}
			}
		},
	},
	{
		"R3", "PlaceOfALargeResultSurvives", "a caller can't find the result that lies in the bucket",
		records,
		func(e *env) {
			l := e.start(10)
			s := commitAs(l, backends.Succeeded)
			s.Stored = "2026-11-22/🚰/plan.json"
			e.mustSettle(s)
			if r := e.expectState(l.Job.Ref, backends.Succeeded); r.Stored != s.Stored || len(r.Result) > 0 {
				e.Fatalf("stored in %q, result %q", r.Stored, r.Result)
			}
		},
	},
	{
		"R5", "LapsedLeaseThatNobodyTookMayCommit", "work is thrown away for a clock, though nobody else began it",
		records,
		func(e *env) {
			l := e.start(1)
			e.pass(1.5)
			e.commit(l)
			e.claimNone(e.request(1))
			e.expectState(l.Job.Ref, backends.Succeeded)
		},
	},
	{
		"R5", "LeaseMadeByHandMaySettle", "a program that keeps only id, generation and token, in a web hook say, can't settle",
		func(f backends.Features) bool { return f.Records && f.Kinds }, // stores
		func(e *env) {
			byHand := func(l *backends.Lease) *backends.Lease {
				return &backends.Lease{Job: &backends.Job{Ref: l.Job.Ref}, Queue: theQueue, Generation: l.Generation, Token: l.Token}
			}
			l := e.start(10)
			e.expect(e.extend(byHand(l), 10*e.unit), nil)
			e.mustSettle(retry(byHand(l), 0))
			l = e.claim()
			e.mustSettle(release(byHand(l)))
			l = e.claim()
			for _, spoil := range []func(*backends.Lease){
				func(l *backends.Lease) { l.Token-- }, func(l *backends.Lease) { l.Token++ },
				func(l *backends.Lease) { l.Generation-- }, func(l *backends.Lease) { l.Generation++ },
			} {
				wrong := byHand(l)
				spoil(wrong)
				e.expect(e.extend(wrong, e.unit), backends.ErrLost)
				e.expect(e.settle(commitAs(wrong, backends.Succeeded)), backends.ErrLost)
			}
			e.commit(byHand(l))
			e.expectState(l.Job.Ref, backends.Succeeded)
		},
	},
	{
		"R5", "SettlementsStandEachOnItsOwn", "one lost lease throws away the results of a whole batch",
		records,
		func(e *env) {
			old, taken := e.stolen()
			good, other := e.start(10), e.start(10)
			errs, err := e.B.Settle(e.Context(), []backends.Settlement{
				commitAs(good, backends.Succeeded), commitAs(old, backends.Succeeded),
				{Verb: backends.Commit},
				retry(taken, 0), commitAs(other, backends.Dead),
			})
			e.expect(err, nil)
			e.expectErrs(errs, nil, backends.ErrLost, backends.ErrInvalid, nil, nil)
			e.expectState(good.Job.Ref, backends.Succeeded)
			e.expectState(taken.Job.Ref, backends.Waiting)
			e.expectState(other.Job.Ref, backends.Dead)
		},
	},
	{
		"R5", "CallerKeepsItsSettlements", "a settle loop that reuses its batch changes results that were written",
		records,
		func(e *env) {
			l := e.start(10)
			ss := []backends.Settlement{commitAs(l, backends.Dead)}
			ss[0].Reason = "because"
			_, err := e.B.Settle(e.Context(), ss)
			e.expect(err, nil)
			ss[0] = backends.Settlement{Reason: "other"}
			if r := e.expectState(l.Job.Ref, backends.Dead); r.Reason != "because" {
				e.Fatalf("reason became %q", r.Reason)
			}
		},
	},
}
