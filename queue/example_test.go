package queue_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/queue"
)

type Settings struct{ Partner, SKU string }

type Plan struct{ ReorderPoint, OrderQuantity int }

func ExampleQueue_Enqueue() {
	ctx := context.Background()
	q, err := queue.Open[Settings, Plan](ctx, "memory://?queue=whatif")
	if err != nil {
		panic(err)
	}
	defer q.Close()

	t, err := q.Enqueue(ctx, Settings{"zeta", "22423"}, queue.Tenant("zeta"), queue.Expiry(time.Hour))
	if err != nil {
		panic(err)
	}
	stats, err := q.Stats(ctx)
	fmt.Println(t.Tenant, len(t.ID), stats.Queued, err)
	// Output: zeta 36 1 <nil>
}

// A request that is repeated is one job; the same key with other args is a mistake.
func ExampleKey() {
	ctx := context.Background()
	q := queue.New[Settings, Plan](memory.New(memory.Options{}), "whatif")

	first, _ := q.Enqueue(ctx, Settings{"zeta", "22423"}, queue.Key("req-42"))
	again, err := q.Enqueue(ctx, Settings{"zeta", "22423"}, queue.Key("req-42"))
	fmt.Println(again.Ref == first.Ref, again.Duplicate, err)

	_, err = q.Enqueue(ctx, Settings{"zeta", "85123A"}, queue.Key("req-42"))
	fmt.Println(errors.Is(err, queue.ErrKeyReused))
	// Output:
	// true true <nil>
	// true
}

// Only the newest job of a screen matters.
func ExampleSupersede() {
	ctx := context.Background()
	q := queue.New[Settings, Plan](memory.New(memory.Options{}), "whatif")
	screen := queue.Supersede("zeta/screen-9")
	for _, sku := range []string{"22423", "85123A", "47566"} {
		if _, err := q.Enqueue(ctx, Settings{"zeta", sku}, screen); err != nil {
			panic(err)
		}
	}
	for r, err := range q.Jobs(ctx, queue.Filter{}) {
		if err != nil {
			panic(err)
		}
		args, _ := q.Args(ctx, r)
		fmt.Println(args.SKU, r.State)
	}
	// Output:
	// 22423 superseded
	// 85123A superseded
	// 47566 waiting
}

// Each item has its outcome: a refused one never fails its neighbours.
func ExampleQueue_EnqueueAll() {
	ctx := context.Background()
	q := queue.New[Settings, Plan](memory.New(memory.Options{}), "whatif")
	out, err := q.EnqueueAll(ctx, []queue.Item[Settings]{
		queue.With(Settings{"zeta", "22423"}, queue.Tenant("zeta"), queue.Priority(1)),
		queue.With(Settings{"zeta", "85123A"}, queue.Tenant("zeta"), queue.Delay(-time.Hour)),
		queue.With(Settings{"eta", "47566"}, queue.Tenant("eta")),
	})
	for i, o := range out {
		fmt.Println(i, o.Err)
	}
	fmt.Println(err)
	// Output:
	// 0 <nil>
	// 1 invalid Job.Delay: must be from 0 to 150 years
	// 2 <nil>
	// queue: enqueue: item 1: invalid Job.Delay: must be from 0 to 150 years
}

// A full queue says so at once, or lets a patient producer wait.
func ExampleWaitForRoom() {
	ctx := context.Background()
	q := queue.New[Settings, Plan](memory.New(memory.Options{}), "whatif")
	q.Backlog = 1
	_, err := q.Enqueue(ctx, Settings{"zeta", "22423"})
	fmt.Println(err)

	_, err = q.Enqueue(ctx, Settings{"zeta", "85123A"})
	fmt.Println("HTTP 429:", errors.Is(err, queue.ErrBacklogFull))

	time.AfterFunc(10*time.Millisecond, func() { q.Purge(ctx, queue.Filter{State: queue.Waiting}) })
	_, err = q.Enqueue(ctx, Settings{"zeta", "85123A"}, queue.WaitForRoom())
	fmt.Println(err)
	// Output:
	// <nil>
	// HTTP 429: true
	// <nil>
}

// Several kinds of jobs share one queue, its limits and its fair turns.
func ExampleView() {
	type Email struct{ To string }
	ctx := context.Background()
	q := queue.New[Settings, Plan](memory.New(memory.Options{}), "whatif")
	q.Backlog = 1000 // views copy the fields: set them first
	emails := queue.View[Email, queue.None](q, "email")

	if _, err := emails.Enqueue(ctx, Email{"zeta@example.org"}); err != nil {
		panic(err)
	}
	for r, err := range q.Jobs(ctx, queue.Filter{}) {
		if err != nil {
			panic(err)
		}
		email, err := emails.Args(ctx, r)
		fmt.Println(r.Queue, r.Job.Kind, email.To, err)
	}
	// Output: whatif email zeta@example.org <nil>
}

// What was given up is listed with what it was asked, and gets another life.
func ExampleQueue_Redrive() {
	ctx := context.Background()
	q := deadLetter("no such SKU")

	var letters []*queue.Record
	for r, err := range q.DeadLetters(ctx) {
		if err != nil {
			panic(err)
		}
		args, err := q.Args(ctx, r)
		fmt.Println(args.SKU, r.Reason, err)
		letters = append(letters, r)
	}
	fmt.Println(q.Redrive(ctx, letters...))
	fmt.Println(q.Redrive(ctx, letters...)) // repeated after a crash, say: done before

	stats, err := q.Stats(ctx)
	fmt.Println(stats.Queued, stats.Ended, err)
	// Output:
	// 22423 no such SKU <nil>
	// <nil>
	// <nil>
	// 1 map[] <nil>
}

// deadLetter is a queue whose worker has given up a job.
func deadLetter(why string) *queue.Queue[Settings, Plan] {
	ctx, b := context.Background(), memory.New(memory.Options{})
	q := queue.New[Settings, Plan](b, "whatif")
	if _, err := q.Enqueue(ctx, Settings{"zeta", "22423"}); err != nil {
		panic(err)
	}
	leases, err := b.Claim(ctx, backends.ClaimRequest{Queue: "whatif", Max: 1, Lease: time.Minute})
	if err != nil {
		panic(err)
	}
	_, err = b.Settle(ctx, []backends.Settlement{{
		Lease: leases[0], Verb: backends.Commit, Outcome: queue.Dead, Reason: why,
	}})
	if err != nil {
		panic(err)
	}
	return q
}
