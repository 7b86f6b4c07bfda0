package stories_test

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/queue/batch"
	"github.com/leat-go/leat/result"
	"github.com/leat-go/leat/worker"
)

// A page of a night's data, by its number, and what came of it.
type (
	nightPage struct{ Number int }
	pageTotal struct{ Sum int }
	night     struct{ Date string }
	nightSum  struct{ Pages, Failed, Sum int }
)

var errSourceAway = errors.New("the source is away")

// pagesUntil are pages from 0; if the source breaks it does so at the end.
func pagesUntil(n int, breaks bool) iter.Seq2[nightPage, error] {
	return func(yield func(nightPage, error) bool) {
		for i := range n {
			if !yield(nightPage{i}, nil) {
				return
			}
		}
		if breaks {
			yield(nightPage{}, errSourceAway)
		}
	}
}

// A night's batch on each setup: the splitter dies in the middle and starts again, some
// slices fail at first, workers stop and start; one report is published, and it is whole.
func TestRule_R14_ANightsBatch(t *testing.T) {
	const pages = 130
	for name, open := range setups {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := open(t)
				defer b.Close()
				heard := &screen{T: t}
				root := queue.New[queue.None, queue.None](b, "whatif")
				root.Announce = heard
				nightly := batch.Batch[nightPage, pageTotal, night, nightSum]{
					Slices:  queue.View[nightPage, pageTotal](root, "page"),
					Collate: queue.View[night, nightSum](root, "night"),
				}
				var tries atomic.Int64
				work := func() (stop func()) {
					m := worker.NewMux(
						worker.New(nightly.Slices, func(_ context.Context, job *queue.Job[nightPage]) (pageTotal, error) {
							if tries.Add(1); job.Args.Number%10 == 3 && job.Attempt == 1 {
								return pageTotal{}, errSourceAway
							}
							return pageTotal{job.Args.Number}, nil
						}),
						worker.New(nightly.Collate, nightly.Handler(func(ctx context.Context, _ *queue.Job[night], parts batch.Parts[pageTotal]) (nightSum, error) {
							s := nightSum{Pages: parts.Members, Failed: parts.Failed}
							for part, err := range parts.All(ctx) {
								if err != nil {
									return s, err
								}
								s.Sum += part.Result.Sum
							}
							return s, nil
						})),
					)
					m.Logger = slog.New(slog.DiscardHandler)
					ctx, cancel := context.WithCancel(t.Context())
					done := make(chan error)
					go func() { done <- worker.Run(ctx, m) }()
					return func() {
						cancel()
						if err := <-done; err != nil {
							t.Error(err)
						}
					}
				}
				stop := work()
				first, err := nightly.Start(t.Context(), night{"2026-12-09"}, pagesUntil(70, true), queue.Key("night"), queue.Tenant("zeta"))
				if !errors.Is(err, errSourceAway) {
					t.Fatal(err)
				}
				stop()
				stop = work()
				ticket, err := nightly.Start(t.Context(), night{"2026-12-09"}, pagesUntil(pages, false), queue.Key("night"), queue.Tenant("zeta"))
				if err != nil || ticket.Ref != first.Ref {
					t.Fatal(ticket, err)
				}
				got, err := result.Wait(t.Context(), nightly.Collate, ticket.Ref)
				if err != nil || got != (nightSum{pages, 0, pages * (pages - 1) / 2}) {
					t.Errorf("%+v, %v", got, err)
				}
				time.Sleep(10 * time.Minute)
				stop()
				if n := heard.published(); n["succeeded"] != pages+1 || len(n) != 1 {
					t.Errorf("published %v", n)
				}
				if n := tries.Load(); n != pages+pages/10 {
					t.Errorf("%d slices were tried", n)
				}
				st, err := result.Lookup(t.Context(), nightly.Collate, ticket.Ref)
				if err != nil || st.Batch == nil || st.Batch.Members != pages || st.Batch.Ended != pages || !st.Batch.Sealed {
					t.Errorf("%v, %+v", err, st)
				}
			})
		})
	}
}
