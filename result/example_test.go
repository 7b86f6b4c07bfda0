package result_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result"
)

type (
	Settings struct{ SKU string }
	Plan     struct{ ReorderPoint int }
)

// work stands for the worker: it runs one job, and says how far it is.
func work(ctx context.Context, b backends.Backend, end backends.Settlement) {
	leases, err := b.Claim(ctx, backends.ClaimRequest{Queue: "whatif", Max: 1, Lease: time.Minute})
	if err != nil {
		panic(err)
	}
	end.Lease = leases[0]
	if _, err := b.Settle(ctx, []backends.Settlement{end}); err != nil {
		panic(err)
	}
}

func ExampleWait() {
	ctx := context.Background()
	b := memory.New(memory.Options{})
	defer b.Close()
	q := queue.New[Settings, Plan](b, "whatif")
	t, err := q.Enqueue(ctx, Settings{SKU: "22423"}, queue.Tenant("zeta"))
	if err != nil {
		panic(err)
	}
	go work(ctx, b, backends.Settlement{Verb: backends.Commit, Outcome: backends.Succeeded, Result: []byte(`{"ReorderPoint":12}`)})

	plan, err := result.Wait(ctx, q, t.Ref)
	fmt.Println(plan.ReorderPoint, err)
	// Output: 12 <nil>
}

// A job that a newer one overtook names it: the caller goes on with that.
func ExampleEndedError() {
	ctx := context.Background()
	b := memory.New(memory.Options{})
	defer b.Close()
	q := queue.New[Settings, Plan](b, "whatif")
	first, _ := q.Enqueue(ctx, Settings{SKU: "22423"}, queue.Supersede("screen-9"))
	second, _ := q.Enqueue(ctx, Settings{SKU: "22424"}, queue.Supersede("screen-9"))

	_, err := result.Wait(ctx, q, first.Ref)
	ended, _ := errors.AsType[*result.EndedError](err)
	fmt.Println(ended.State, ended.SupersededBy == second.Ref)
	// Output: superseded true
}

func ExampleWatch() {
	ctx := context.Background()
	b := memory.New(memory.Options{})
	defer b.Close()
	q := queue.New[Settings, Plan](b, "whatif")
	t, _ := q.Enqueue(ctx, Settings{SKU: "22423"})

	for s, err := range result.Watch(ctx, q, t.Ref) {
		if err != nil {
			panic(err)
		}
		fmt.Println(s.Phase())
		if s.State == queue.Waiting {
			work(ctx, b, backends.Settlement{Verb: backends.Commit, Outcome: backends.Dead, Reason: "no such SKU"})
		}
	}
	// Output:
	// queued
	// dead
}
