package backendtest

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/backends"
)

var lookupCases = slices.Concat(recordCases, watchCases, unsupportedCases)

// recordCases: what a record says, and to whom.
var recordCases = []testCase{
	{
		"R1", "RecordIsThereOnceAcknowledged", "the caller follows Location right after 202 and gets a 404",
		records,
		func(e *env) {
			j := job("zeta", func(j *backends.Job) { j.Delay, j.Expiry = 2*e.unit, time.Hour })
			order := e.enqueue(j)[0].Order
			r := e.expectState(j.Ref, backends.Waiting)
			if r.Job.Ref != j.Ref || r.Queue != theQueue || r.Order != order || r.Version == 0 {
				e.Fatalf("record: %+v", r)
			}
			if r.Attempt != 0 || r.Crashes != 0 || r.Token != 0 || r.Cancelling || !r.Ended.IsZero() ||
				len(r.Result)+len(r.Failures) != 0 || r.Owes != 0 || r.Dropped != 0 || r.Batch != nil {
				e.Fatalf("a fresh record: %+v", r)
			}
			e.expectSpan("creation to due", r.Created, r.Due, 2)
			if got := r.Deadline.Sub(r.Created); got != time.Hour {
				e.Fatalf("the deadline is %v after creation", got)
			}
			if e.f.KeepsPayload != (r.Job.Payload != nil) {
				e.Fatalf("payload %q, but Features.KeepsPayload is %v", r.Job.Payload, e.f.KeepsPayload)
			}
		},
	},
	{
		"R2", "UnknownJobIsNotFound", "a client that waits for a wrong id waits for ever",
		records,
		func(e *env) {
			for _, since := range []uint64{0, 1, 1 << 63} {
				start := time.Now()
				_, err := e.B.Lookup(e.Context(), job("zeta").Ref, since)
				e.expect(err, backends.ErrNotFound)
				e.expectWait(start, 0)
			}
		},
	},
	{
		"R2", "ForeignJobIsNotFound", "one customer reads the results of another",
		records,
		func(e *env) {
			j := job("zeta")
			e.enqueue(j)
			for _, tenant := range []string{"", "eta", "ZETA", "zeta ", "zeta/"} {
				for _, since := range []uint64{0, 1} {
					r, err := e.B.Lookup(e.Context(), backends.Ref{Tenant: tenant, ID: j.ID}, since)
					if r != nil || !errors.Is(err, backends.ErrNotFound) {
						e.Fatalf("tenant %q finds %v, error %v", tenant, r, err)
					}
				}
			}
			e.expect(e.cancel(backends.Ref{Tenant: "eta", ID: j.ID}), backends.ErrNotFound)
			e.expectState(j.Ref, backends.Waiting)
		},
	},
	{
		"R1", "RecordIsASnapshot", "a caller that keeps a record sees it change under its hands, or changes the store's",
		records,
		func(e *env) {
			l := e.start(10)
			s := retry(l, 0)
			s.Error = "first"
			e.mustSettle(s)
			l = e.claim()
			e.report(l, backends.Progress{Percent: 10})

			before, same := e.lookup(l.Job.Ref), e.lookup(l.Job.Ref)
			mine := e.lookup(l.Job.Ref)
			mine.State, mine.Reason, mine.Progress.Percent, mine.Token = backends.Dead, "mine", 99, 99
			mine.Failures[0].Text = "mine"
			_ = append(mine.Failures, backends.Failure{Text: "mine"})
			after := e.lookup(l.Job.Ref)
			if d := cmp.Diff(before, after); d != "" || len(after.Failures) != 1 || after.Failures[0].Text != "first" {
				e.Fatalf("changing a copy changed the store: failures %+v\n%s", after.Failures, d)
			}

			s = commitAs(l, backends.Dead)
			s.Error = "second"
			e.mustSettle(s)
			if d := cmp.Diff(before, same); d != "" {
				e.Fatalf("a kept record changed:\n%s", d)
			}
		},
	},
	{
		"R1", "VersionsOnlyGrow", "a caller that waits for the next change misses it, or is told of an old one",
		records,
		func(e *env) {
			j := job("zeta")
			e.enqueue(j)
			last := e.lookup(j.Ref).Version
			grown := func(what string) {
				e.Helper()
				if v := e.lookup(j.Ref).Version; v <= last {
					e.Fatalf("after %s: version %d, before %d", what, v, last)
				} else {
					last = v
				}
			}
			e.claimFor(1)
			grown("claim")
			l := e.claim()
			grown("steal")
			e.report(l, backends.Progress{Percent: 1})
			grown("progress")
			e.mustSettle(retry(l, 0))
			grown("retry")
			l = e.claim()
			grown("the next claim")
			e.mustSettle(snooze(l, 0))
			grown("snooze")
			l = e.claim()
			grown("the next claim")
			e.mustSettle(release(l))
			grown("release")
			l = e.claim()
			grown("the next claim")
			s := commitAs(l, backends.Succeeded)
			s.Owes = backends.Event
			e.mustSettle(s)
			grown("commit")
			e.mustSettle(announced(l))
			grown("announced")
		},
	},
}

