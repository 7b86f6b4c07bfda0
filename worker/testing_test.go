package worker_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result"
	"github.com/leat-go/leat/worker"
)

// The tests of docs/testing.md, word for word.

type (
	Settings struct{ Partner, SKU string }
	Plan     struct{ ReorderPoint, OrderQuantity int }
)

func optimise(context.Context, *queue.Job[Settings]) (Plan, error) {
	return Plan{ReorderPoint: 12, OrderQuantity: 40}, nil
}

func alwaysFails(context.Context, *queue.Job[Settings]) (Plan, error) {
	return Plan{}, errors.New("no luck")
}

func TestOptimise(t *testing.T) {
	q := queue.New[Settings, Plan](memory.New(memory.Options{}), "whatif")
	w := worker.New(q, optimise)
	plan, err := worker.Work(t.Context(), w, &queue.Job[Settings]{Args: Settings{SKU: "22423"}})
	if err != nil || plan.OrderQuantity != 40 {
		t.Errorf("got %+v, %v", plan, err)
	}
}

func TestGivesUpAfterFiveAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.New[Settings, Plan](memory.New(memory.Options{}), "whatif")
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- worker.Consume(ctx, q, alwaysFails) }()

		ticket, err := q.Enqueue(ctx, Settings{SKU: "22423"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = result.Wait(ctx, q, ticket.Ref)
		var ended *result.EndedError
		if !errors.As(err, &ended) || ended.State != queue.Dead || ended.Attempts != 5 {
			t.Errorf("got %v", err)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
