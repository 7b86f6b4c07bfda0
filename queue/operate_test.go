package queue_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
)

func TestStatsCountTheQueueOfAllKinds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newWhatIf(store())
		if s, err := q.Stats(t.Context()); err != nil || s.Depth() != 0 {
			t.Errorf("nobody used it: %+v, %v", s, err)
		}
		for range 3 {
			enqueue(t, q, ask)
		}
		enqueue(t, queue.View[email, queue.None](q, "email"), email{})
		enqueue(t, q, ask, queue.Delay(time.Hour))
		lease(t, q)
		kill(t, q, "no such SKU")
		time.Sleep(time.Minute)
		got, err := q.Stats(t.Context())
		want := queue.Stats{Queued: 2, Scheduled: 1, Running: 1, Ended: map[queue.State]int{queue.Dead: 1}, Oldest: time.Minute}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s, %v", diff, err)
		}
	})
}

// Listings go through all pages, oldest first, and end where the reader stops.
func TestJobsListsAllPages(t *testing.T) {
	q := newWhatIf(store())
	const n = 2*backends.MaxPage + 1
	sent, err := q.EnqueueAll(t.Context(), items(n, queue.Tenant("zeta")))
	if err != nil {
		t.Fatal(err)
	}
	enqueue(t, q, ask, queue.Tenant("eta"))
	enqueue(t, q, ask)

	list := q.Jobs(t.Context(), queue.Filter{Tenant: "zeta"})
	for range 2 { // a sequence may be read again
		i := 0
		for r, err := range list {
			if err != nil || r.Job.Ref != sent[i].Ref {
				t.Fatalf("job %d: %v, want %v; %v", i, r.Job.Ref, sent[i].Ref, err)
			}
			i++
		}
		if i != n {
			t.Errorf("%d jobs of %d", i, n)
		}
	}
	for range list {
		break
	}
	for want, match := range map[int]queue.Filter{
		n + 2: {AnyTenant: true},
		1:     {},
		0:     {AnyTenant: true, State: queue.Dead},
	} {
		if got := len(slices.Collect(keys(t, q, match))); got != want {
			t.Errorf("%+v: %d jobs, want %d", match, got, want)
		}
	}
}

// keys are the ids of a listing.
func keys(t testing.TB, q *whatIf, match queue.Filter) func(func(string) bool) {
	return func(yield func(string) bool) {
		for r, err := range q.Jobs(t.Context(), match) {
			if err != nil {
				t.Fatal(err)
			}
			if !yield(r.Job.ID) {
				return
			}
		}
	}
}