// watchCases: a caller that waits for the next change.
var watchCases = []testCase{
	{
		"R1", "LookupWaitsForTheNextChange", "a client polls the store, or hears of the end a poll later",
		records,
		func(e *env) {
			j := job("zeta")
			e.enqueue(j)
			var l *backends.Lease
			for _, step := range []struct {
				what string
				do   func()
				want backends.State
			}{
				{"claim", func() { l = e.claim() }, backends.Running},
				{"progress", func() { e.report(l, backends.Progress{Percent: 40}) }, backends.Running},
				{"retry", func() { e.mustSettle(retry(l, 0)) }, backends.Waiting},
				{"the next claim", func() { l = e.claim() }, backends.Running},
				{"cancel", func() { e.expect(e.cancel(j.Ref), nil) }, backends.Running},
				{"settle", func() { e.expect(e.settle(commitAs(l, backends.Succeeded)), backends.ErrCancelled) }, backends.Cancelled},
			} {
				version := e.lookup(j.Ref).Version
				c := e.looking(e.Context(), j.Ref, version)
				select {
				case got := <-c:
					e.Fatalf("before %s: Lookup did not wait: %+v", step.what, got)
				default:
				}
				start := time.Now()
				step.do()
				got := await(e, c)
				if got.err != nil || got.record.Version <= version || got.record.State != step.want {
					e.Fatalf("after %s: %+v, error %v; want %v", step.what, got.record, got.err, step.want)
				}
				e.expectWait(start, 0)
			}
		},
	},
	{
		"R1", "OldVersionIsAnsweredAtOnce", "a client that was away for a while waits for a change that has been",
		records,
		func(e *env) {
			j := job("zeta")
			e.enqueue(j)
			version := e.lookup(j.Ref).Version
			e.commit(e.claim())
			start := time.Now()
			for _, since := range []uint64{0, version} {
				r, err := e.B.Lookup(e.Context(), j.Ref, since)
				e.expect(err, nil)
				if r.State != backends.Succeeded {
					e.Fatalf("since %d: %v", since, r.State)
				}
			}
			e.expectWait(start, 0)
		},
	},
	{
		"R1", "EveryWatcherIsTold", "of many callers that wait for one result, one gets it",
		records,
		func(e *env) {
			l := e.start(10)
			version := e.lookup(l.Job.Ref).Version
			var watchers []<-chan looked
			for range 20 {
				watchers = append(watchers, e.looking(e.Context(), l.Job.Ref, version))
			}
			ctx, cancel := context.WithCancel(e.Context())
			leaver := e.looking(ctx, l.Job.Ref, version)
			cancel()
			e.expect(await(e, leaver).err, context.Canceled)
			start := time.Now()
			e.commit(l)
			for _, w := range watchers {
				if got := await(e, w); got.err != nil || got.record.State != backends.Succeeded {
					e.Fatalf("got %+v, error %v", got.record, got.err)
				}
			}
			e.expectWait(start, 0)
		},
	},
	{
		"R1", "LookupEndsWithItsContext", "each client that gives up leaves a goroutine behind",
		records,
		func(e *env) {
			j := job("zeta")
			e.enqueue(j)
			for _, since := range []uint64{e.lookup(j.Ref).Version, 1 << 62} {
				start := time.Now()
				r, err := e.B.Lookup(e.timeout(1), j.Ref, since)
				if r != nil || !errors.Is(err, context.DeadlineExceeded) {
					e.Fatalf("got %+v, error %v", r, err)
				}
				e.expectWait(start, 1)
			}
		},
	},
	{
		"R1", "RemovalWakesLookup", "a caller waits for ever for a job that an operator has removed",
		func(f backends.Features) bool { return f.Records && f.Lists },
		func(e *env) {
			j := job("zeta")
			e.enqueue(j)
			c := e.looking(e.Context(), j.Ref, e.lookup(j.Ref).Version)
			start := time.Now()
			e.purge(backends.PurgeRequest{Queue: theQueue, State: backends.Waiting, AnyTenant: true}, 1)
			got := await(e, c)
			e.expect(got.err, backends.ErrNotFound)
			e.expectWait(start, 0)
		},
	},
	{
		"R8", "DeadlineWakesLookup", "a caller waits on for a job that can't start any more",
		records,
		func(e *env) {
			start := time.Now()
			j := job("zeta", func(j *backends.Job) { j.Expiry, j.Delay = 2*e.unit, 20*e.unit })
			e.enqueue(j)
			version := e.lookup(j.Ref).Version
			r, err := e.B.Lookup(e.timeout(10), j.Ref, version)
			e.expect(err, nil)
			e.expectWait(start, 2)
			if r.State != backends.Expired || r.Version <= version {
				e.Fatalf("record: %+v", r)
			}
			again, err := e.B.Lookup(e.timeout(0.5), j.Ref, r.Version)
			if !errors.Is(err, context.DeadlineExceeded) {
				e.Fatalf("the same end is told twice: %+v, error %v", again, err)
			}
		},
	},
	{
		"R8", "RunningPastItsDeadlineWakesNobody", "a caller is told that a job expired which then succeeds",
		records,
		func(e *env) {
			l := e.start(10, func(j *backends.Job) { j.Expiry = e.unit })
			_, err := e.B.Lookup(e.timeout(2), l.Job.Ref, e.lookup(l.Job.Ref).Version)
			e.expect(err, context.DeadlineExceeded)
			e.commit(l)
		},
	},
}

