package worker_test

import (
	"context"
	"errors"
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// took ends the shift, and is how long that took.
func (sh *shift) took() (time.Duration, error) {
	begun := time.Now()
	err := sh.end()
	return time.Since(begun), err
}

// waits is a handler that works for so long, whatever its context says.
func waits(d time.Duration) handler {
	return func(ctx context.Context, job *queue.Job[ask]) (int, error) {
		time.Sleep(d)
		return answer(ctx, job)
	}
}

const allOfIt = worker.DefaultGrace + worker.DefaultKill

func TestRule_R16_IdleWorkerStopsAtOnce(t *testing.T) {
	play(t, func(s *scene) {
		sh := s.work(answer)
		s.enqueueAll(10)
		pass(time.Minute)
		if d, err := sh.took(); d != 0 || err != nil {
			t.Errorf("it took %v, %v", d, err)
		}
	})
}

func TestRule_R16_WorkerThatIsStoppedBeforeItStartsDoesNothing(t *testing.T) {
	play(t, func(s *scene) {
		ref := s.enqueue(1)
		ctx, stop := context.WithCancel(s.Context())
		stop()
		match(s, s.worker(answer).Run(ctx), nil)
		s.expect(ref, queue.Waiting, 0)
	})
}

func TestRule_R16_HandlersMayFinishInTheGrace(t *testing.T) {
	play(t, func(s *scene) {
		w := s.worker(waits(worker.DefaultGrace - time.Second))
		w.Concurrency = 4
		sh := s.start(w)
		refs := s.enqueueAll(4)
		more := s.enqueue(5)
		pass(time.Millisecond)
		d, err := sh.took()
		if match(s, err, nil); d > worker.DefaultGrace-time.Second {
			t.Errorf("it took %v", d)
		}
		for i, ref := range refs {
			s.expectAnswer(ref, 2*i)
		}
		s.expect(more, queue.Waiting, 0)
	})
}

// When the grace is over, handlers are told; what returns then is given back, and
// no attempt is used. It starts elsewhere at once.
func TestRule_R16_InterruptedJobsAreGivenBack(t *testing.T) {
	for name, err := range map[string]error{
		"error": errSad, "its context's": context.Canceled, "retry after": worker.RetryAfter(time.Hour, errSad),
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *scene) {
				var cause error
				sh := s.work(func(ctx context.Context, _ *queue.Job[ask]) (int, error) {
					<-ctx.Done()
					cause = context.Cause(ctx)
					return 0, err
				})
				ref := s.enqueue(21, queue.MaxAttempts(1))
				pass(time.Second)
				d, err := sh.took()
				if match(s, err, nil); d != worker.DefaultGrace || cause != worker.ErrStopping {
					t.Errorf("it took %v, and the handler was told %v", d, cause)
				}
				if r := s.expect(ref, queue.Waiting, 0); len(r.Failures) != 0 || r.Crashes != 0 {
					t.Errorf("record %+v", r)
				}
				s.work(answer)
				pass(time.Second / 2)
				s.expectAnswer(ref, 42)
			})
		})
	}
}

// What an interrupted handler knows for sure, it may still say.
func TestRule_R16_InterruptedHandlersMayDecide(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		state queue.State
		tries int
	}{
		"success":   {nil, queue.Succeeded, 1},
		"permanent": {worker.Permanent(errSad), queue.Dead, 1},
		"snooze":    {worker.Snooze(time.Hour), queue.Waiting, 0},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *scene) {
				sh := s.work(func(ctx context.Context, _ *queue.Job[ask]) (int, error) {
					<-ctx.Done()
					time.Sleep(worker.DefaultKill / 2)
					return 0, c.err
				})
				ref := s.enqueue(21)
				pass(time.Second)
				sh.clean()
				s.expect(ref, c.state, c.tries)
			})
		})
	}
}

