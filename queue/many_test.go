package queue_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
)

// items are n, told apart by their SKU.
func items(n int, opts ...queue.Option) []queue.Item[settings] {
	all := make([]queue.Item[settings], n)
	for i := range all {
		all[i] = queue.With(settings{"zeta", strconv.Itoa(i)}, opts...)
	}
	return all
}

// narrow is a Backend that takes few jobs at a time, each call an hour long, and
// notes how many are made at once.
type narrow struct {
	backends.Backend
	max int

	mu          sync.Mutex
	calls       int
	now, atOnce int
	largest     int
}

func (n *narrow) Features() backends.Features {
	f := n.Backend.Features()
	f.MaxBatch = n.max
	return f
}

func (n *narrow) Enqueue(ctx context.Context, req backends.EnqueueRequest) ([]backends.Enqueued, error) {
	n.mu.Lock()
	n.calls++
	n.now++
	n.atOnce, n.largest = max(n.atOnce, n.now), max(n.largest, len(req.Jobs))
	n.mu.Unlock()
	defer func() {
		n.mu.Lock()
		n.now--
		n.mu.Unlock()
	}()
	select {
	case <-time.After(time.Hour):
		return n.Backend.Enqueue(ctx, req)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Outcomes stand where their items stood, though calls overtake each other.
func TestEnqueueAllAnswersInTheOrderOfItsItems(t *testing.T) {
	for name, c := range map[string]struct{ max, jobs, calls, atOnce, largest int }{
		"no limit":          {0, 2500, 3, 1, 1000},
		"one by one":        {1, 20, 20, 8, 1},
		"ten at a time":     {10, 101, 11, 8, 10},
		"fewer than a call": {10, 3, 1, 1, 3},
		"just a call":       {10, 10, 1, 1, 10},
		"larger than ours":  {5000, 6000, 2, 2, 5000},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &narrow{Backend: store(), max: c.max}
				q := newWhatIf(b)
				out, err := q.EnqueueAll(t.Context(), items(c.jobs))
				if err != nil || len(out) != c.jobs {
					t.Fatalf("%d outcomes, %v", len(out), err)
				}
				for i, o := range out {
					if o.Err != nil || o.Duplicate {
						t.Fatalf("outcome %d: %+v", i, o)
					}
					if i%97 == 0 || i == c.jobs-1 {
						got, err := q.Args(t.Context(), record(t, q, o.Ref))
						if err != nil || got.SKU != strconv.Itoa(i) {
							t.Fatalf("outcome %d is of job %s, %v", i, got.SKU, err)
						}
					}
				}
				if b.calls != c.calls || b.atOnce != c.atOnce || b.largest != c.largest {
					t.Errorf("%d calls, %d at once, the largest of %d; want %d, %d, %d",
						b.calls, b.atOnce, b.largest, c.calls, c.atOnce, c.largest)
				}
			})
		})
	}
}

// Without a limit of the backend the order among jobs is the caller's, also of
// those of one place.
func TestRule_R13_EnqueueAllKeepsTheOrder(t *testing.T) {
	q := newWhatIf(store())
	out, err := q.EnqueueAll(t.Context(), items(2100, queue.Supersede("screen-9")))
	if err != nil {
		t.Fatal(err)
	}
	for i := range out[1:] {
		if out[i].Order >= out[i+1].Order {
			t.Fatalf("job %d has order %d, the next %d", i, out[i].Order, out[i+1].Order)
		}
	}
	queued(t, q, 1)
}

// Inside a View there is one transaction, which calls mustn't meet in.
func TestEnqueueAllInAViewMakesOneCallAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &narrow{Backend: store(), max: 10}
		if _, err := newWhatIf(b).On(itself).EnqueueAll(t.Context(), items(50)); err != nil || b.atOnce != 1 {
			t.Errorf("%d calls at once, %v", b.atOnce, err)
		}
	})
}

func TestEnqueueAllOfNothing(t *testing.T) {
	s := &spy{Backend: store()}
	out, err := newWhatIf(s).EnqueueAll(t.Context(), nil)
	if len(out) != 0 || err != nil || s.count() != 0 {
		t.Errorf("%v, %v, %d calls", out, err, s.count())
	}
}

