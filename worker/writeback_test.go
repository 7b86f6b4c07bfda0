package worker_test

import (
	"context"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// paid is one call of an AfterSuccess.
type paid struct {
	at     time.Duration
	id     string
	args   int
	result int
}

// hook is an AfterSuccess that remembers its calls, and does what a test says.
func hook(calls *seen[paid], do func(n int) error) func(context.Context, *queue.Job[ask], int) error {
	return func(_ context.Context, job *queue.Job[ask], result int) error {
		n := calls.add(paid{since(), job.ID, job.Args.N, result})
		if do == nil {
			return nil
		}
		return do(n)
	}
}

func TestRule_R6_WriteBackRunsOnceAfterASuccess(t *testing.T) {
	play(t, func(s *scene) {
		var calls seen[paid]
		w := s.worker(func(ctx context.Context, job *queue.Job[ask]) (int, error) {
			if job.Args.N < 0 {
				return 0, worker.Permanent(errSad)
			}
			return answer(ctx, job)
		})
		w.AfterSuccess = func(ctx context.Context, job *queue.Job[ask], result int) error {
			s.expectAnswer(job.Ref(), result) // it can be read before the hook runs
			if _, ok := ctx.Deadline(); !ok {
				t.Error("no deadline")
			}
			return hook(&calls, nil)(ctx, job, result)
		}
		s.start(w)
		ref := s.enqueue(21)
		s.enqueue(-1)
		pass(time.Hour)
		if calls.len() != 1 || calls.list()[0] != (paid{0, ref.ID, 21, 42}) {
			t.Errorf("calls %v", calls.list())
		}
		s.owes(0)
	})
}

// What fails is tried again, ever less often but at least each five minutes.
func TestRule_R6_WriteBackIsRepeatedUntilItSucceeds(t *testing.T) {
	for name, oops := range map[string]func() error{
		"fails": func() error { return errSad }, "panics": func() error { panic("oh") },
		"Goexit":       func() error { runtime.Goexit(); return nil },
		"says Snooze":  func() error { return worker.Snooze(24 * time.Hour) },
		"says Settled": func() error { return worker.Settled },
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *scene) {
				var calls seen[paid]
				ran := 0
				w := s.worker(func(ctx context.Context, job *queue.Job[ask]) (int, error) {
					ran++
					return answer(ctx, job)
				})
				w.AfterSuccess = hook(&calls, func(n int) error {
					if n <= 15 {
						return oops()
					}
					return nil
				})
				s.start(w)
				ref := s.enqueue(21)
				pass(time.Second / 4)
				s.problem(w, "write-backs fail", true)
				pass(2 * time.Hour)
				if calls.len() != 16 || ran != 1 {
					t.Errorf("%d calls, the handler ran %d times", calls.len(), ran)
				}
				all := calls.list()
				for i := 1; i < len(all); i++ {
					if gap := all[i].at - all[i-1].at; gap < time.Second/2 || gap > 5*time.Minute || all[i].result != 42 {
						t.Errorf("call %d came %v later: %+v", i, gap, all[i])
					}
				}
				s.owes(0)
				s.expectAnswer(ref, 42)
				if h := w.Health(); !h.Ready() || h.Busy != 0 {
					t.Errorf("health %+v", h)
				}
			})
		})
	}
}

// Event and write-back are owed together, and each is tried though the other fails.
func TestRule_R6_EventAndWriteBackAreIndependent(t *testing.T) {
	for _, broken := range []string{"", "event", "write-back", "both"} {
		t.Run(broken, func(t *testing.T) {
			play(t, func(s *scene) {
				to := s.withTopic()
				var calls seen[paid]
				var hooksAway atomic.Bool
				hooksAway.Store(broken == "write-back" || broken == "both")
				if broken == "event" || broken == "both" {
					to.fail(errSad)
				}
				w := s.worker(answer)
				w.AfterSuccess = hook(&calls, func(int) error {
					if hooksAway.Load() {
						return errSad
					}
					return nil
				})
				s.start(w)
				s.enqueue(21)
				pass(10 * time.Minute)
				events := 1
				if broken == "event" || broken == "both" {
					events = 0
				}
				if n := len(to.delivered()); n != events {
					t.Errorf("%d events", n)
				}
				if !hooksAway.Load() && calls.len() != 1 {
					t.Errorf("the hook ran %d times", calls.len())
				}
				to.fail(nil)
				hooksAway.Store(false)
				n := calls.len()
				pass(6 * time.Minute)
				if len(to.delivered()) != 1 {
					t.Errorf("%d events", len(to.delivered()))
				}
				if broken == "write-back" || broken == "both" {
					n++
				}
				if calls.len() != n {
					t.Errorf("the hook ran %d times, want %d", calls.len(), n)
				}
				s.owes(0)
			})
		})
	}
}

// A hook has the limits of a handler, and its slot.
func TestWriteBackEndsAtTheRunLimit(t *testing.T) {
	play(t, func(s *scene) {
		var causes []error
		w := s.worker(answer)
		w.RunLimit = time.Minute
		w.AfterSuccess = func(ctx context.Context, _ *queue.Job[ask], _ int) error {
			if h := w.Health(); h.Busy != 1 {
				t.Errorf("health %+v", h)
			}
			if len(causes) == 2 {
				return nil
			}
			<-ctx.Done()
			causes = append(causes, context.Cause(ctx))
			return context.Cause(ctx)
		}
		s.start(w)
		s.enqueue(21)
		pass(time.Hour)
		if !slices.Equal(causes, []error{worker.ErrRunLimit, worker.ErrRunLimit}) {
			t.Errorf("causes %v", causes)
		}
		s.owes(0)
	})
}
