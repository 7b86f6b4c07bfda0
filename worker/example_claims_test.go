package worker_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

var quiet = slog.New(slog.DiscardHandler)

// A program that is a loop takes its jobs one by one.
func ExampleClaims() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	q := queue.New[Settings, Plan](memory.New(memory.Options{}), "whatif")
	q.Enqueue(ctx, Settings{SKU: "22423"})
	q.Enqueue(ctx, Settings{SKU: "85123A"})

	for c, err := range worker.Claims(ctx, q) {
		if err != nil {
			fmt.Println(err)
			return
		}
		plan, err := optimise(c.Context(), c.Job)
		if err != nil {
			err = c.Fail(ctx, err)
		} else {
			err = c.Done(ctx, plan)
		}
		fmt.Println(c.Args.SKU, err)
		if c.Args.SKU == "85123A" {
			break // what was not done or failed would go back to the queue
		}
	}
	// Output:
	// 22423 <nil>
	// 85123A <nil>
}

// Many parts inside one job, a few at a time, with progress.
func ExampleEach() {
	optimiseAll := func(ctx context.Context, job *queue.Job[[]string]) ([]int, error) {
		quantities := make([]int, len(job.Args))
		err := worker.Each(ctx, job, 4, job.Args, func(_ context.Context, i int, sku string) error {
			quantities[i] = 10 * len(sku)
			return nil
		})
		return quantities, err
	}
	q := queue.New[[]string, []int](memory.New(memory.Options{}), "whatif")
	w := worker.New(q, optimiseAll)
	fmt.Println(worker.Work(context.Background(), w, &queue.Job[[]string]{Args: []string{"22423", "85123A"}}))
	// Output: [50 60] <nil>
}

// The probes of an orchestrator.
func ExampleProbes() {
	q := queue.New[Settings, Plan](memory.New(memory.Options{}), "whatif")
	w := worker.New(q, optimise)
	mux := http.NewServeMux()
	mux.Handle("/healthz/", worker.Probes(w))

	for _, path := range []string{"/healthz/live", "/healthz/ready"} {
		rec := httptest.NewRecorder()
		mux.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
		fmt.Print(rec.Code, " ", rec.Body)
	}
	// Output:
	// 200 idle
	// 503 idle
}