// A handler that never returns is named; its lease lapses, and the job runs
// elsewhere.
func TestRule_R16_StuckHandlersAreNamed(t *testing.T) {
	play(t, func(s *scene) {
		free := make(chan struct{})
		defer close(free)
		w := s.worker(func(ctx context.Context, job *queue.Job[ask]) (int, error) {
			if job.Args.N == 13 {
				<-free
			}
			<-ctx.Done()
			return 0, ctx.Err()
		})
		w.Concurrency = 3
		sh := s.start(w)
		stuck := s.enqueue(13)
		others := s.enqueueAll(2)
		pass(time.Second)
		d, err := sh.took()
		var named *worker.StuckError
		if !errors.As(err, &named) || !cmp.Equal(named.Jobs, []queue.Ref{stuck}) {
			t.Fatalf("error %v", err)
		}
		if d < allOfIt || d > allOfIt+time.Second {
			t.Errorf("it took %v", d)
		}
		if want := "worker: 1 handler never returned: job " + stuck.ID; err.Error() != want {
			t.Errorf("error %q, want %q", err, want)
		}
		for _, ref := range others {
			s.expect(ref, queue.Waiting, 0)
		}
		s.expect(stuck, queue.Running, 1)
		s.work(answer)
		pass(worker.DefaultLease)
		s.expectAnswer(stuck, 26)
		if r := s.record(stuck); r.Token != 2 {
			t.Errorf("token %d", r.Token)
		}
	})
}

func TestRule_R16_DrainBeginsAMarginBeforeTheDeadline(t *testing.T) {
	for margin, want := range map[time.Duration]time.Duration{0: 38 * time.Second, 10 * time.Second: 50 * time.Second} {
		play(t, func(s *scene) {
			w := s.worker(waits(time.Second))
			w.Margin = margin
			ctx, stop := context.WithTimeout(s.Context(), time.Minute)
			begun := time.Now()
			sh := s.startIn(ctx, stop, w)
			refs := s.enqueueAll(100)
			match(s, sh.wait(), nil)
			if d := time.Since(begun); d != want {
				t.Errorf("it took %v, want %v", d, want)
			}
			done := 0
			for _, ref := range refs {
				switch r := s.record(ref); r.State {
				case queue.Succeeded:
					done++
				case queue.Waiting:
					if r.Attempt != 0 {
						t.Errorf("attempt %d", r.Attempt)
					}
				default:
					t.Errorf("it is %v", r.State)
				}
			}
			if done != int(want/time.Second) {
				t.Errorf("%d jobs are done", done)
			}
		})
	}
}

// A margin that leaves no time to work is a mistake, and must not look like a
// queue without jobs.
// Who grants an endless grace can't have a deadline as well.
func TestRule_R16_EndlessGraceLeavesNoTimeBeforeADeadline(t *testing.T) {
	play(t, func(s *scene) {
		ctx, cancel := context.WithTimeout(s.Context(), time.Hour)
		defer cancel()
		w := s.worker(answer)
		w.Grace, w.Kill = math.MaxInt64, math.MaxInt64
		var invalid *queue.InvalidError
		if err := w.Run(ctx); !errors.As(err, &invalid) || invalid.Field != "Pool.Margin" {
			t.Errorf("error %v", err)
		}
	})
}

func TestRule_R16_MarginMustLeaveTimeToWork(t *testing.T) {
	play(t, func(s *scene) {
		ctx, stop := context.WithTimeout(s.Context(), 20*time.Second)
		defer stop()
		err := s.worker(answer).Run(ctx)
		if want := "worker: invalid Pool.Margin: the drain begins 22s before the context's deadline, which leaves no time to work"; err == nil || err.Error() != want || !errors.Is(err, queue.ErrInvalid) {
			t.Errorf("error %v, want %s", err, want)
		}
	})
}

// A slot whose goroutine a handler has ended is no reason to wait.
func TestRule_R16_GoexitWhileDraining(t *testing.T) {
	play(t, func(s *scene) {
		w := s.worker(func(ctx context.Context, _ *queue.Job[ask]) (int, error) {
			<-ctx.Done()
			runtime.Goexit()
			return 0, nil
		})
		w.Concurrency = 3
		sh := s.start(w)
		refs := s.enqueueAll(3)
		pass(time.Second)
		d, err := sh.took()
		if match(s, err, nil); d > worker.DefaultGrace {
			t.Errorf("it took %v", d)
		}
		for _, ref := range refs {
			s.expect(ref, queue.Waiting, 0)
		}
	})
}
