package worker_test

import (
	"context"
	"encoding/json"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
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

// A worker that dies in its hook leaves it to another, which has only the bytes.
func TestRule_R6_WriteBackOfADeadWorkerIsMadeByAnother(t *testing.T) {
	play(t, func(s *scene) {
		b := s.withShelf()
		free := make(chan struct{})
		defer close(free)
		dying, way := s.cutOff(answerLarge)
		dying.AfterSuccess = func(context.Context, *queue.Job[ask], int) error {
			way.Inject(backendtest.Fault{}) // the last that anybody hears of it
			<-free
			return nil
		}
		s.start(dying)
		ref := s.enqueue(1)
		pass(time.Second)
		var calls seen[paid]
		other := s.worker(func(context.Context, *queue.Job[ask]) (int, error) {
			t.Error("the handler ran again") // R7
			return 0, nil
		})
		other.AfterSuccess = hook(&calls, nil)
		s.start(other)
		pass(worker.DefaultLease - 2*time.Second)
		if calls.len() != 0 {
			t.Errorf("the hook ran at %v", calls.list()[0].at)
		}
		pass(3 * time.Second)
		if calls.len() != 1 || calls.list()[0].id != ref.ID || calls.list()[0].args != 1 || calls.list()[0].result != large {
			t.Errorf("calls %v", calls.list())
		}
		s.owes(0)
		if len(b.objects) == 0 {
			t.Error("nothing lies in the bucket")
		}
	})
}

// R4: a hook that takes its process with it each time is given up.
func TestRule_R4_WriteBackThatKillsItsWorkersIsDropped(t *testing.T) {
	play(t, func(s *scene) {
		s.q.Announce = nil
		free := make(chan struct{})
		defer close(free)
		died := 0
		mortal := func() {
			w, way := s.cutOff(answer)
			w.AfterSuccess = func(context.Context, *queue.Job[ask], int) error {
				died++
				way.Inject(backendtest.Fault{})
				<-free
				return nil
			}
			s.start(w)
		}
		for range 5 {
			mortal()
		}
		ref := s.enqueue(21)
		pass(time.Hour)
		if died != backends.DefaultMaxCrashes {
			t.Errorf("%d workers died, want %d", died, backends.DefaultMaxCrashes)
		}
		s.expectAnswer(ref, 42)
		if r := s.record(ref); r.Dropped != backends.WriteBack || r.Owes != 0 {
			t.Errorf("dropped %v, owes %v", r.Dropped, r.Owes)
		}
		stats, err := s.q.Stats(s.Context())
		match(s, err, nil)
		if stats.Dropped != 1 {
			t.Errorf("stats %+v", stats)
		}
	})
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

// A result that nobody can decode any more is not tried for ever.
func TestWriteBackOfAResultThatCannotBeReadIsGivenUp(t *testing.T) {
	for name, result := range map[string]string{"broken": `{`, "another type": `"42"`} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *scene) {
				ref := s.enqueue(21)
				lease := s.claim(time.Second)
				match(s, s.settle(backends.Settlement{
					Lease: lease, Verb: backends.Commit, Outcome: queue.Succeeded, Result: []byte(result), Owes: backends.WriteBack,
				}), nil)
				w := s.worker(answer)
				var calls seen[paid]
				w.AfterSuccess = hook(&calls, nil)
				s.start(w)
				pass(time.Minute)
				s.owes(0)
				if calls.len() != 0 || !strings.Contains(s.lines.String(), "a result can't be read any more") {
					t.Errorf("calls %v, log\n%s", calls.list(), s.lines)
				}
				s.expect(ref, queue.Succeeded, 1)
			})
		})
	}
}

// A bucket that is away only delays it.
func TestWriteBackWaitsForTheBucket(t *testing.T) {
	play(t, func(s *scene) {
		b := s.withShelf()
		s.enqueue(1)
		lease := s.claim(time.Second)
		data, err := json.Marshal(large)
		match(s, err, nil)
		match(s, b.Write(s.Context(), "2000-01-09/key", data), nil)
		match(s, s.settle(backends.Settlement{
			Lease: lease, Verb: backends.Commit, Outcome: queue.Succeeded, Stored: "2000-01-09/key", Owes: backends.WriteBack,
		}), nil)
		b.set(func() { b.err = errSad })
		var calls seen[paid]
		w := s.worker(answer)
		w.AfterSuccess = hook(&calls, nil)
		s.start(w)
		pass(time.Hour)
		s.owes(1)
		b.set(func() { b.err = nil })
		pass(6 * time.Minute)
		s.owes(0)
		if calls.len() != 1 || calls.list()[0].result != large {
			t.Errorf("calls %v", calls.list())
		}
	})
}

// A worker without the hook leaves it to those who have it.
func TestRule_R6_WriteBackIsLeftToWorkersThatHaveIt(t *testing.T) {
	play(t, func(s *scene) {
		s.enqueue(21)
		lease := s.claim(time.Second)
		match(s, s.settle(backends.Settlement{
			Lease: lease, Verb: backends.Commit, Outcome: queue.Succeeded, Result: []byte("42"), Owes: backends.WriteBack,
		}), nil)
		without := s.worker(answer)
		s.start(without)
		pass(time.Hour)
		s.owes(1)
		if h := without.Health(); !h.Ready() {
			t.Errorf("problems %q", h.Problems)
		}
		var calls seen[paid]
		with := s.worker(answer)
		with.AfterSuccess = hook(&calls, nil)
		s.start(with)
		pass(time.Second)
		s.owes(0)
		if calls.len() != 1 || calls.list()[0].args != 21 || calls.list()[0].result != 42 {
			t.Errorf("calls %v", calls.list())
		}
	})
}