// unsupportedCases: a Backend without records says so.
var unsupportedCases = []testCase{
	{
		"R18", "LookupUnsupported", "a caller takes a setup without records for a job that doesn't exist",
		noRecords,
		func(e *env) {
			j := job("zeta")
			e.enqueue(j)
			for _, since := range []uint64{0, 1} {
				r, err := e.B.Lookup(e.timeout(1), j.Ref, since)
				if r != nil || !errors.Is(err, errors.ErrUnsupported) {
					e.Fatalf("got %v, error %v", r, err)
				}
			}
		},
	},
	{
		"R18", "OperatorUnsupported", "a cancel or redrive that did nothing is taken for done",
		func(f backends.Features) bool { return !(f.Records && f.Stats && f.Lists && f.Pauses) },
		func(e *env) {
			op, ok := backends.As[backends.Operator](e.B)
			if !ok {
				return // callers answer ErrUnsupported themselves
			}
			for verb, call := range e.operatorVerbs(op, job("zeta").Ref) {
				if err := call.do(); !call.claimed && !errors.Is(err, errors.ErrUnsupported) {
					e.Errorf("%s: got error %v", verb, err)
				}
			}
		},
	},
	{
		"R18", "CellsWorkOrSayNo", "a schedule believes that its tick was stored",
		nil,
		func(e *env) {
			c := e.B.Cells()
			if c == nil {
				e.Fatal("Cells is nil: return NoCells")
			}
			_, _, get := c.Get(e.Context(), "last-tick", "")
			_, put := c.Put(e.Context(), "last-tick", []byte("1"), "", time.Time{})
			if errors.Is(get, errors.ErrUnsupported) {
				e.expect(put, errors.ErrUnsupported)
				return
			}
			e.expect(get, nil)
			e.expect(put, nil)
		},
	},
}

func noRecords(f backends.Features) bool { return !f.Records }

// operatorVerb is one verb of the Operator, on one job.
type operatorVerb struct {
	claimed bool // by Features
	do      func() error
}

// operatorVerbs are all of them.
func (e *env) operatorVerbs(op backends.Operator, ref backends.Ref) map[string]operatorVerb {
	ctx := e.Context()
	return map[string]operatorVerb{
		"Stats": {e.f.Stats, func() error {
			_, err := op.Stats(ctx, theQueue)
			return err
		}},
		"List": {e.f.Lists, func() error {
			_, err := op.List(ctx, backends.ListRequest{Queue: theQueue})
			return err
		}},
		"Cancel": {e.f.Records, func() error {
			_, err := op.Cancel(ctx, []backends.Ref{ref})
			return err
		}},
		"Redrive": {e.f.Records, func() error {
			_, err := op.Redrive(ctx, []backends.Redrive{{Ref: ref}})
			return err
		}},
		"Purge": {e.f.Lists, func() error {
			_, err := op.Purge(ctx, backends.PurgeRequest{Queue: theQueue, State: backends.Dead})
			return err
		}},
		"Pause": {e.f.Pauses, func() error { return op.Pause(ctx, theQueue, true) }},
	}
}
