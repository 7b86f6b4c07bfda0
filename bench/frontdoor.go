package main

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// plan is a small result.
type plan struct{ ReorderPoint, OrderQuantity int }

// leat is what users touch: a typed queue, and a worker whose handler does nothing.
// Retention negative is no records.
func leat(retention time.Duration) open {
	return frontDoor(retention, worker.NoResult(func(context.Context, *queue.Job[args]) error { return nil }))
}

// leatResult is the same with a result, which the record keeps.
func leatResult(retention time.Duration) open {
	return frontDoor(retention, func(context.Context, *queue.Job[args]) (plan, error) { return plan{12, 40}, nil })
}

func frontDoor[R any](retention time.Duration, handle worker.Handler[args, R]) open {
	return func(int) (carrier, error) {
		b := &counted{Backend: memory.New(memory.Options{})}
		q := queue.New[args, R](b, "bench")
		q.Retention, q.DeadRetention = retention, retention
		var whose []queue.Option
		for _, name := range tenantNames(10) {
			whose = append(whose, queue.Tenant(name))
		}
		var turn atomic.Uint64
		return carrier{
			send: func() error {
				_, err := q.Enqueue(context.Background(), newArgs(), whose[turn.Add(1)%uint64(len(whose))])
				return err
			},
			consume: func(ctx context.Context, done func(int)) error {
				b.done = done
				w := worker.New(q, handle)
				w.Concurrency = workers
				return w.Run(ctx)
			},
			close: func() { b.Close() },
		}, nil
	}
}

// counted tells how many jobs the store has taken back.
type counted struct {
	backends.Backend
	done func(jobs int)
}

func (c *counted) Unwrap() backends.Backend { return c.Backend }

func (c *counted) Settle(ctx context.Context, ss []backends.Settlement) ([]error, error) {
	errs, err := c.Backend.Settle(ctx, ss)
	if err == nil {
		c.done(len(ss))
	}
	return errs, err
}