// It ends after the first error, which may come in the middle.
func TestJobsEndsWithItsFirstError(t *testing.T) {
	faulty := backendtest.NewFaulty(store(), backendtest.Fault{
		Verb: backendtest.List, Rate: func(call int) bool { return call == 2 },
	})
	q := newWhatIf(faulty)
	if _, err := q.EnqueueAll(t.Context(), items(backends.MaxPage+1)); err != nil {
		t.Fatal(err)
	}
	listed, failed := 0, 0
	for r, err := range q.Jobs(t.Context(), queue.Filter{}) {
		if err == nil {
			listed++
			continue
		}
		failed++
		matches(t, "second page", err, backendtest.ErrInjected)
		if r != nil || err.Error() != "queue: jobs: injected fault" {
			t.Errorf("%v beside %v", err, r)
		}
	}
	if listed != backends.MaxPage || failed != 1 {
		t.Errorf("%d jobs and %d errors", listed, failed)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range q.Jobs(ctx, queue.Filter{}) {
		matches(t, "context ended", err, context.Canceled)
	}
	for _, err := range q.Jobs(t.Context(), queue.Filter{State: 99}) {
		matches(t, "no such state", err, queue.ErrInvalid)
	}
}

// Args are of one kind, and of the versions that a program knows: what decodes into
// another type isn't what was asked.
func TestArgsOfARecord(t *testing.T) {
	b := store()
	q := newWhatIf(b)
	emails := queue.View[email, queue.None](q, "email")
	other, err := q.Args(t.Context(), record(t, q, enqueue(t, emails, email{"x"}).Ref))
	invalid(t, "another kind", err, "Record")
	if want := `queue: args: invalid Record: is of kind "email", not of ""`; other != (settings{}) || err.Error() != want {
		t.Errorf("%+v, %v, want %s", other, err, want)
	}
	newer := newWhatIf(b)
	newer.Schema = 2
	r := record(t, q, enqueue(t, newer, ask).Ref)
	invalid(t, "a newer schema", second(q.Args(t.Context(), r)), "Record")
	if args, err := newer.Args(t.Context(), r); args != ask || err != nil {
		t.Errorf("%+v, %v", args, err)
	}
	invalid(t, "nil", second(q.Args(t.Context(), nil)), "Record")
	invalid(t, "no job", second(q.Args(t.Context(), &queue.Record{})), "Record")
	if _, err := q.Args(t.Context(), &queue.Record{Job: &backends.Job{Payload: []byte("{")}}); err == nil {
		t.Error("broken JSON is well")
	}
}

// Where a backend doesn't keep the args of a job that lives, that is said, and not
// that they are broken.
func TestArgsThatTheBackendDoesNotKeep(t *testing.T) {
	q := newWhatIf(featured{store(), func(f *backends.Features) { f.KeepsPayload = false }})
	q.Bucket = &mapBucket{objects: map[string][]byte{"2026-12-09/8a4f2c1e-0b6c-4d53-9d3f-5b2a7c9e1f00": []byte(`{"SKU":"7"}`)}}
	_, err := q.Args(t.Context(), &queue.Record{Job: &backends.Job{}, State: queue.Running})
	matches(t, "running", err, errors.ErrUnsupported)
	for name, r := range map[string]*queue.Record{
		"cancelled, and kept":      {Job: &backends.Job{Payload: []byte(`{"SKU":"7"}`)}, State: queue.Cancelled},
		"dead":                     {Job: &backends.Job{Payload: []byte(`{"SKU":"7"}`)}, State: queue.Dead},
		"running, and in a bucket": {Job: &backends.Job{Headers: map[string]string{"leat-stored": "2026-12-09/8a4f2c1e-0b6c-4d53-9d3f-5b2a7c9e1f00"}}, State: queue.Running},
	} {
		if args, err := q.Args(t.Context(), r); err != nil || args.SKU != "7" {
			t.Errorf("%s: %+v, %v", name, args, err)
		}
	}
}

func TestCancel(t *testing.T) {
	q := newWhatIf(store())
	waiting := enqueue(t, q, ask, queue.Tenant("zeta"))
	foreign := queue.Ref{Tenant: "eta", ID: waiting.ID}
	err := q.Cancel(t.Context(), foreign)
	matches(t, "another tenant's", err, queue.ErrNotFound)
	if want := "queue: cancel: job " + foreign.ID + ": no such job"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	matches(t, "waiting", q.Cancel(t.Context(), waiting.Ref))
	matches(t, "cancelled before", q.Cancel(t.Context(), waiting.Ref))
	if r := record(t, q, waiting.Ref); r.State != queue.Cancelled {
		t.Errorf("it is %v", r.State)
	}

	running := enqueue(t, q, ask)
	lease(t, q)
	matches(t, "running", q.Cancel(t.Context(), running.Ref))
	if r := record(t, q, running.Ref); r.State != queue.Running || !r.Cancelling {
		t.Errorf("it is %v, cancelling %v", r.State, r.Cancelling)
	}

	dead := enqueue(t, q, ask)
	kill(t, q, "no such SKU")
	err = q.Cancel(t.Context(), dead.Ref)
	matches(t, "dead", err, queue.ErrEnded)
	if want := "queue: cancel: job " + dead.ID + ": job has ended"; err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
}

func TestPauseStopsClaimsUntilResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newWhatIf(store())
		enqueue(t, q, ask)
		matches(t, "Pause", q.Pause(t.Context()))
		if s, err := q.Stats(t.Context()); err != nil || !s.Paused {
			t.Errorf("%+v, %v", s, err)
		}
		start := time.Now()
		time.AfterFunc(time.Hour, func() { matches(t, "Resume", q.Resume(t.Context())) })
		lease(t, q)
		if took := time.Since(start); took != time.Hour {
			t.Errorf("claimed after %v", took)
		}
	})
}

// What nobody can do is said by every verb, and Enqueue isn't one of them.
func TestABackendWithoutOperator(t *testing.T) {
	q := newWhatIf(bare{store()})
	ticket := enqueue(t, q, ask)
	for verb, err := range operate(t, q) {
		matches(t, verb, err, errors.ErrUnsupported)
		if want := "queue: " + verb + ": this verb on memory: unsupported operation"; err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if args, err := q.Args(t.Context(), record(t, q, ticket.Ref)); err != nil || args != ask {
		t.Errorf("Args: %+v, %v", args, err)
	}
}
