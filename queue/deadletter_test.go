package queue_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
)

// letters are the dead letters of a queue.
func letters(t testing.TB, q *whatIf) []*queue.Record {
	t.Helper()
	var all []*queue.Record
	for r, err := range q.DeadLetters(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// Dead letters keep what was asked and what went wrong, and get another life.
func TestRule_R10_DeadLettersAreListedAndRedriven(t *testing.T) {
	q := newWhatIf(store())
	zeta := enqueue(t, q, ask, queue.Tenant("zeta"), queue.Key("k"))
	kill(t, q, "no such SKU")
	eta := enqueue(t, q, ask, queue.Tenant("eta"))
	kill(t, q, "no such partner")
	enqueue(t, q, ask)

	dead := letters(t, q)
	if len(dead) != 2 || dead[0].Job.Ref != zeta.Ref || dead[1].Job.Ref != eta.Ref {
		t.Fatalf("dead letters %+v", dead)
	}
	if r := dead[0]; r.Reason != "no such SKU" || len(r.Failures) != 1 || r.Failures[0].Text != "no such SKU" {
		t.Errorf("%+v", r)
	}
	if args, err := q.Args(t.Context(), dead[0]); err != nil || args != ask {
		t.Errorf("args %+v, %v", args, err)
	}

	matches(t, "redrive", q.Redrive(t.Context(), dead...))
	if left := letters(t, q); len(left) != 0 {
		t.Errorf("left: %+v", left)
	}
	queued(t, q, 3)
	r := record(t, q, zeta.Ref)
	if r.State != queue.Waiting || r.Generation != dead[0].Generation+1 || len(r.Failures) != 1 {
		t.Errorf("%+v", r)
	}
	if again := enqueue(t, q, ask, queue.Tenant("zeta"), queue.Key("k")); again.Ref != zeta.Ref || !again.Duplicate {
		t.Errorf("its key gives %+v", again)
	}

	matches(t, "redriven before", q.Redrive(t.Context(), dead...))
	queued(t, q, 3)
	for range 3 {
		kill(t, q, "still wrong")
	}
	matches(t, "redriven before, and dead again", q.Redrive(t.Context(), dead...))
	if left := letters(t, q); len(left) != 3 {
		t.Errorf("a listing of another life revived %d of 3", 3-len(left))
	}
	matches(t, "none", q.Redrive(t.Context()))
}

// A bulk that broke off is repeated as a whole: each gets one more life.
func TestRule_R10_ARedriveMayBeRepeated(t *testing.T) {
	for _, when := range []backendtest.Moment{backendtest.Before, backendtest.After} {
		b := store()
		q := newWhatIf(b)
		const n = 2*backends.MaxPage + 500
		if _, err := q.EnqueueAll(t.Context(), items(n)); err != nil {
			t.Fatal(err)
		}
		for range n {
			kill(t, q, "")
		}
		dead := letters(t, q)
		faulty := newWhatIf(backendtest.NewFaulty(b, backendtest.Fault{
			Verb: backendtest.Redrive, When: when, Rate: func(call int) bool { return call == 2 },
		}))
		matches(t, "broken off", faulty.Redrive(t.Context(), dead...), backendtest.ErrInjected)
		if left := len(letters(t, q)); left == 0 || left == n {
			t.Errorf("%d of %d are left", left, n)
		}
		matches(t, "repeated", faulty.Redrive(t.Context(), dead...))
		queued(t, q, n)
		for _, r := range dead {
			if got := record(t, q, r.Job.Ref).Generation; got != r.Generation+1 {
				t.Fatalf("generation %d after %d", got, r.Generation)
			}
		}
	}
}

// Each that can't be redriven is named, and the others are.
func TestRule_R10_RedriveNamesWhatItCannotRevive(t *testing.T) {
	q := newWhatIf(store())
	enqueue(t, q, ask)
	kill(t, q, "")
	done := enqueue(t, q, ask)
	settle(t, q, backends.Settlement{Lease: lease(t, q), Verb: backends.Commit, Outcome: queue.Succeeded})
	waiting := enqueue(t, q, ask)
	gone := &queue.Record{Job: &backends.Job{Ref: queue.Ref{Tenant: "zeta", ID: "gone"}}}

	list := append(letters(t, q), record(t, q, done.Ref), record(t, q, waiting.Ref), gone)
	err := q.Redrive(t.Context(), list...)
	matches(t, "redrive", err, queue.ErrEnded, queue.ErrNotReady, queue.ErrNotFound)
	for _, line := range []string{
		"queue: redrive: job " + done.ID + ": job has ended",
		"job " + waiting.ID + ": job is not ready for this yet",
		"job gone: no such job",
	} {
		if !slices.Contains(strings.Split(err.Error(), "\n"), line) {
			t.Errorf("%v\ndoesn't say %q", err, line)
		}
	}
	queued(t, q, 2)

	for name, r := range map[string]*queue.Record{"nil": nil, "no job": {}} {
		invalid(t, name, q.Redrive(t.Context(), r), "Record")
	}
}

func TestPurgeRemovesAllThatMatch(t *testing.T) {
	q := newWhatIf(store())
	const n = backends.MaxPurge + 1
	if _, err := q.EnqueueAll(t.Context(), items(n, queue.Tenant("zeta"))); err != nil {
		t.Fatal(err)
	}
	enqueue(t, q, ask, queue.Tenant("eta"))
	purge := func(match queue.Filter, want int) {
		t.Helper()
		if got, err := q.Purge(t.Context(), match); got != want || err != nil {
			t.Errorf("%+v: %d jobs, %v; want %d", match, got, err, want)
		}
	}
	purge(queue.Filter{State: queue.Waiting}, 0) // of tenant ""
	purge(queue.Filter{State: queue.Dead, AnyTenant: true}, 0)
	purge(queue.Filter{State: queue.Waiting, Tenant: "zeta"}, n)
	purge(queue.Filter{State: queue.Waiting, AnyTenant: true}, 1)
	queued(t, q, 0)

	for _, state := range []queue.State{0, queue.Running, 99} {
		_, err := q.Purge(t.Context(), queue.Filter{State: state, AnyTenant: true})
		invalid(t, state.String(), err, "PurgeRequest.State")
	}
}

// bites is a Backend that removes a little at a time, as one does that doesn't want
// to hold a lock for long.
type bites struct{ backends.Backend }

func (b bites) Unwrap() backends.Backend { return biter{b.Backend, b.Backend.(backends.Operator)} }

type biter struct {
	backends.Backend
	backends.Operator
}

func (b biter) Purge(ctx context.Context, req backends.PurgeRequest) (int, error) {
	req.Limit = 7
	return b.Operator.Purge(ctx, req)
}

func TestPurgeGoesOnUntilNoneIsLeft(t *testing.T) {
	q := newWhatIf(bites{store()})
	if _, err := q.EnqueueAll(t.Context(), items(50)); err != nil {
		t.Fatal(err)
	}
	if n, err := q.Purge(t.Context(), queue.Filter{State: queue.Waiting}); n != 50 || err != nil {
		t.Errorf("%d jobs, %v", n, err)
	}

	// What was removed before a failure is told.
	b := store()
	q = newWhatIf(backendtest.NewFaulty(bites{b}, backendtest.Fault{
		Verb: backendtest.Purge, Rate: func(call int) bool { return call == 3 },
	}))
	if _, err := q.EnqueueAll(t.Context(), items(50)); err != nil {
		t.Fatal(err)
	}
	n, err := q.Purge(t.Context(), queue.Filter{State: queue.Waiting})
	if n != 14 || !errors.Is(err, backendtest.ErrInjected) {
		t.Errorf("%d jobs, %v", n, err)
	}
	queued(t, q, 36)
}
