package lambda_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
	"github.com/leat-go/leat/worker/lambda"
)

// drains is a queue in memory, its worker with two slots, and how long a drain took.
func drains(t *testing.T, n int, h handler, story func(t *testing.T, q *queue.Queue[int, int], d lambda.Drain)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		store := memory.New(memory.Options{})
		defer store.Close()
		q := queue.New[int, int](store, "jobs")
		for i := range n {
			if _, err := q.Enqueue(t.Context(), i); err != nil {
				t.Fatal(err)
			}
		}
		w := worker.New(q, h)
		w.Concurrency, w.Logger = 2, slog.New(slog.DiscardHandler)
		story(t, q, lambda.Drain{Worker: w})
	})
}

func in(t *testing.T, d lambda.Drain, limit time.Duration) (lambda.Summary, time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	begun := time.Now()
	out, err := d.Invoke(ctx)
	if err != nil {
		t.Error(err)
	}
	return out, time.Since(begun)
}

func TestDrainEndsWhenTheQueueIsEmpty(t *testing.T) {
	drains(t, 10, func(ctx context.Context, j *job) (int, error) {
		if j.Args == 3 {
			return 0, worker.Permanent(errBad)
		}
		if j.Args == 4 {
			return 0, worker.RetryAfter(time.Hour, errBad)
		}
		return works(ctx, j)
	}, func(t *testing.T, _ *queue.Queue[int, int], d lambda.Drain) {
		out, took := in(t, d, time.Minute)
		want := lambda.Summary{Succeeded: 8, Ended: 1, Retried: 1, Empty: true}
		if out != want || took != 6*time.Second {
			t.Errorf("%+v in %v", out, took)
		}
	})
}

// R16: near the deadline it takes no more, what runs is given back, and what had all
// the time has failed.
func TestRule_R16_DrainStopsBeforeItsDeadline(t *testing.T) {
	drains(t, 10, slow(20*time.Second), func(t *testing.T, q *queue.Queue[int, int], d lambda.Drain) {
		out, took := in(t, d, time.Minute)
		want := lambda.Summary{Succeeded: 4, Released: 2} // at 20 and 40 s; the margin is 6 s
		if out != want || took > 58*time.Second || took < 57*time.Second {
			t.Errorf("%+v in %v", out, took)
		}
		if s, err := q.Stats(t.Context()); err != nil || s.Running != 0 || s.Queued != 6 {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

func TestDrainWithoutTimeIsAnError(t *testing.T) {
	drains(t, 1, works, func(t *testing.T, _ *queue.Queue[int, int], d lambda.Drain) {
		d.Margin = time.Minute
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := d.Invoke(ctx); !errors.Is(err, queue.ErrInvalid) {
			t.Error(err)
		}
	})
}

// On SQS, without a trigger: the function receives for itself.
func TestDrainOnSQS(t *testing.T) {
	play(t, "jobs", func(s *stage) {
		s.enqueue("a", 0, 2, 4, 6)
		s.source.Wait = 1
		q := queue.New[int, int](s.backend(s.transport()), "jobs")
		w := worker.New(q, works)
		w.Logger = slog.New(slog.DiscardHandler)
		ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
		defer cancel()
		out, err := lambda.Drain{Worker: w, Idle: 5 * time.Second}.Invoke(ctx)
		if err != nil || out != (lambda.Summary{Succeeded: 4, Empty: true}) {
			s.Errorf("%+v, %v", out, err)
		}
		s.left(0)
	})
}

// A Mux drains as a Worker does.
func TestDrainOfAMux(t *testing.T) {
	drains(t, 0, works, func(t *testing.T, q *queue.Queue[int, int], d lambda.Drain) {
		other := queue.View[int, int](q, "other")
		if _, err := other.Enqueue(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		d.Worker = worker.NewMux(worker.New(q, works), worker.New(other, works))
		if out, _ := in(t, d, time.Minute); out.Succeeded != 1 || !out.Empty {
			t.Errorf("%+v", out)
		}
	})
}
