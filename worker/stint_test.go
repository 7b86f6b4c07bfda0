package worker_test

import (
	"context"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/internal/seam"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// orInterrupted takes so long, or ends with its context.
func orInterrupted(d time.Duration) handler {
	return func(ctx context.Context, job *queue.Job[ask]) (int, error) {
		select {
		case <-time.After(d):
			return job.Args.N, nil
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}

// A stint ends when there was nothing to do for long enough, and tells what was settled.
func TestStintEndsWhenItIsIdle(t *testing.T) {
	play(t, func(s *scene) {
		s.enqueueAll(3)
		var told []backends.Settlement
		begun := time.Now()
		err := s.worker(orInterrupted(time.Second)).RunStint(s.Context(), seam.Key{}, seam.Stint{
			Idle: 5 * time.Second, Kill: time.Second, Last: time.Second,
			Settled: func(w backends.Settlement, _ error) { told = append(told, w) },
		})
		match(s, err, nil)
		if d := time.Since(begun); d != 8*time.Second || len(told) != 3 {
			t.Errorf("ended after %v, told of %d settlements", d, len(told))
		}
	})
}

func TestStintGoesOnWhileThereWillBeMore(t *testing.T) {
	play(t, func(s *scene) {
		begun := time.Now()
		err := s.worker(answer).RunStint(s.Context(), seam.Key{}, seam.Stint{
			Idle: time.Second, Empty: func() bool { return time.Since(begun) > time.Minute },
		})
		match(s, err, nil)
		if d := time.Since(begun); d < time.Minute || d > time.Minute+2*time.Second {
			t.Errorf("ended after %v", d)
		}
	})
}

// At its end what had all the time has failed; what began late is given back.
func TestStintTellsTheSlowFromTheLate(t *testing.T) {
	play(t, func(s *scene) {
		refs := s.enqueueAll(2)
		w := s.worker(orInterrupted(time.Minute))
		now := time.Now()
		stint := seam.Stint{End: now.Add(10 * time.Second), Grace: time.Second, Kill: time.Second, Last: time.Second, Whole: now.Add(time.Second)}
		late := make(chan queue.Ref, 1)
		go func() {
			time.Sleep(5 * time.Second)
			late <- s.enqueue(9)
		}()
		w.Concurrency = 3
		match(s, w.RunStint(s.Context(), seam.Key{}, stint), nil)
		if d := time.Since(now); d != 10*time.Second {
			t.Errorf("ended after %v", d)
		}
		s.expect(refs[0], queue.Waiting, 1)
		s.expect(refs[1], queue.Waiting, 1)
		s.expect(<-late, queue.Waiting, 0)
	})
}

// Stints of one worker may run at a time, and beside its Run.
func TestStintsRunSideBySide(t *testing.T) {
	play(t, func(s *scene) {
		w := s.worker(answer)
		s.start(w)
		stint := seam.Stint{Idle: time.Second}
		done := make(chan error, 1)
		go func() { done <- w.RunStint(s.Context(), seam.Key{}, stint) }()
		match(s, w.RunStint(s.Context(), seam.Key{}, stint), nil)
		match(s, <-done, nil)
		if p := w.Health().Phase; p != worker.Working {
			t.Errorf("its own run is %s", p)
		}
	})
}
