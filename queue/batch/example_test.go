package batch_test

import (
	"context"
	"fmt"

	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/queue/batch"
	"github.com/leat-go/leat/result"
	"github.com/leat-go/leat/worker"
)

type (
	Page   struct{ Number int }
	Total  struct{ Orders int }
	Night  struct{ Date string }
	Report struct{ Orders int }
)

func (r *Report) Add(t Total) { r.Orders += t.Orders }

// A night's orders, page by page, and one report.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	b := memory.New(memory.Options{})
	defer b.Close()
	q := queue.New[queue.None, queue.None](b, "nightly")

	nightly := batch.Batch[Page, Total, Night, Report]{
		Slices:  queue.View[Page, Total](q, "page"),
		Collate: queue.View[Night, Report](q, "report"),
	}

	report := func(ctx context.Context, job *queue.Job[Night], parts batch.Parts[Total]) (r Report, err error) {
		for part, err := range parts.All(ctx) {
			if err != nil {
				return r, err // again, later
			}
			r.Add(part.Result)
		}
		return r, nil
	}
	w := worker.New(nightly.Collate, nightly.Handler(report))
	count := worker.New(nightly.Slices, func(ctx context.Context, job *queue.Job[Page]) (Total, error) {
		return Total{Orders: 100 + job.Args.Number}, nil // what the source has on this page
	})
	done := make(chan error)
	go func() { done <- worker.Run(ctx, w, count) }()

	pages := func(yield func(Page, error) bool) { // a query, a listing, a file
		for n := range 1000 {
			if !yield(Page{n}, nil) {
				return
			}
		}
	}
	ticket, err := nightly.Start(ctx, Night{"2026-12-09"}, pages, queue.Key("night 2026-12-09"))
	if err != nil {
		panic(err)
	}
	fmt.Println(result.Wait(ctx, nightly.Collate, ticket.Ref))
	stop()
	fmt.Println(<-done)
	// Output:
	// {599500} <nil>
	// <nil>
}
