package backendtest

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/leat-go/leat/backends"
)

var extendCases = slices.Concat(renewCases, progressCases, markCases)

// renewCases: who may renew a lease, and what that does.
var renewCases = []testCase{
	{
		"R8", "ExtendRenews", "a long computation is started a second time while the first one runs",
		records,
		func(e *env) {
			l := e.start(2)
			e.pass(1)
			start := time.Now()
			e.expect(e.extend(l, 4*e.unit), nil)
			e.pass(2)
			e.claimNone(e.request(1)) // the lease would have ended
			if r := e.lookup(l.Job.Ref); r.Due.Sub(l.Until) < 2*e.unit {
				e.Fatalf("the record says that the lease ends %v after the first end, want 3 units", r.Due.Sub(l.Until))
			}
			e.claim()
			e.expectWait(start, 4)
		},
	},
	{
		"R8", "ExtendMayShorten", "a worker that is about to stop can't give its jobs back soon",
		records,
		func(e *env) {
			l := e.start(30)
			c := e.claiming(e.Context(), e.request(1))
			start := time.Now()
			e.expect(e.extend(l, 2*e.unit), nil)
			e.expectJob(e.awaitLease(c), *l.Job)
			e.expectWait(start, 2)
		},
	},
	{
		"R8", "ManyLeasesInOneBeat", "a worker with many slots loses the leases beyond some number",
		nil,
		func(e *env) {
			var beats []backends.Beat
			e.enqueue(crowd(200, "zeta")...)
			for _, l := range e.claimMany(200) {
				beats = append(beats, backends.Beat{Lease: l})
			}
			errs, err := e.B.Extend(e.Context(), 20*e.unit, beats)
			e.expect(err, nil)
			for i, err := range errs {
				if err != nil {
					e.Fatalf("beat %d: %v", i, err)
				}
			}
			e.pass(10)
			e.claimNone(e.request(1))
		},
	},
	{
		"R5", "StaleTokenCannotExtend", "a worker that woke from a pause keeps the lease of the one that took over alive",
		records,
		func(e *env) {
			old := e.start(1)
			l := e.claimFor(3)
			start := time.Now()
			e.expect(e.extend(old, 30*e.unit), backends.ErrLost)
			e.claim()
			e.expectWait(start, 3)
			e.expect(e.extend(l, e.unit), backends.ErrLost)
		},
	},
	{
		"R5", "SettledLeaseCannotBeExtended", "a beat that comes late brings a finished job back to life",
		records,
		func(e *env) {
			for _, s := range []func(*backends.Lease) backends.Settlement{
				func(l *backends.Lease) backends.Settlement { return commitAs(l, backends.Succeeded) },
				func(l *backends.Lease) backends.Settlement { return commitAs(l, backends.Dead) },
				func(l *backends.Lease) backends.Settlement { return retry(l, 30*e.unit) },
				func(l *backends.Lease) backends.Settlement { return snooze(l, 30*e.unit) },
			} {
				l := e.start(10)
				e.mustSettle(s(l))
				before := e.lookup(l.Job.Ref)
				e.expect(e.extend(l, e.unit), backends.ErrLost)
				if after := e.lookup(l.Job.Ref); after.State != before.State || !after.Due.Equal(before.Due) {
					e.Fatalf("%v became %v, due %v", before.State, after.State, after.Due)
				}
			}
		},
	},
	{
		"R5", "LapsedLeaseThatNobodyTookIsRenewed", "a pause of the whole machine throws away work that nobody else began",
		softLeases,
		func(e *env) {
			l := e.start(1)
			e.pass(2)
			e.expect(e.extend(l, 3*e.unit), nil)
			e.claimNone(e.request(1))
			next := e.claim() // it lapsed once more
			if next.Token != l.Token+1 || next.Crashes != 1 {
				e.Fatalf("taken over with token %d, crashes %d", next.Token, next.Crashes)
			}
			e.expect(e.extend(l, e.unit), backends.ErrLost)
			e.expect(e.settle(commitAs(l, backends.Succeeded)), backends.ErrLost)
			e.commit(next)
		},
	},
	{
		"R5", "UnknownLeaseIsLost", "a worker goes on with a job that its store has forgotten",
		records,
		func(e *env) {
			j := job("zeta")
			ghost := &backends.Lease{Job: &j, Queue: theQueue, Token: 1}
			e.expect(e.extend(ghost, e.unit), backends.ErrLost)
			_, err := e.B.Lookup(e.Context(), j.Ref, 0)
			e.expect(err, backends.ErrNotFound)

			l := e.start(10)
			foreign := *l
			foreign.Job = &backends.Job{Ref: backends.Ref{Tenant: "eta", ID: l.Job.ID}}
			foreign.Handle = nil
			e.expect(e.extend(&foreign, e.unit), backends.ErrLost)
			e.commit(l)
		},
	},
	{
		"R5", "BeatsStandEachOnItsOwn", "one lost lease makes a worker drop all the others",
		records,
		func(e *env) {
			old, taken := e.stolen()
			good, other := e.start(2), e.start(2)
			errs, err := e.B.Extend(e.Context(), 20*e.unit, []backends.Beat{{Lease: good}, {Lease: old}, {Lease: taken}, {Lease: other}})
			e.expect(err, nil)
			e.expectErrs(errs, nil, backends.ErrLost, nil, nil)
			e.pass(2)
			e.claimNone(e.request(4))
		},
	},
	{
		"R6", "AnnouncingLeaseIsExtended", "an event that leaves slowly leaves twice",
		records,
		func(e *env) {
			l := e.owing(backends.Event, 2)
			e.pass(1)
			e.expect(e.extend(l, 4*e.unit), nil)
			e.pass(2)
			e.claimNone(e.announcer())
			e.pass(2)
			a := e.claimOwed()
			e.expect(e.extend(l, e.unit), backends.ErrLost)
			e.expect(e.extend(a, e.unit), nil)
			e.mustSettle(announced(a))
			e.expect(e.extend(a, e.unit), backends.ErrLost)
		},
	},
}

