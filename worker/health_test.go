package worker_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

func TestHealthFollowsTheLifeOfAWorker(t *testing.T) {
	play(t, func(s *scene) {
		release := make(chan struct{})
		w := s.worker(func(ctx context.Context, job *queue.Job[ask]) (int, error) {
			<-release
			return answer(ctx, job)
		})
		phase := func(want worker.Phase, live, ready bool, busy int) {
			t.Helper()
			h := w.Health()
			if h.Phase != want || h.Live() != live || h.Ready() != ready || h.Busy != busy {
				t.Errorf("health %+v; live %v, ready %v", h, h.Live(), h.Ready())
			}
		}
		phase(worker.Idle, true, false, 0)
		sh := s.start(w)
		phase(worker.Working, true, true, 0)
		s.enqueue(1)
		pass(time.Second)
		phase(worker.Working, true, true, 1)
		if h := w.Health(); h.Concurrency != 1 || time.Since(h.LastClaim) != time.Second {
			t.Errorf("health %+v", h)
		}
		sh.stop()
		pass(time.Second)
		phase(worker.Draining, true, false, 1)
		close(release)
		match(s, sh.wait(), nil)
		phase(worker.Stopped, true, false, 0)
		s.start(w) // it may be run again
		phase(worker.Working, true, true, 0)
	})
}

func TestHealthOfWhatWasNotMadeWithNewIsIdle(t *testing.T) {
	if h := (&worker.Mux{}).Health(); h.Phase != worker.Idle || h.Ready() {
		t.Errorf("health %+v", h)
	}
}

// A worker whose slots are all busy asks for nothing, and that is no problem.
func TestHealthOfABusyWorkerIsWell(t *testing.T) {
	play(t, func(s *scene) {
		w := s.worker(func(ctx context.Context, job *queue.Job[ask]) (int, error) {
			time.Sleep(30 * time.Minute)
			return answer(ctx, job)
		})
		s.start(w)
		s.enqueueAll(3)
		for range 100 {
			pass(time.Minute)
			if h := w.Health(); !h.Ready() {
				s.Fatalf("after %v: %q", since(), h.Problems)
			}
		}
	})
}

func TestHealthOfAnIdleWorkerIsWell(t *testing.T) {
	play(t, func(s *scene) {
		w := s.worker(answer)
		s.start(w)
		for range 1000 {
			pass(7 * time.Second)
			if h := w.Health(); !h.Ready() || time.Since(h.LastClaim) > worker.DefaultLease {
				s.Fatalf("after %v: %+v", since(), h)
			}
		}
	})
}

// R17: red after three lease times without a good poll, green again after. A store
// that hangs may look like a queue without jobs: it is told apart.
func TestRule_R17_StoreThatIsGoneTurnsHealthRed(t *testing.T) {
	for name, fault := range map[string]backendtest.Fault{
		"fails": {},
		"hangs": {Kind: backendtest.Delay, Delay: 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *scene) {
				w := s.worker(answer)
				s.start(w)
				pass(time.Minute)
				s.store.Inject(fault)
				pass(3 * worker.DefaultLease)
				s.problem(w, "no answer to a claim", false)
				pass(2 * worker.DefaultLease) // the last claim before the fault may have lasted one
				s.problem(w, "no answer to a claim", true)
				if h := w.Health(); h.Ready() || !h.Live() {
					t.Errorf("health %+v", h)
				}
				s.store.Lift()
				ref := s.enqueue(1)
				pass(2 * worker.DefaultLease)
				s.expectAnswer(ref, 2)
				if h := w.Health(); !h.Ready() {
					t.Errorf("health %+v", h)
				}
			})
		})
	}
}

func TestBeatsThatFailTurnHealthRed(t *testing.T) {
	play(t, func(s *scene) {
		w := s.worker(untilDone)
		s.start(w)
		s.enqueue(1)
		s.store.Inject(backendtest.Fault{Verb: backendtest.Extend})
		pass(worker.DefaultLease - time.Second)
		s.problem(w, "leases can't be renewed", false)
		pass(10 * time.Second)
		s.problem(w, "leases can't be renewed", true)
		s.store.Lift()
		pass(worker.DefaultBeat)
		s.problem(w, "leases can't be renewed", false)
	})
}

// What failed once must not look broken for ever: the store is back, and there is
// just nothing to renew.
func TestBeatsThatFailedAreForgottenWhenNothingIsHeld(t *testing.T) {
	play(t, func(s *scene) {
		w := s.worker(func(ctx context.Context, job *queue.Job[ask]) (int, error) {
			time.Sleep(time.Minute)
			return answer(ctx, job)
		})
		s.start(w)
		s.enqueue(1)
		s.store.Inject(backendtest.Fault{Verb: backendtest.Extend})
		pass(59 * time.Second)
		s.problem(w, "leases can't be renewed", true)
		pass(5 * time.Second)
		if h := w.Health(); !h.Ready() {
			t.Errorf("problems %q", h.Problems)
		}
	})
}

// unwell is a store that knows of something wrong.
type unwell struct{ backends.Backend }

func (unwell) Health() error { return errors.New("a message of another deployment") }

func TestBackendThatIsNotWellTurnsHealthRed(t *testing.T) {
	play(t, func(s *scene) {
		w := worker.New(queue.New[ask, int](unwell{s.store}, "answers"), answer)
		w.Logger = s.log
		s.start(w)
		if diff := cmp.Diff([]string{"the backend isn't well (*errors.errorString)"}, w.Health().Problems); diff != "" {
			t.Error(diff)
		}
	})
}

func TestOutcomesThatWaitTurnHealthRed(t *testing.T) {
	play(t, func(s *scene) {
		w := s.worker(answer)
		w.Concurrency = 2
		s.start(w)
		s.store.Inject(backendtest.Fault{Verb: backendtest.Settle})
		refs := s.enqueueAll(5)
		pass(time.Hour)
		h := w.Health()
		if diff := cmp.Diff([]string{"outcomes can't be written for 1h0m0s (*errors.errorString)"}, h.Problems); diff != "" {
			t.Error(diff)
		}
		if h.Busy != 0 || h.Settling < 2 || h.Settling > 3 {
			t.Errorf("health %+v", h)
		}
		s.store.Lift()
		pass(time.Minute)
		if h := w.Health(); !h.Ready() || h.Settling != 0 {
			t.Errorf("health %+v", h)
		}
		for i, ref := range refs {
			s.expectAnswer(ref, 2*i)
		}
	})
}

// An event that failed here may have left by another worker. The one that failed
// is not told.
func TestTopicThatFailedIsForgottenInTime(t *testing.T) {
	play(t, func(s *scene) {
		to := &topic{}
		to.fail(errSad)
		s.q.Announce = to
		w := s.worker(answer)
		sh := s.start(w)
		s.enqueue(1)
		pass(time.Second / 2)
		s.problem(w, "events can't be announced", true)

		s.store.Inject(backendtest.Fault{Verb: backendtest.Claim}) // no more claims here
		pass(time.Minute)
		match(s, s.settle(backends.Settlement{Lease: s.claim(time.Minute), Verb: backends.Announced}), nil)
		s.store.Lift()
		pass(20 * time.Minute)
		s.problem(w, "events can't be announced", false)
		sh.clean()
	})
}
