package worker_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// TestRule_R6_WriteBackOfAJobThatWasOvertakenForAWhile: a job is told that a newer one
// took its place; one newer still lets it finish. Its success is written back by the
// worker that brought it, not by one that takes its lease when that has lapsed.
func TestRule_R6_WriteBackOfAJobThatWasOvertakenForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New(memory.Options{})
		defer store.Close()
		q := queue.New[string, string](store, "screens")
		var firstEnded time.Time
		var told error
		w := worker.New(q, func(ctx context.Context, j *queue.Job[string]) (string, error) {
			if j.Args == "first" {
				time.Sleep(10 * time.Second)
				told, firstEnded = context.Cause(ctx), time.Now()
			}
			return j.Args, nil
		})
		var late time.Duration
		crashes := -1
		w.AfterSuccess = func(_ context.Context, j *queue.Job[string], _ string) error {
			if j.Args == "first" {
				late, crashes = time.Since(firstEnded), j.Crashes
			}
			return nil
		}
		ctx, stop := context.WithCancel(t.Context())
		over := make(chan error)
		go func() { over <- w.Run(ctx) }()
		for _, ask := range []struct {
			args   string
			option queue.Option
		}{{"first", queue.Supersede("screen")}, {"second", queue.Supersede("screen")}, {"third", queue.Trailing("screen")}} {
			time.Sleep(3 * time.Second)
			if _, err := q.Enqueue(ctx, ask.args, ask.option); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(5 * time.Minute)
		stop()
		if err := <-over; err != nil {
			t.Error(err)
		}
		if told != queue.ErrSuperseded {
			t.Errorf("the context of the first ended with %v", told)
		}
		if crashes != 0 || late > time.Second {
			t.Errorf("the first was written back %v after its end, with %d crashes", late, crashes)
		}
	})
}