// progressCases: what a caller sees of a running job.
var progressCases = []testCase{
	{
		"R8", "ProgressIsStored", "the caller's progress bar stands still",
		records,
		func(e *env) {
			l := e.start(10)
			if p := e.lookup(l.Job.Ref).Progress; p != (backends.Progress{}) {
				e.Fatalf("a fresh job is at %v", p)
			}
			version := e.lookup(l.Job.Ref).Version
			for _, p := range []backends.Progress{
				{Percent: 0.5, Text: "reading"}, {Percent: 40, Text: "שלום 🚰"}, {Percent: 100},
			} {
				e.report(l, p)
				r := e.expectState(l.Job.Ref, backends.Running)
				if r.Progress != p {
					e.Fatalf("progress is %v, want %v", r.Progress, p)
				}
				if r.Version <= version {
					e.Fatalf("version %d after %d: nobody is woken", r.Version, version)
				}
				version = r.Version
			}
		},
	},
	{
		"R8", "ProgressNeverFalls", "the progress bar jumps back when an attempt is repeated",
		records,
		func(e *env) {
			l := e.start(10)
			e.report(l, backends.Progress{Percent: 40, Text: "half"})
			e.report(l, backends.Progress{Percent: 20, Text: "a slip"})
			if got, want := e.lookup(l.Job.Ref).Progress, (backends.Progress{Percent: 40, Text: "a slip"}); got != want {
				e.Fatalf("progress became %v, want %v", got, want)
			}
			e.expect(e.settle(backends.Settlement{Lease: l, Verb: backends.Retry}), nil)
			l = e.claimFor(10)
			e.report(l, backends.Progress{Text: "anew"})
			if got, want := e.lookup(l.Job.Ref).Progress, (backends.Progress{Percent: 40, Text: "anew"}); got != want {
				e.Fatalf("progress became %v in the next attempt, want %v", got, want)
			}
		},
	},
	{
		"R8", "BeatWithoutProgressKeepsIt", "the progress bar falls back to zero at each beat",
		records,
		func(e *env) {
			l := e.start(10)
			p := backends.Progress{Percent: 40, Text: "half"}
			e.report(l, p)
			e.expect(e.extend(l, 10*e.unit), nil)
			if got := e.lookup(l.Job.Ref).Progress; got != p {
				e.Fatalf("progress became %v", got)
			}
		},
	},
	{
		"R5", "StaleProgressIsRefused", "two workers' progress flickers in one bar",
		records,
		func(e *env) {
			old, l := e.stolen()
			p := backends.Progress{Percent: 10, Text: "new"}
			e.report(l, p)
			stale := backends.Progress{Percent: 90, Text: "old"}
			errs, err := e.B.Extend(e.Context(), e.unit, []backends.Beat{{Lease: old, Progress: &stale}})
			e.expect(err, nil)
			e.expectErrs(errs, backends.ErrLost)
			if got := e.lookup(l.Job.Ref).Progress; got != p {
				e.Fatalf("progress became %v", got)
			}
		},
	},
	{
		"R8", "ProgressTextIsCappedAndCleaned", "a log pasted into the progress fills the store, or breaks the page that shows it",
		records,
		func(e *env) {
			l := e.start(10)
			for _, text := range []string{
				strings.Repeat("x", backends.MaxText), strings.Repeat("x", backends.MaxText+1), strings.Repeat("🚰", backends.MaxText),
				"a\x00b\xff", strings.Repeat("\xff", backends.MaxText+1),
			} {
				e.report(l, backends.Progress{Percent: 1, Text: text})
				if got := e.lookup(l.Job.Ref).Progress.Text; got != backends.Capped(text) {
					e.Fatalf("%d bytes became %d bytes, want %d as Capped says", len(text), len(got), len(backends.Capped(text)))
				}
			}
		},
	},
	{
		"R8", "CallerKeepsItsProgress", "a handler that fills one Progress again and again changes what was stored",
		records,
		func(e *env) {
			l := e.start(10)
			p := backends.Progress{Percent: 10, Text: "ten"}
			beats := []backends.Beat{{Lease: l, Progress: &p}}
			_, err := e.B.Extend(e.Context(), 10*e.unit, beats)
			e.expect(err, nil)
			p.Percent, p.Text, beats[0] = math.Pi, "other", backends.Beat{}
			if got := e.lookup(l.Job.Ref).Progress; got != (backends.Progress{Percent: 10, Text: "ten"}) {
				e.Fatalf("progress became %v", got)
			}
		},
	},
}

