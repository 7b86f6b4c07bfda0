package stories_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result"
	"github.com/leat-go/leat/worker"
)

var (
	errNoSuchSKU = errors.New("no such SKU")
	errBusy      = errors.New("the solver is busy")
)

func solve(_ context.Context, s Settings) (Plan, error) {
	if s.SKU == "22423" {
		return Plan{ReorderPoint: 12, OrderQuantity: 40}, nil
	}
	return Plan{}, errNoSuchSKU
}

// What a handler returns decides what becomes of its job; what was given up is
// listed, and gets another life.
func Example_verdict() {
	ctx, stop := context.WithCancel(context.Background())
	b := memory.New(memory.Options{})
	defer b.Close()
	q := queue.New[Settings, Plan](b, "whatif")

	optimise := func(ctx context.Context, job *queue.Job[Settings]) (Plan, error) {
		plan, err := solve(ctx, job.Args)
		switch {
		case errors.Is(err, errNoSuchSKU):
			return plan, worker.Permanent(err) // a dead letter at once
		case errors.Is(err, errBusy):
			return plan, worker.RetryAfter(time.Minute, err) // no backoff of ours
		}
		return plan, err // nil: the plan is stored. Else again with backoff, after five attempts a dead letter
	}

	w := worker.New(q, optimise)
	w.Logger = slog.New(slog.DiscardHandler)
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	t, err := q.Enqueue(ctx, Settings{"zeta", "?"})
	if err == nil {
		_, err = result.Wait(ctx, q, t.Ref)
	}
	fmt.Println(err != nil)
	stop()
	fmt.Println(<-done, redrive(context.Background(), q))
	// Output:
	// true
	// ? permanent error [attempt 1: no such SKU]
	// <nil> <nil>
}

func redrive(ctx context.Context, q *queue.Queue[Settings, Plan]) error {
	for letter, err := range q.DeadLetters(ctx) {
		if err != nil {
			return err
		}
		args, err := q.Args(ctx, letter)
		if err == nil {
			fmt.Println(args.SKU, letter.Reason, letter.Failures)
			err = q.Redrive(ctx, letter) // another life
		}
		if err != nil {
			return err
		}
	}
	return nil
}
