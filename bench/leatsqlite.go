package main

import (
	"context"
	"time"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// leatURL is how users name a file.
func leatURL(path string) string { return "sqlite://" + path + "?queue=bench" }

// leatOnFile is what users touch, with all that comes by default: ended jobs keep
// their records for a day.
func leatOnFile(path string) (carrier, error) { return onFile(path, 0) }

// leatForgets keeps no records, as most peers do.
func leatForgets(path string) (carrier, error) { return onFile(path, -1) }

func onFile(path string, retention time.Duration) (carrier, error) {
	q, err := queue.Open[args, queue.None](context.Background(), leatURL(path))
	if err != nil {
		return carrier{}, err
	}
	q.Retention, q.DeadRetention = retention, retention
	return carrier{
		send: func() error {
			_, err := q.Enqueue(context.Background(), newArgs())
			return err
		},
		sendAll: func(n int) error {
			items := make([]queue.Item[args], n)
			for i := range items {
				items[i] = queue.With(newArgs())
			}
			_, err := q.EnqueueAll(context.Background(), items)
			return err
		},
		consume: func(ctx context.Context, done func(int)) error {
			w := worker.New(q, worker.NoResult(func(context.Context, *queue.Job[args]) error { done(1); return nil }))
			w.Concurrency = workers
			return w.Run(ctx)
		},
		left: func() (int, error) {
			s, err := q.Stats(context.Background())
			return s.Depth() + s.Running, err
		},
		close: func() {
			if err := q.Close(); err != nil {
				panic(err) // nobody uses it any more
			}
		},
	}, nil
}