// markCases: how a running handler learns that it is to stop.
var markCases = []testCase{
	{
		"R8", "CancelledIsToldAndRenewed", "a cancelled computation runs to its end, or is taken over while it cleans up",
		records,
		func(e *env) {
			l := e.start(2)
			e.expect(e.cancel(l.Job.Ref), nil)
			e.pass(1)
			for range 2 { // told again at every beat
				e.expect(e.extend(l, 3*e.unit), backends.ErrCancelled)
			}
			e.pass(1.5)
			e.claimNone(e.request(1))
			if r := e.expectState(l.Job.Ref, backends.Running); !r.Cancelling {
				e.Fatal("the record doesn't say that it is being cancelled")
			}
		},
	},
	{
		"R13", "SupersededIsToldAndRenewed", "an outdated what-if keeps its slot, or is taken over while it cleans up",
		records,
		func(e *env) {
			place := func(j *backends.Job) { j.Supersede = "zeta/screen-9" }
			l := e.start(2, place)
			newer := job("zeta", place)
			e.enqueue(newer)
			e.pass(1)
			for range 2 {
				e.expect(e.extend(l, 3*e.unit), backends.ErrSuperseded)
			}
			e.expectJob(e.claim(), newer)
			e.pass(1.5)
			e.claimNone(e.request(1))
			e.expectState(l.Job.Ref, backends.Running)
		},
	},
	{
		"R8", "MarkedBeatStoresItsProgress", "the last words of a handler that stops are lost",
		records,
		func(e *env) {
			l := e.start(10)
			e.expect(e.cancel(l.Job.Ref), nil)
			p := backends.Progress{Percent: 70, Text: "cleaning up"}
			errs, err := e.B.Extend(e.Context(), 10*e.unit, []backends.Beat{{Lease: l, Progress: &p}})
			e.expect(err, nil)
			e.expect(first(errs), backends.ErrCancelled)
			if got := e.lookup(l.Job.Ref).Progress; got != p {
				e.Fatalf("progress is %v", got)
			}
		},
	},
}
