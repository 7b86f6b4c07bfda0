package result_test

import (
	"context"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result"
)

func TestStatusShowsTheLifeOfAJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		start := time.Now()
		ref := s.enqueue(queue.Delay(time.Minute), queue.Expiry(time.Hour))
		now := func() *result.Status {
			t.Helper()
			st, err := result.Lookup(t.Context(), s.q, ref)
			expect(t, err, nil)
			return st
		}
		want := &result.Status{
			Ref: ref, State: queue.Waiting, Created: start, Due: start.Add(time.Minute), Deadline: start.Add(time.Hour),
			Read: start, ContentType: "application/json",
		}
		expectStatus(t, now(), want)

		time.Sleep(2 * time.Minute)
		l := s.Claim()
		s.Report(l, 40, "halfway")
		want.State, want.Attempt, want.Due, want.Read = queue.Running, 1, time.Time{}, time.Now()
		want.Progress = queue.Progress{Percent: 40, Text: "halfway"}
		expectStatus(t, now(), want)

		s.Retry(l, time.Minute, "no stock")
		want.State, want.Due = queue.Waiting, time.Now().Add(time.Minute)
		want.Failures = []queue.Failure{{Attempt: 1, At: time.Now(), Text: "no stock"}}
		expectStatus(t, now(), want)

		time.Sleep(time.Minute)
		l = s.Claim()
		s.cancel(ref)
		want.State, want.Cancelling, want.Attempt, want.Due, want.Read = queue.Running, true, 2, time.Time{}, time.Now()
		expectStatus(t, now(), want)

		_, err := s.b.Settle(t.Context(), []backends.Settlement{{Lease: l, Verb: backends.Release}})
		expect(t, err, nil)
		got := now()
		if got.State != queue.Cancelled || !got.Ended.Equal(time.Now()) {
			t.Errorf("%+v", got)
		}
	})
}

func expectStatus(t *testing.T, got, want *result.Status) {
	t.Helper()
	if got.Version == 0 || got.Generation == 0 || got.Order == 0 {
		t.Errorf("version %d, generation %d, order %d", got.Version, got.Generation, got.Order)
	}
	counters := cmp.FilterPath(func(p cmp.Path) bool {
		return slices.Contains([]string{".Version", ".Generation", ".Order"}, p.Last().String())
	}, cmp.Ignore())
	about := cmp.Comparer(func(a, b time.Time) bool { return a.Sub(b).Abs() < time.Millisecond }) // orders differ by some ns
	if d := cmp.Diff(want, got, counters, about); d != "" {
		t.Error(d)
	}
}

func TestPhaseIsWhatPeopleSay(t *testing.T) {
	now := time.Date(2026, 3, 29, 2, 30, 0, 0, time.UTC)
	for _, c := range []struct {
		want string
		s    result.Status
	}{
		{"held", result.Status{State: queue.Waiting}},
		{"scheduled", result.Status{State: queue.Waiting, Due: now.Add(1)}},
		{"queued", result.Status{State: queue.Waiting, Due: now}},
		{"queued", result.Status{State: queue.Waiting, Due: now.Add(-time.Hour), Crashes: 1}},
		{"retrying", result.Status{State: queue.Waiting, Due: now.Add(time.Hour), Attempt: 1}},
		{"retrying", result.Status{State: queue.Waiting, Due: now, Attempt: 2}},
		{"running", result.Status{State: queue.Running, Attempt: 1}},
		{"cancelling", result.Status{State: queue.Running, Cancelling: true}},
		{"succeeded", result.Status{State: queue.Succeeded, Attempt: 1}},
		{"dead", result.Status{State: queue.Dead}},
		{"cancelled", result.Status{State: queue.Cancelled, Cancelling: true}},
		{"superseded", result.Status{State: queue.Superseded}},
		{"expired", result.Status{State: queue.Expired}},
	} {
		c.s.Read = now
		if got := c.s.Phase(); got != c.want {
			t.Errorf("%+v: %s, want %s", c.s, got, c.want)
		}
	}
}

