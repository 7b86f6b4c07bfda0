package worker_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// ending is what a handler sees of the end of its context.
type ending struct {
	after time.Duration
	err   error
	cause error
	ahead time.Duration // of the deadline that it was told, at its start
}

// watchEnd is a handler that notes how its context ends.
func watchEnd(out *[]ending) handler {
	return func(ctx context.Context, _ *queue.Job[ask]) (int, error) {
		begun := time.Now()
		end, ok := ctx.Deadline()
		if !ok {
			return 0, worker.Permanent(errors.New("no deadline"))
		}
		<-ctx.Done()
		*out = append(*out, ending{time.Since(begun), ctx.Err(), context.Cause(ctx), end.Sub(begun)})
		return 0, ctx.Err()
	}
}

func (e ending) is(t *testing.T, after time.Duration, err, cause error) {
	t.Helper()
	if e.after != after || e.err != err || e.cause != cause || e.ahead != after {
		t.Errorf("it ended after %v (%v were told) with %v, because %v; want %v, %v, %v", e.after, e.ahead, e.err, e.cause, after, err, cause)
	}
}

func TestRule_R8_RunLimitEndsTheHandlersContext(t *testing.T) {
	play(t, func(s *scene) {
		var ends []ending
		w := s.worker(watchEnd(&ends))
		w.RunLimit = time.Minute
		s.start(w)
		ref := s.enqueue(1, queue.MaxAttempts(2))
		pass(time.Hour)
		if len(ends) != 2 {
			s.Fatalf("it ran %d times", len(ends))
		}
		for _, e := range ends {
			e.is(t, time.Minute, context.DeadlineExceeded, worker.ErrRunLimit)
		}
		r := s.expect(ref, queue.Dead, 2)
		if want := "worker: the run limit was reached: context deadline exceeded"; r.Failures[0].Text != want {
			t.Errorf("failure %q", r.Failures[0].Text)
		}
	})
}

func TestRule_R8_JobsOwnRunLimitGoesFirst(t *testing.T) {
	for name, limit := range map[string]time.Duration{"shorter": time.Second, "longer": 2 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *scene) {
				var ends []ending
				w := s.worker(watchEnd(&ends))
				w.RunLimit = time.Minute
				s.start(w)
				s.enqueue(1, queue.MaxAttempts(1), queue.RunLimit(limit))
				pass(3 * time.Hour)
				ends[0].is(t, limit, context.DeadlineExceeded, worker.ErrRunLimit)
			})
		})
	}
}

// Many limits, one timer: each context ends at its own time.
func TestRule_R8_EachHandlerEndsAtItsOwnTime(t *testing.T) {
	play(t, func(s *scene) {
		var ends []ending
		w := s.worker(watchEnd(&ends))
		w.Concurrency = 10
		s.start(w)
		for _, n := range []time.Duration{9, 3, 7, 1, 5} {
			s.enqueue(int(n), queue.MaxAttempts(1), queue.RunLimit(n*time.Minute))
			pass(time.Second)
		}
		pass(time.Hour)
		for i, n := range []time.Duration{1, 3, 5, 7, 9} {
			ends[i].is(t, n*time.Minute, context.DeadlineExceeded, worker.ErrRunLimit)
		}
	})
}

func TestJobsDeadlineEndsItExpired(t *testing.T) {
	play(t, func(s *scene) {
		var ends []ending
		s.work(watchEnd(&ends))
		ref := s.enqueue(1, queue.Expiry(time.Minute))
		pass(time.Hour)
		ends[0].is(t, time.Minute, context.DeadlineExceeded, worker.ErrDeadline)
		r := s.expect(ref, queue.Expired, 1)
		if r.Reason == "" {
			t.Error("no reason")
		}
	})
}

// A result that comes late is a result: a passed deadline refuses no commit.
func TestResultAfterTheDeadlineCounts(t *testing.T) {
	play(t, func(s *scene) {
		s.work(func(ctx context.Context, job *queue.Job[ask]) (int, error) {
			<-ctx.Done()
			return answer(ctx, job)
		})
		ref := s.enqueue(21, queue.Expiry(time.Minute))
		pass(time.Hour)
		s.expectAnswer(ref, 42)
	})
}

func TestAttemptsAreTheJobsOwnOrTheQueues(t *testing.T) {
	play(t, func(s *scene) {
		s.q.MaxAttempts = 2
		s.work(func(context.Context, *queue.Job[ask]) (int, error) { return 0, errSad })
		queues, own := s.enqueue(1), s.enqueue(2, queue.MaxAttempts(4))
		pass(time.Hour)
		s.expect(queues, queue.Dead, 2)
		s.expect(own, queue.Dead, 4)
	})
}

