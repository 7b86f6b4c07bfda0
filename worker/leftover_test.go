package worker_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// TestContextOfAHandlerStaysEnded: what a handler leaves running looks at its context
// after it has returned, while the write-back has one of its own.
func TestContextOfAHandlerStaysEnded(t *testing.T) {
	store := memory.New(memory.Options{})
	defer store.Close()
	q := queue.New[int, int](store, "leftovers")
	alive, written := make(chan bool, 1), make(chan struct{})
	w := worker.New(q, func(ctx context.Context, _ *queue.Job[int]) (int, error) {
		go func() {
			<-ctx.Done()
			for range 100 {
				if ctx.Err() == nil {
					alive <- true
					return
				}
				time.Sleep(time.Millisecond)
			}
			alive <- false
		}()
		return 1, nil
	})
	w.Logger = slog.New(slog.DiscardHandler)
	w.AfterSuccess = func(context.Context, *queue.Job[int], int) error {
		time.Sleep(50 * time.Millisecond)
		close(written)
		return nil
	}
	ctx, stop := context.WithCancel(t.Context())
	over := make(chan error)
	go func() { over <- w.Run(ctx) }()
	if _, err := q.Enqueue(ctx, 1); err != nil {
		t.Fatal(err)
	}
	<-written
	if <-alive {
		t.Error("the context of a handler that has returned came to life again")
	}
	stop()
	if err := <-over; err != nil {
		t.Error(err)
	}
}
