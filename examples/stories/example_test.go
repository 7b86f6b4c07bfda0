package stories_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result"
	"github.com/leat-go/leat/result/endpoint"
	"github.com/leat-go/leat/worker"
)

type (
	Settings struct{ Partner, SKU string }
	Plan     struct{ ReorderPoint, OrderQuantity int }
)

func optimise(context.Context, *queue.Job[Settings]) (Plan, error) {
	return Plan{ReorderPoint: 12, OrderQuantity: 40}, nil
}

// Only the newest what-if of a screen counts.
func Example_whatIf() {
	ctx := context.Background()
	b := memory.New(memory.Options{})
	defer b.Close()
	q := queue.New[Settings, Plan](b, "whatif")

	enqueue := func() (queue.Ticket, error) {
		t, err := q.Enqueue(ctx, Settings{"zeta", "22423"}, queue.Tenant("zeta"), queue.Supersede("screen 9"))
		return t, err
	}
	older, _ := enqueue()
	_, _ = enqueue()
	_, err := result.Get(ctx, q, older.Ref)
	fmt.Println(strings.Contains(err.Error(), "superseded"))
	// Output: true
}

type basket struct{ SKUs []string }

func plan(context.Context, string) Plan { return Plan{12, 40} }

// Many SKUs in parallel, inside one job.
func Example_each() {
	optimise := func(ctx context.Context, job *queue.Job[basket]) ([]Plan, error) {
		plans := make([]Plan, len(job.Args.SKUs))
		err := worker.Each(ctx, job, 8, job.Args.SKUs, func(ctx context.Context, i int, sku string) error {
			plans[i] = plan(ctx, sku)
			return ctx.Err()
		})
		return plans, err
	}
	plans, err := optimise(context.Background(), &queue.Job[basket]{Args: basket{[]string{"22423", "85123A", "47566"}}})
	fmt.Println(len(plans), err)
	// Output: 3 <nil>
}

type store chan Plan

func (s store) Write(_ context.Context, _ Settings, p Plan) error {
	s <- p
	return nil
}

// What was accepted is written back after the result was stored.
func Example_writeBack() {
	ctx, stop := context.WithCancel(context.Background())
	b := memory.New(memory.Options{})
	defer b.Close()
	q := queue.New[Settings, Plan](b, "whatif")
	w := worker.New(q, optimise)
	offlineStore := make(store, 1)

	w.AfterSuccess = func(ctx context.Context, job *queue.Job[Settings], plan Plan) error {
		return offlineStore.Write(ctx, job.Args, plan) // at least once: job.ID and job.Order make it idempotent
	}

	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	_, err := q.Enqueue(ctx, Settings{"zeta", "22423"})
	fmt.Println(<-offlineStore, err)
	stop()
	fmt.Println(<-done)
	// Output:
	// {12 40} <nil>
	// <nil>
}

// A small database is drained at the rate that it bears.
func Example_protect() {
	ctx := context.Background()
	b := memory.New(memory.Options{})
	defer b.Close()
	q := queue.New[Settings, Plan](b, "orders")

	q.Backlog = 10_000                                    // then ErrBacklogFull, or WaitForRoom waits
	q.Cap = queue.Cap{Rate: 50, InFlight: 8}              // of the whole queue, whoever works
	q.Tenant = queue.Tenancy{Cap: queue.Cap{InFlight: 2}} // of each tenant
	_, err := q.Enqueue(ctx, Settings{"zeta", "22423"}, queue.Key("order 1234"), queue.WaitForRoom())
	again, _ := q.Enqueue(ctx, Settings{"zeta", "22423"}, queue.Key("order 1234"))
	fmt.Println(err, again.Duplicate)
	// Output: <nil> true
}

func tenantOf(*http.Request) string { return "zeta" }

// 202 now, the result later.
func Example_decoupled() {
	b := memory.New(memory.Options{})
	defer b.Close()
	q := queue.New[Settings, Plan](b, "whatif")
	mux := http.NewServeMux()

	jobs := endpoint.New(q)
	jobs.Authorize = func(r *http.Request) (tenant string, err error) { return tenantOf(r), nil } // without it: 403 for everybody
	mux.Handle("/jobs", jobs)
	mux.Handle("/jobs/", jobs)

	r := httptest.NewRequest("POST", "/jobs", strings.NewReader(`{"Partner":"zeta","SKU":"22423"}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code, strings.HasPrefix(w.Header().Get("Location"), "/jobs/"))
	// Output: 202 true
}