// What a handler derives from its context ends with it, with the same cause.
func TestDerivedContextsEndToo(t *testing.T) {
	play(t, func(s *scene) {
		type key struct{}
		var causes []error
		w := s.worker(func(ctx context.Context, _ *queue.Job[ask]) (int, error) {
			child, cancel := context.WithTimeout(context.WithValue(ctx, key{}, 1), time.Hour)
			defer cancel()
			stopped := make(chan struct{})
			context.AfterFunc(ctx, func() { close(stopped) })
			<-child.Done()
			<-stopped
			causes = append(causes, context.Cause(child))
			return 0, child.Err()
		})
		w.RunLimit = time.Minute
		s.start(w)
		s.enqueue(1, queue.MaxAttempts(1))
		pass(2 * time.Minute)
		if len(causes) != 1 || causes[0] != worker.ErrRunLimit {
			t.Errorf("causes %v", causes)
		}
	})
}

// The values of Run's context are the handler's; its end is not.
func TestHandlersContextOutlivesRuns(t *testing.T) {
	play(t, func(s *scene) {
		type key struct{}
		ctx, stop := context.WithCancel(context.WithValue(s.Context(), key{}, "value"))
		var got any
		sh := s.startIn(ctx, stop, s.worker(func(ctx context.Context, job *queue.Job[ask]) (int, error) {
			got = ctx.Value(key{})
			pass := time.After(time.Second)
			select {
			case <-ctx.Done():
				return 0, context.Cause(ctx)
			case <-pass:
				return answer(ctx, job)
			}
		}))
		ref := s.enqueue(1)
		pass(time.Millisecond)
		sh.clean()
		s.expectAnswer(ref, 2)
		if got != "value" {
			t.Errorf("value %v", got)
		}
	})
}

// A handler that outlasts limit and grace holds its slot, and its job runs
// elsewhere. What it returns at last is refused.
func TestRule_R8_StuckHandlersJobRunsElsewhere(t *testing.T) {
	play(t, func(s *scene) {
		free, freed := make(chan struct{}), false
		stuck := s.worker(func(ctx context.Context, job *queue.Job[ask]) (int, error) {
			if freed {
				return answer(ctx, job)
			}
			<-free // it ignores its context
			if freed = true; context.Cause(ctx) != worker.ErrRunLimit {
				t.Errorf("cause %v", context.Cause(ctx))
			}
			return -1, nil
		})
		stuck.RunLimit, stuck.Grace, stuck.Lease = time.Minute, 10*time.Second, 6*time.Second
		s.start(stuck)
		ref := s.enqueue(21)
		pass(69 * time.Second)
		s.expect(ref, queue.Running, 1)
		s.problem(stuck, "don't return", false)

		other := s.work(answer)
		pass(2 * time.Second) // the grace is over, the lease is not
		s.expect(ref, queue.Running, 1)
		s.problem(stuck, "1 handlers don't return", true)
		if h := stuck.Health(); h.Live() || h.Ready() || h.Busy != 1 || len(h.Stuck) != 1 || h.Stuck[0] != ref {
			t.Errorf("health %+v", h)
		}
		pass(6 * time.Second)
		s.expectAnswer(ref, 42)
		if r := s.expect(ref, queue.Succeeded, 2); r.Token != 2 {
			t.Errorf("token %d", r.Token)
		}

		close(free)
		pass(time.Second)
		s.expectAnswer(ref, 42)
		if h := stuck.Health(); !freed || !h.Live() || !h.Ready() || h.Busy != 0 {
			t.Errorf("freed: %v, health %+v", freed, h)
		}
		other.clean()
		next := s.enqueue(1) // the slot works again
		pass(time.Minute)
		s.expectAnswer(next, 2)
	})
}

// A handler that is late, but not replaced, is heard: no newer claim exists.
func TestRule_R5_LateHandlerIsHeardIfNobodyTookItsJob(t *testing.T) {
	play(t, func(s *scene) {
		w := s.worker(func(ctx context.Context, job *queue.Job[ask]) (int, error) {
			time.Sleep(10 * time.Minute)
			return answer(ctx, job)
		})
		w.RunLimit, w.Grace = time.Minute, time.Second
		s.start(w)
		ref := s.enqueue(21)
		pass(time.Hour)
		s.expectAnswer(ref, 42)
		s.expect(ref, queue.Succeeded, 1)
		s.problem(w, "don't return", false)
	})
}

func TestRunLimitsOfNothingAndOfAllTime(t *testing.T) {
	for _, limit := range []time.Duration{1, 100 * 365 * 24 * time.Hour} {
		play(t, func(s *scene) {
			w := s.worker(answer)
			w.RunLimit = limit
			s.start(w)
			ref := s.enqueue(21)
			pass(time.Minute)
			s.expectAnswer(ref, 42)
		})
	}
}
