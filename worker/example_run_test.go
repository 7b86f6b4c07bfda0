package worker_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result"
	"github.com/leat-go/leat/worker"
)

// A worker runs until its context ends; then it drains.
func ExampleRun() {
	ctx, stop := context.WithCancel(context.Background()) // signal.NotifyContext, in a program
	q := queue.New[Settings, Plan](memory.New(memory.Options{}), "whatif")
	w := worker.New(q, optimise)
	w.Concurrency = 16
	done := make(chan error)
	go func() { done <- worker.Run(ctx, w) }()

	ticket, _ := q.Enqueue(ctx, Settings{Partner: "zeta", SKU: "22423"})
	fmt.Println(result.Wait(ctx, q, ticket.Ref))

	stop()
	fmt.Println(<-done)
	// Output:
	// {12 40} <nil>
	// <nil>
}

func ExampleConsume() {
	ctx, stop := context.WithCancel(context.Background())
	q := queue.New[string, queue.None](memory.New(memory.Options{}), "greetings")
	q.Enqueue(ctx, "world")
	err := worker.Consume(ctx, q, worker.NoResult(func(_ context.Context, job *queue.Job[string]) error {
		fmt.Println("hello,", job.Args)
		stop()
		return nil
	}))
	fmt.Println(err)
	// Output:
	// hello, world
	// <nil>
}

type (
	Email  struct{ To string }
	Report struct{ Month string }
)

// Several kinds of jobs share one queue and one pool.
func ExampleNewMux() {
	ctx, stop := context.WithCancel(context.Background())
	q := queue.New[queue.None, queue.None](memory.New(memory.Options{}), "chores")
	emails := queue.View[Email, queue.None](q, "email")
	reports := queue.View[Report, int](q, "report")

	m := worker.NewMux(
		worker.New(emails, worker.NoResult(func(_ context.Context, job *queue.Job[Email]) error {
			fmt.Println("mail to", job.Args.To)
			return nil
		})),
		worker.New(reports, func(context.Context, *queue.Job[Report]) (int, error) { return 31, nil }),
	)
	m.Concurrency = 16
	done := make(chan error)
	go func() { done <- worker.Run(ctx, m) }()

	email, _ := emails.Enqueue(ctx, Email{"zeta"})
	result.Wait(ctx, emails, email.Ref)
	report, _ := reports.Enqueue(ctx, Report{"May"})
	pages, err := result.Wait(ctx, reports, report.Ref)
	fmt.Println(pages, "pages", err)

	stop()
	fmt.Println(<-done)
	// Output:
	// mail to zeta
	// 31 pages <nil>
	// <nil>
}

// A write-back follows a success that is stored, until it returns nil.
func ExampleWorker_afterSuccess() {
	ctx, stop := context.WithCancel(context.Background())
	q := queue.New[Settings, Plan](memory.New(memory.Options{}), "whatif")
	w := worker.New(q, optimise)
	w.AfterSuccess = func(_ context.Context, job *queue.Job[Settings], plan Plan) error {
		fmt.Println("for the next daily run:", job.Args.SKU, plan.OrderQuantity)
		stop()
		return nil
	}
	q.Enqueue(ctx, Settings{SKU: "22423"})
	fmt.Println(w.Run(ctx))
	// Output:
	// for the next daily run: 22423 40
	// <nil>
}

// Middleware is a func from handler to handler.
func ExampleHandler_middleware() {
	logged := func(next worker.Handler[Settings, Plan]) worker.Handler[Settings, Plan] {
		return func(ctx context.Context, job *queue.Job[Settings]) (Plan, error) {
			plan, err := next(ctx, job)
			fmt.Printf("attempt %d of %s: %v\n", job.Attempt, job.Tenant, err)
			return plan, err
		}
	}
	q := queue.New[Settings, Plan](memory.New(memory.Options{}), "whatif")
	w := worker.New(q, logged(optimise))
	plan, err := worker.Work(context.Background(), w, &queue.Job[Settings]{Tenant: "zeta", Attempt: 1})
	fmt.Println(plan, err)
	// Output:
	// attempt 1 of zeta: <nil>
	// {12 40} <nil>
}

// Work runs one job as a pool would: a test of a handler needs no more.
func ExampleWork() {
	q := queue.New[Settings, Plan](memory.New(memory.Options{}), "whatif")
	w := worker.New(q, func(ctx context.Context, job *queue.Job[Settings]) (Plan, error) {
		if job.Args.SKU == "" {
			return Plan{}, worker.Permanent(errors.New("no SKU"))
		}
		return optimise(ctx, job)
	})
	fmt.Println(worker.Work(context.Background(), w, &queue.Job[Settings]{Args: Settings{SKU: "22423"}}))
	_, err := worker.Work(context.Background(), w, &queue.Job[Settings]{})
	_, permanent := errors.AsType[*worker.PermanentError](err)
	fmt.Println(err, permanent)
	// Output:
	// {12 40} <nil>
	// no SKU true
}