func TestEnqueueAllRefusedItemsNeverFailTheirNeighbours(t *testing.T) {
	q := newWhatIf(store())
	q.Inline = 100
	q.Tenants = map[string]queue.Tenancy{"small": {Backlog: 1}}
	enqueue(t, q, ask, queue.Key("taken"))
	all := []struct {
		item queue.Item[settings]
		want error
	}{
		{queue.With(ask), nil},
		{queue.With(ask, queue.Tenant("\x00")), queue.ErrInvalid},
		{queue.With(ask, queue.Tenant("small")), nil},
		{queue.With(ask, queue.Tenant("small")), queue.ErrBacklogFull},
		{queue.With(settings{SKU: strings.Repeat("9", 100)}), queue.ErrTooLarge},
		{queue.With(ask, queue.Key("taken")), nil},
		{queue.With(settings{SKU: "other"}, queue.Key("taken")), queue.ErrKeyReused},
		{queue.With(ask, queue.Key("new")), nil},
		{queue.With(ask, queue.Key("new")), nil},
		{queue.With(ask, queue.Delay(-1)), queue.ErrInvalid},
	}
	var list []queue.Item[settings]
	for _, c := range all {
		list = append(list, c.item)
	}
	out, err := q.EnqueueAll(t.Context(), list)
	for i, c := range all {
		if c.want == nil {
			matches(t, fmt.Sprint("item ", i), out[i].Err)
			continue
		}
		matches(t, fmt.Sprint("item ", i), out[i].Err, c.want)
		matches(t, fmt.Sprint("the error, for item ", i), err, c.want)
	}
	if !out[5].Duplicate || out[7].Duplicate || !out[8].Duplicate || out[7].Ref != out[8].Ref {
		t.Errorf("duplicates: %+v, %+v, %+v", out[5], out[7], out[8])
	}
	for _, s := range []string{"queue: enqueue: item 1: invalid Job.Tenant: has a NUL", "\nitem 3: backlog is full\n"} {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("%v\ndoesn't say %q", err, s)
		}
	}
	queued(t, q, 4)
}

// Each job that is given up keeps its own reason: of one it is known that it
// wasn't created, of the other it isn't.
func TestEnqueueAllGivesEachItsOwnReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		odd := errors.New("disk I/O error")
		b := &answers{Backend: store(), change: func(_ int, out []backends.Enqueued) ([]backends.Enqueued, error) {
			for i := range out {
				switch out[i].Ref.Tenant {
				case "odd":
					out[i].Err = odd
				case "lost":
					out[i].Err = backendtest.ErrInjected
				}
			}
			return out, nil
		}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		q := newWhatIf(b)
		q.Tenants = map[string]queue.Tenancy{"full": {Backlog: 1}}
		out, _ := q.EnqueueAll(ctx, []queue.Item[settings]{
			queue.With(ask, queue.Tenant("odd")),
			queue.With(ask, queue.Tenant("full"), queue.WaitForRoom()),
			queue.With(ask, queue.Tenant("lost")),
			queue.With(ask, queue.Tenant("full")),
			queue.With(ask),
		})
		matches(t, "odd", out[0].Err, odd)
		matches(t, "first of full", out[1].Err)
		matches(t, "lost", out[2].Err, backendtest.ErrInjected)
		matches(t, "second of full", out[3].Err, queue.ErrBacklogFull, context.DeadlineExceeded)
		matches(t, "neighbour", out[4].Err)
		for i, no := range map[int]error{0: backendtest.ErrInjected, 2: odd, 3: odd} {
			if errors.Is(out[i].Err, no) {
				t.Errorf("outcome %d has the reason of another: %v", i, out[i].Err)
			}
		}
	})
}

// What was sent is asked for again, and only what is unknown.
func TestEnqueueAllRepeatsOnlyWhatIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &spy{Backend: &answers{Backend: store(), change: func(call int, out []backends.Enqueued) ([]backends.Enqueued, error) {
			if call == 1 {
				out[1].Err, out[3].Err = backendtest.ErrInjected, backendtest.ErrInjected
			}
			return out, nil
		}}}
		out, err := newWhatIf(s).EnqueueAll(t.Context(), items(5))
		if err != nil || s.count() != 2 || len(s.calls[1].Jobs) != 2 {
			t.Fatalf("%v, %d calls", err, s.count())
		}
		for k, i := range []int{1, 3} {
			if s.calls[1].Jobs[k].Ref != out[i].Ref {
				t.Errorf("asked again for %v, not %v", s.calls[1].Jobs[k].Ref, out[i].Ref)
			}
		}
		queued(t, newWhatIf(s.Backend), 5)
	})
}

func TestEnqueueAllEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &narrow{Backend: store(), max: 10}
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Minute)
		defer cancel()
		start := time.Now()
		out, err := newWhatIf(b).EnqueueAll(ctx, items(10_000))
		matches(t, "EnqueueAll", err, context.DeadlineExceeded)
		if took := time.Since(start); took != 90*time.Minute || b.calls != 16 {
			t.Errorf("took %v and %d calls", took, b.calls)
		}
		for i, o := range out {
			switch {
			case i < 80: // an hour each, eight at once
				matches(t, "created", o.Err)
			case i >= 160 && !o.IsZero():
				t.Fatalf("outcome %d was never sent and has a Ref: %+v", i, o)
			default:
				matches(t, "not created", o.Err, context.DeadlineExceeded)
			}
		}
		if lines := strings.Count(err.Error(), "\n"); lines != 10 || !strings.HasSuffix(err.Error(), "and 9910 more") {
			t.Errorf("the error has %d lines: %v", lines+1, err)
		}
		queued(t, newWhatIf(b.Backend), 80)
	})
}

func TestEnqueueAllOfAHundredThousand(t *testing.T) {
	q := newWhatIf(store())
	out, err := q.EnqueueAll(t.Context(), items(100_000, queue.Tenant("zeta")))
	if err != nil {
		t.Fatal(err)
	}
	distinct := map[string]bool{}
	for _, o := range out {
		distinct[o.ID] = true
	}
	if len(distinct) != 100_000 {
		t.Errorf("%d ids", len(distinct))
	}
	queued(t, q, 100_000)
}
