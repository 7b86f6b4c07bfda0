package worker_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result"
	"github.com/leat-go/leat/worker"
)

// work runs one job by a handler, until it has ended.
func work(h worker.Handler[Settings, Plan]) error {
	ctx, stop := context.WithCancel(context.Background())
	q := queue.New[Settings, Plan](memory.New(memory.Options{}), "whatif")
	w := worker.New(q, h)
	w.Logger = quiet
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	ticket, _ := q.Enqueue(ctx, Settings{SKU: "22423"})
	_, err := result.Wait(ctx, q, ticket.Ref)
	stop()
	return errors.Join(err, <-done)
}

// What no attempt will change is a dead letter at once.
func ExamplePermanent() {
	err := work(func(context.Context, *queue.Job[Settings]) (Plan, error) {
		return Plan{}, worker.Permanent(errors.New("this SKU does not exist"))
	})
	var ended *result.EndedError
	fmt.Println(errors.As(err, &ended), ended.State, ended.Attempts)
	// Output: true dead 1
}

// A server that throttles says when to come back.
func ExampleRetryAfter() {
	err := work(func(ctx context.Context, job *queue.Job[Settings]) (Plan, error) {
		if job.Attempt == 1 {
			return Plan{}, worker.RetryAfter(time.Millisecond, errors.New("503 Service Unavailable"))
		}
		fmt.Println("attempt", job.Attempt)
		return optimise(ctx, job)
	})
	fmt.Println(err)
	// Output:
	// attempt 2
	// <nil>
}

// It is too early: the attempt doesn't count.
func ExampleSnooze() {
	looks := 0
	err := work(func(ctx context.Context, job *queue.Job[Settings]) (Plan, error) {
		if looks++; looks < 4 {
			return Plan{}, worker.Snooze(time.Millisecond)
		}
		fmt.Println("look", looks, "attempt", job.Attempt)
		return optimise(ctx, job)
	})
	fmt.Println(err)
	// Output:
	// look 4 attempt 1
	// <nil>
}
