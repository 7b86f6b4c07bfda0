package batch_test

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/queue/batch"
	"github.com/leat-go/leat/worker"
)

// The work: pages of numbers, each of which is doubled; the report is their sum.
type (
	page   struct{ N int }
	double struct{ N int }
	night  struct{ Date string }
	report struct{ Parts, Failed, Sum int }
)

var errTorn = errors.New("the page is torn")

// scene is a store that can be made to fail, a batch on it, and what its handlers saw.
type scene struct {
	*testing.T
	store *backendtest.Faulty
	root  *queue.Queue[queue.None, queue.None]
	batch batch.Batch[page, double, night, report]

	handle func(context.Context, *queue.Job[page]) (double, error)

	mu       sync.Mutex
	pages    map[int]int // times that each was handled
	collated []batch.Parts[double]
}

// in runs a scene in a bubble.
func in(t *testing.T, play func(*testing.T, *scene)) {
	synctest.Test(t, func(t *testing.T) {
		inner := memory.New(memory.Options{})
		defer inner.Close()
		play(t, newScene(t, inner))
	})
}

func newScene(t *testing.T, b backends.Backend) *scene {
	s := &scene{T: t, store: backendtest.NewFaulty(b), pages: map[int]int{}}
	s.root = queue.New[queue.None, queue.None](s.store, "nightly")
	s.batch.Slices = queue.View[page, double](s.root, "page")
	s.batch.Collate = queue.View[night, report](s.root, "report")
	s.handle = func(_ context.Context, job *queue.Job[page]) (double, error) { return double{2 * job.Args.N}, nil }
	return s
}

// work has so many slices (0 = 4) at a time worked on, and a collation beside, until stop is
// called.
func (s *scene) work(concurrency ...int) (stop func()) {
	pages := worker.New(s.batch.Slices, func(ctx context.Context, job *queue.Job[page]) (double, error) {
		s.mu.Lock()
		s.pages[job.Args.N]++
		s.mu.Unlock()
		return s.handle(ctx, job)
	})
	reports := worker.New(s.batch.Collate, s.batch.Handler(s.collate))
	pages.Logger, reports.Logger = slog.New(slog.DiscardHandler), slog.New(slog.DiscardHandler)
	pages.Concurrency = 4
	for _, n := range concurrency {
		pages.Concurrency = n
	}
	ctx, cancel := context.WithCancel(s.Context())
	done := make(chan error)
	go func() { done <- worker.Run(ctx, pages, reports) }()
	return func() {
		s.Helper()
		cancel()
		if err := <-done; err != nil {
			s.Error(err)
		}
	}
}

func (s *scene) collate(ctx context.Context, _ *queue.Job[night], parts batch.Parts[double]) (report, error) {
	s.mu.Lock()
	s.collated = append(s.collated, parts)
	s.mu.Unlock()
	r := report{Parts: parts.Members, Failed: parts.Failed}
	next := 0
	for part, err := range parts.All(ctx) {
		if err != nil {
			return r, err
		}
		if part.Index != next {
			s.Errorf("part %d after %d", part.Index, next-1)
		}
		next++
		if part.Err == nil {
			r.Sum += part.Result.N
		}
	}
	if next != parts.Members {
		s.Errorf("%d parts of %d", next, parts.Members)
	}
	return r, nil
}

// upTo are the pages from 0 to n.
func upTo(n int) iter.Seq2[page, error] {
	return func(yield func(page, error) bool) {
		for i := range n {
			if !yield(page{i}, nil) {
				return
			}
		}
	}
}

// breaking are the same, and then the source is away.
func breaking(n int) iter.Seq2[page, error] {
	return func(yield func(page, error) bool) {
		for i := range n {
			if !yield(page{i}, nil) {
				return
			}
		}
		yield(page{}, errTorn)
	}
}

func (s *scene) start(slices iter.Seq2[page, error], opts ...queue.Option) queue.Ticket {
	s.Helper()
	t, err := s.batch.Start(s.Context(), night{"2026-12-09"}, slices, opts...)
	if err != nil {
		s.Fatal(err)
	}
	return t
}

// ended waits until the collation job has ended.
func (s *scene) ended(ref queue.Ref) *backends.Record {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 24*time.Hour)
	defer cancel()
	for since := uint64(0); ; {
		r, err := s.store.Lookup(ctx, ref, since)
		if err != nil {
			s.Fatal(err)
		}
		if r.State.Ended() {
			return r
		}
		since = r.Version
	}
}

// states counts the slices by state.
func (s *scene) states() map[backends.State]int {
	n := map[backends.State]int{}
	for r, err := range s.root.Jobs(s.Context(), queue.Filter{AnyTenant: true}) {
		if err != nil {
			s.Fatal(err)
		}
		if r.Job.Kind == "page" {
			n[r.State]++
		}
	}
	return n
}

// handled fails unless each page was handled so often.
func (s *scene) handled(pages, times int) {
	s.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range pages {
		if s.pages[i] != times {
			s.Errorf("page %d was handled %d times", i, s.pages[i])
		}
	}
	if len(s.pages) != pages {
		s.Errorf("%d pages were handled", len(s.pages))
	}
}

// tornAt fails these pages for good.
func tornAt(torn ...int) func(context.Context, *queue.Job[page]) (double, error) {
	return func(_ context.Context, job *queue.Job[page]) (double, error) {
		if slices.Contains(torn, job.Args.N) {
			return double{}, worker.Permanent(errTorn)
		}
		return double{2 * job.Args.N}, nil
	}
}
