package queue_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/internal/seam"
	"github.com/leat-go/leat/queue"
)

// The queue of most tests.
type (
	settings struct{ Partner, SKU string }
	plan     struct{ ReorderPoint, OrderQuantity int }
	whatIf   = queue.Queue[settings, plan]
)

var ask = settings{"zeta", "22423"}

func store() *memory.Backend { return memory.New(memory.Options{}) }

func newWhatIf(b backends.Backend) *whatIf { return queue.New[settings, plan](b, "whatif") }

// spy notes what a Backend is asked to create.
type spy struct {
	backends.Backend
	mu    sync.Mutex
	calls []backends.EnqueueRequest
}

func (s *spy) Unwrap() backends.Backend { return s.Backend }

func (s *spy) Enqueue(ctx context.Context, req backends.EnqueueRequest) ([]backends.Enqueued, error) {
	s.mu.Lock()
	s.calls = append(s.calls, req)
	s.mu.Unlock()
	return s.Backend.Enqueue(ctx, req)
}

func (s *spy) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.calls)
}

// job is the only one that was asked for.
func (s *spy) job(t testing.TB) *backends.Job {
	t.Helper()
	if s.count() != 1 || len(s.calls[0].Jobs) != 1 {
		t.Fatalf("not one job: %+v", s.calls)
	}
	return &s.calls[0].Jobs[0]
}

// answers changes what a Backend says of jobs. The call has had its effect.
type answers struct {
	backends.Backend
	change func(call int, out []backends.Enqueued) ([]backends.Enqueued, error)
	calls  int // one at a time
}

func (a *answers) Unwrap() backends.Backend { return a.Backend }

func (a *answers) Enqueue(ctx context.Context, req backends.EnqueueRequest) ([]backends.Enqueued, error) {
	out, err := a.Backend.Enqueue(ctx, req)
	if err != nil {
		return nil, err
	}
	a.calls++
	return a.change(a.calls, out)
}

// featured is a Backend that can do less than the one inside.
type featured struct {
	backends.Backend
	change func(*backends.Features)
}

func (f featured) Features() backends.Features {
	facts := f.Backend.Features()
	f.change(&facts)
	return facts
}

// bare hides all but the Backend, and its cells if there are to be none.
type bare struct{ backends.Backend }

type noCells struct{ bare }

func (noCells) Cells() backends.Cells { return backends.NoCells }

// within is a View that acts on the Backend itself, or what change makes of it.
type within func(backends.Backend) (backends.Backend, error)

func (w within) Bind(b backends.Backend) (backends.Backend, error) { return w(b) }

var itself = within(func(b backends.Backend) (backends.Backend, error) { return b, nil })

// inside opens a queue as the other rooms do.
func inside[T, R any](t testing.TB, q *queue.Queue[T, R]) *seam.Queue {
	t.Helper()
	in, err := q.Inside(seam.Key{})
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// lease claims the next job of a queue.
func lease[T, R any](t testing.TB, q *queue.Queue[T, R]) *backends.Lease {
	t.Helper()
	in := inside(t, q)
	leases, err := in.Backend.Claim(t.Context(), backends.ClaimRequest{
		Queue: in.Name, Policy: in.Policy, Kinds: in.Kinds, Max: 1, Lease: 30 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	return leases[0]
}

// claim is lease, as the handler sees it.
func claim[T, R any](t testing.TB, q *queue.Queue[T, R]) (*queue.Job[T], *seam.Attempt) {
	t.Helper()
	a := &seam.Attempt{Lease: lease(t, q)}
	job, err := inside(t, q).Job(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	return job.(*queue.Job[T]), a
}

// kill makes a dead letter of the next job.
func kill[T, R any](t testing.TB, q *queue.Queue[T, R], why string) *backends.Lease {
	t.Helper()
	l := lease(t, q)
	settle(t, q, backends.Settlement{Lease: l, Verb: backends.Commit, Outcome: queue.Dead, Reason: why, Error: why})
	return l
}

func settle[T, R any](t testing.TB, q *queue.Queue[T, R], s backends.Settlement) {
	t.Helper()
	errs, err := inside(t, q).Backend.Settle(t.Context(), []backends.Settlement{s})
	if err := errors.Join(append(errs, err)...); err != nil {
		t.Fatal(err)
	}
}

func record[T, R any](t testing.TB, q *queue.Queue[T, R], ref queue.Ref) *queue.Record {
	t.Helper()
	r, err := inside(t, q).Backend.Lookup(t.Context(), ref, 0)
	if err != nil {
		t.Fatalf("lookup of %v: %v", ref, err)
	}
	return r
}

func enqueue[T, R any](t testing.TB, q *queue.Queue[T, R], args T, opts ...queue.Option) queue.Ticket {
	t.Helper()
	ticket, err := q.Enqueue(t.Context(), args, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return ticket
}

// queued expects so many jobs to wait.
func queued[T, R any](t testing.TB, q *queue.Queue[T, R], want int) {
	t.Helper()
	s, err := q.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.Depth() != want {
		t.Errorf("%d jobs wait, want %d", s.Depth(), want)
	}
}

// matches expects an error that matches all of these, and nothing if there are
// none.
func matches(t testing.TB, what string, err error, targets ...error) {
	t.Helper()
	if len(targets) == 0 && err != nil {
		t.Errorf("%s: %v", what, err)
	}
	for _, target := range targets {
		if !errors.Is(err, target) {
			t.Errorf("%s: %v, want one that matches %q", what, err, target)
		}
	}
}

// invalid expects an InvalidError of this field.
func invalid(t testing.TB, what string, err error, field string) {
	t.Helper()
	var typed *queue.InvalidError
	if !errors.As(err, &typed) || typed.Field != field || !errors.Is(err, queue.ErrInvalid) {
		t.Errorf("%s: %v, want an invalid %s", what, err, field)
	}
}

// second is the error of a call that gives something else, too.
func second[V any](_ V, err error) error { return err }

// tellNoOrder counts the neighbours that are in order: about half in a list that
// tells nothing.
func tellNoOrder(t testing.TB, ids []string) {
	t.Helper()
	ascents := 0
	for i := range ids[1:] {
		if ids[i] < ids[i+1] {
			ascents++
		}
	}
	if half := len(ids) / 2; ascents < half*8/10 || ascents > half*12/10 {
		t.Errorf("%d of %d ids are above the one before", ascents, len(ids))
	}
	if distinct := slices.Compact(slices.Sorted(slices.Values(ids))); len(distinct) != len(ids) {
		t.Errorf("%d ids, %d of them distinct", len(ids), len(distinct))
	}
}
