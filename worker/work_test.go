package worker_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// What a pool would do to a job, Work does to it, so that a test finds it.

type secretive struct {
	Open   string
	hidden string
	Skip   string `json:"-"`
	Map    map[string]int
}

// desk is a worker for Work: the store is never touched.
func desk[T, R any](h worker.Handler[T, R]) *worker.Worker[T, R] {
	return worker.New(queue.New[T, R](memory.New(memory.Options{}), "desk"), h)
}

func TestWorkCarriesArgsAndResultAsBytes(t *testing.T) {
	args := secretive{"open", "hidden", "skip", map[string]int{"a": 1}}
	w := desk(func(_ context.Context, job *queue.Job[secretive]) (secretive, error) {
		if job.Args.Open != "open" || job.Args.hidden != "" || job.Args.Skip != "" {
			t.Errorf("args %+v: the codec carries only what is exported", job.Args)
		}
		job.Args.Map["b"] = 2
		return job.Args, nil
	})
	got, err := worker.Work(t.Context(), w, &queue.Job[secretive]{Args: args, Tenant: "zeta", Attempt: 3})
	if err != nil || got.Open != "open" || got.Map["b"] != 2 {
		t.Errorf("got %+v, %v", got, err)
	}
	if len(args.Map) != 1 {
		t.Errorf("the caller's args have changed: %v", args.Map)
	}
}

func TestWorkSaysWhatAPoolWould(t *testing.T) {
	play(t, func(s *scene) {
		for name, c := range map[string]struct {
			h    handler
			want func(err error) bool
		}{
			"error":      {func(context.Context, *queue.Job[ask]) (int, error) { return 1, errSad }, func(err error) bool { return err == errSad }},
			"permanent":  {func(context.Context, *queue.Job[ask]) (int, error) { return 1, worker.Permanent(errSad) }, isA[*worker.PermanentError]},
			"snooze":     {func(context.Context, *queue.Job[ask]) (int, error) { return 1, worker.Snooze(1) }, isA[*worker.SnoozeError]},
			"panic":      {func(context.Context, *queue.Job[ask]) (int, error) { panic("oh") }, isA[*worker.PanicError]},
			"no handler": {nil, isA[*queue.InvalidError]},
			"run limit":  {untilDone, func(err error) bool { return errors.Is(err, worker.ErrRunLimit) }},
		} {
			got, err := worker.Work(s.Context(), s.worker(c.h), &queue.Job[ask]{})
			if got != 0 || !c.want(err) {
				t.Errorf("%s: got %d, %v", name, got, err)
			}
		}
		_, err := worker.Work(s.Context(), s.worker(untilDone), &queue.Job[ask]{Deadline: time.Now().Add(time.Second)})
		match(s, err, worker.ErrDeadline)
	})
}

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// untilDone returns when its context ends, and why.
func untilDone(ctx context.Context, _ *queue.Job[ask]) (int, error) {
	<-ctx.Done()
	return 0, context.Cause(ctx)
}

func TestWorkEndsWithItsContext(t *testing.T) {
	play(t, func(s *scene) {
		ctx, cancel := context.WithCancelCause(s.Context())
		done := make(chan error)
		go func() {
			_, err := worker.Work(ctx, s.worker(untilDone), &queue.Job[ask]{})
			done <- err
		}()
		synctest.Wait()
		cancel(errSad)
		match(s, <-done, errSad)
	})
}

func TestWorkFindsWhatCannotBeEncoded(t *testing.T) {
	w := desk(func(context.Context, *queue.Job[ask]) (chan int, error) { return nil, nil })
	if _, err := worker.Work(t.Context(), w, &queue.Job[ask]{}); err == nil || !strings.Contains(err.Error(), "worker: result: ") {
		t.Errorf("a channel as a result: %v", err)
	}
	v := desk(func(context.Context, *queue.Job[chan int]) (int, error) { return 0, nil })
	if _, err := worker.Work(t.Context(), v, &queue.Job[chan int]{}); err == nil || !strings.Contains(err.Error(), "worker: args: ") {
		t.Errorf("a channel in args: %v", err)
	}
	m := desk(func(context.Context, *queue.Job[ask]) (moody, error) { return moody{"worse"}, nil })
	if _, err := worker.Work(t.Context(), m, &queue.Job[ask]{}); !isA[*worker.PanicError](err) {
		t.Errorf("a MarshalJSON that panics: %v", err)
	}
}