func TestRule_R14_ACollationJobShowsItsMembers(t *testing.T) {
	s := newScene(t)
	collate := backends.Job{Ref: queue.Ref{Tenant: "zeta", ID: "c"}, Batch: &backends.Batch{Hold: 1}}
	member := backends.Job{Ref: queue.Ref{Tenant: "zeta", ID: "m"}, Batch: &backends.Batch{Member: collate.Ref}}
	if _, err := s.b.Enqueue(t.Context(), backends.EnqueueRequest{Queue: "whatif", Jobs: []backends.Job{collate, member}}); err != nil {
		t.Fatal(err)
	}
	st, err := result.Lookup(t.Context(), s.q, collate.Ref)
	expect(t, err, nil)
	if st.Phase() != "held" || st.Batch == nil || st.Batch.Members != 1 {
		t.Errorf("%s, batch %+v", st.Phase(), st.Batch)
	}
}

func TestWatchShowsEachChangeUntilTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		ref := s.enqueue()
		go func() {
			step := func() { time.Sleep(time.Second); synctest.Wait() }
			step()
			l := s.Claim()
			step()
			s.Report(l, 40, "halfway")
			step()
			s.Retry(l, time.Second, "no stock")
			step()
			l = s.Claim()
			step()
			s.Succeed(l, plan{12})
		}()
		type seen struct {
			Phase   string
			Percent float64
		}
		var got []seen
		var last uint64
		for st, err := range result.Watch(t.Context(), s.q, ref) {
			expect(t, err, nil)
			if st.Version <= last {
				t.Errorf("version %d after %d", st.Version, last)
			}
			last = st.Version
			got = append(got, seen{st.Phase(), st.Progress.Percent})
		}
		want := []seen{{"queued", 0}, {"running", 0}, {"running", 40}, {"retrying", 40}, {"running", 40}, {"succeeded", 40}}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	})
}

// Who looks away misses steps, never the end.
func TestWatchOfASlowReaderShowsTheNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		ref := s.enqueue()
		var phases []string
		for st, err := range result.Watch(t.Context(), s.q, ref) {
			expect(t, err, nil)
			if phases = append(phases, st.Phase()); len(phases) == 1 {
				s.Retry(s.Claim(), 0, "no stock")
				s.Die(s.Claim(), "no stock, twice")
			}
		}
		if d := cmp.Diff([]string{"queued", "dead"}, phases); d != "" {
			t.Error(d)
		}
	})
}

func TestWatchEndsWithTheLoopTheContextAndTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		ref := s.enqueue()
		for range result.Watch(t.Context(), s.q, ref) {
			break
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		expectWatch(t, s, ctx, ref, 1, context.DeadlineExceeded)

		s.b.Inject(backendtest.Fault{Verb: backendtest.Lookup, Rate: backendtest.Times(3)})
		again, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		expectWatch(t, s, again, ref, 1, context.DeadlineExceeded)

		s.b.Inject(backendtest.Fault{Verb: backendtest.Lookup})
		expectWatch(t, s, t.Context(), ref, 0, backendtest.ErrInjected)
	})
}

// expectWatch fails unless so many statuses are seen, and then this error.
func expectWatch(t *testing.T, s *scene, ctx context.Context, ref queue.Ref, n int, want error) {
	t.Helper()
	var last error
	for st, err := range result.Watch(ctx, s.q, ref) {
		if last != nil {
			t.Fatalf("goes on after %v", last)
		}
		if last = err; err == nil {
			n--
		} else if st != nil {
			t.Errorf("a status beside an error: %+v", st)
		}
	}
	if expect(t, last, want); n != 0 {
		t.Errorf("%d statuses too few", n)
	}
}

func TestOpenStreamsWhatWasEncoded(t *testing.T) {
	for name, inline := range map[string]int{"beside the job": 0, "in the bucket": 4} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.q.Bucket, s.q.Inline = newBucket(), inline
			ref := s.enqueue()

			body, st, err := result.Open(t.Context(), s.q, ref)
			expect(t, err, queue.ErrNotReady)
			if body != nil || st.Phase() != "queued" {
				t.Errorf("body %v, status %+v", body, st)
			}

			s.Succeed(s.Claim(), plan{123456})
			body, st, err = result.Open(t.Context(), s.q, ref)
			expect(t, err, nil)
			data, err := io.ReadAll(body)
			expect(t, err, nil)
			expect(t, body.Close(), nil)
			if string(data) != `{"Order":123456}` || st.ContentType != "application/json" || st.State != queue.Succeeded {
				t.Errorf("%s of type %s, status %+v", data, st.ContentType, st)
			}
		})
	}
}
