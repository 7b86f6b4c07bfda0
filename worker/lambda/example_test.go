package lambda_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/broker/sqs"
	"github.com/leat-go/leat/backends/broker/sqs/sqstest"
	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
	"github.com/leat-go/leat/worker/lambda"
	"github.com/leat-go/leat/worker/lambda/lambdatest"
)

type Settings struct{ SKU string }

type Plan struct{ OrderQuantity int }

func optimise(_ context.Context, job *queue.Job[Settings]) (Plan, error) {
	if job.Args.SKU == "" {
		return Plan{}, worker.RetryAfter(time.Minute, fmt.Errorf("no SKU"))
	}
	return Plan{40}, nil
}

// A function is made once, at its cold start, and then invoked with events. In a
// program lambda.Start(h) is its last line; here a queue in the process brings one.
func ExampleHandler() {
	ctx := context.Background()
	server, records := sqstest.New(), backendtest.NewShelf() // SQS and DynamoDB, in the cloud
	client, url := server.Client(), server.Queue("whatif", nil)
	slog.SetLogLoggerLevel(slog.LevelError)

	tr, _ := sqs.New(ctx, client, url, sqs.Options{})
	trigger := lambda.NewTrigger(tr)
	q := queue.New[Settings, Plan](broker.New(trigger, records, broker.Options{}), "whatif")
	defer q.Close()
	h := lambda.New(trigger, worker.New(q, optimise))
	h.Report = true // the mapping has ReportBatchItemFailures

	q.Enqueue(ctx, Settings{"22423"})
	q.Enqueue(ctx, Settings{})
	mapping := lambdatest.Source{Client: client, Queue: url, Reports: true}
	event, _ := mapping.Next(ctx)

	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	answer, err := h.Invoke(ctx, event)
	fmt.Println(len(event.Records), "messages,", len(answer.BatchItemFailures), "must come again,", err)
	// Output: 2 messages, 1 must come again, <nil>
}

// A function that a schedule starts empties a queue, on any Backend:
// awslambda.Start(func(ctx context.Context) (lambda.Summary, error) { … }).
func ExampleDrain() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // Lambda's
	defer cancel()
	store := memory.New(memory.Options{})
	defer store.Close()
	q := queue.New[Settings, Plan](store, "whatif")
	for range 3 {
		q.Enqueue(ctx, Settings{"22423"})
	}

	d := lambda.Drain{Worker: worker.New(q, optimise), Idle: 10 * time.Millisecond}
	done, err := d.Invoke(ctx)
	fmt.Println(done.Succeeded, done.Empty, err)
	// Output: 3 true <nil>
}
