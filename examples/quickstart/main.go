package main

import (
	"context"
	"fmt"
	"log"

	_ "github.com/leat-go/leat/backends/memory" // opens memory://
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result"
	"github.com/leat-go/leat/worker"
)

type (
	Settings struct{ Partner, SKU string }
	Plan     struct{ ReorderPoint, OrderQuantity int }
)

func optimise(ctx context.Context, job *queue.Job[Settings]) (Plan, error) {
	return Plan{ReorderPoint: 12, OrderQuantity: 40}, nil // your hour of computation
}

func main() {
	ctx, stop := context.WithCancel(context.Background())
	q, err := queue.Open[Settings, Plan](ctx, "memory://?queue=whatif")
	if err != nil {
		log.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- worker.Consume(ctx, q, optimise) }() // here, or in another process

	t, err := q.Enqueue(ctx, Settings{"zeta", "22423"}, queue.Tenant("zeta"), queue.Key("request 42"))
	if err != nil {
		log.Fatal(err)
	}
	plan, err := result.Wait(ctx, q, t.Ref)
	fmt.Printf("%+v %v\n", plan, err)

	stop() // handlers finish, the rest goes back to the queue
	fmt.Println(<-done, q.Close())
}
