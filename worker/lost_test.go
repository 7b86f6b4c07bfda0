package worker_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// cutOff is a worker whose way to the store can be cut.
func (s *scene) cutOff(h handler) (*worker.Worker[ask, int], *backendtest.Faulty) {
	way := backendtest.NewFaulty(s.store)
	q := queue.New[ask, int](way, "answers")
	q.Announce, q.Bucket, q.Inline, q.MaxCrashes = s.q.Announce, s.q.Bucket, s.q.Inline, s.q.MaxCrashes
	w := worker.New(q, h)
	w.Concurrency, w.Logger = 1, s.log
	return w, way
}

// R5: a worker that was cut off is told so when it is back, and what it brings is
// refused.
func TestRule_R5_HandlerThatLostItsLeaseIsTold(t *testing.T) {
	for name, result := range map[string]error{"success": nil, "failure": errSad} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *scene) {
				var cause error
				w, way := s.cutOff(func(ctx context.Context, _ *queue.Job[ask]) (int, error) {
					<-ctx.Done()
					cause = context.Cause(ctx)
					return -1, result
				})
				s.start(w)
				ref := s.enqueue(21)
				pass(time.Second)
				way.Inject(backendtest.Fault{}) // nothing comes through
				pass(time.Second)
				other := s.work(answer)
				pass(time.Minute)
				s.expectAnswer(ref, 42)
				if cause != nil {
					t.Fatalf("it was told %v while it was cut off", cause)
				}
				way.Lift()
				pass(3 * worker.DefaultBeat) // a beat that failed may still rest
				if cause != queue.ErrLost {
					t.Errorf("it was told %v", cause)
				}
				s.expectAnswer(ref, 42)
				s.expect(ref, queue.Succeeded, 2)
				if h := w.Health(); h.Busy != 0 || h.Settling != 0 {
					t.Errorf("health %+v", h)
				}
				if log := s.lines.String(); !strings.Contains(log, "not taken") || strings.Contains(log, "level=WARN msg=\"leat: an attempt failed") {
					t.Errorf("the log says\n%s", log)
				}
				other.clean()
			})
		})
	}
}

// R5: a process that was stopped for a while, beats and all, doesn't know that it
// lost its lease. The store does.
func TestRule_R5_ZombiesResultIsRefused(t *testing.T) {
	for name, end := range map[string]error{
		"success": nil, "failure": errSad, "snooze": worker.Snooze(time.Hour), "permanent": worker.Permanent(errSad),
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *scene) {
				to := &topic{}
				s.q.Announce = to
				zombie, way := s.cutOff(func(ctx context.Context, _ *queue.Job[ask]) (int, error) {
					time.Sleep(5 * time.Minute)
					if ctx.Err() != nil {
						t.Errorf("it was told %v", context.Cause(ctx))
					}
					return -1, end
				})
				way.Inject(
					backendtest.Fault{Verb: backendtest.Extend, Kind: backendtest.Stall},
					backendtest.Fault{Verb: backendtest.Claim, Rate: func(n int) bool { return n > 1 }},
				)
				s.start(zombie)
				ref := s.enqueue(21)
				pass(time.Second)
				s.work(answer)
				pass(time.Minute)
				s.expectAnswer(ref, 42)
				pass(10 * time.Minute)
				s.expectAnswer(ref, 42)
				if r := s.expect(ref, queue.Succeeded, 2); len(r.Failures) != 0 || r.Crashes != 0 {
					t.Errorf("record %+v", r)
				}
				if n := len(to.delivered()); n != 1 {
					t.Errorf("%d events", n)
				}
				if h := zombie.Health(); h.Busy != 0 || h.Settling != 0 {
					t.Errorf("health %+v", h)
				}
			})
		})
	}
}

// R8: not even of jobs so old that the store gives them to anybody (R10), while the
// worker asks for events beside its slots.
func TestRule_R8_OldJobsAreLeftWhileThereIsNoSlot(t *testing.T) {
	play(t, func(s *scene) {
		s.withTopic()
		slow := worker.New(s.q, untilDone)
		slow.RunLimit = 3 * time.Hour
		quick := worker.New(queue.View[ask, int](s.q, "quick"), answer)
		m := worker.NewMux(slow, quick)
		m.Concurrency, m.Logger = 1, s.log
		s.start(m)
		s.enqueue(1)
		pass(time.Second)
		var refs []queue.Ref
		for i := range 20 {
			ticket, err := queue.View[ask, int](s.q, "quick").Enqueue(s.Context(), ask{i})
			match(s, err, nil)
			refs = append(refs, ticket.Ref)
		}
		for range 170 {
			pass(time.Minute)
			stats, err := s.q.Stats(s.Context())
			if match(s, err, nil); stats.Running > 1 {
				s.Fatalf("after %v %d jobs are leased for 1 slot", since(), stats.Running)
			}
		}
		for _, ref := range refs {
			if r := s.expect(ref, queue.Waiting, 0); r.Token > 1 {
				t.Errorf("it was leased %d times", r.Token)
			}
		}
		pass(time.Hour)
		for i, ref := range refs {
			s.expectAnswer(ref, 2*i)
		}
	})
}

// R8: no lease is taken to wait for a slot.
func TestRule_R8_LeasesAreOnlyTakenForFreeSlots(t *testing.T) {
	play(t, func(s *scene) {
		var mu sync.Mutex
		var most, running int
		count := func(n int) {
			mu.Lock()
			defer mu.Unlock()
			running += n
			most = max(most, running)
		}
		w := s.worker(func(ctx context.Context, job *queue.Job[ask]) (int, error) {
			count(+1)
			time.Sleep(time.Minute)
			count(-1)
			return answer(ctx, job)
		})
		w.Concurrency = 3
		s.start(w)
		s.enqueueAll(10)
		for range 50 {
			pass(10 * time.Second)
			stats, err := s.q.Stats(t.Context())
			match(s, err, nil)
			if stats.Running > 3 {
				s.Fatalf("%d leases for 3 slots", stats.Running)
			}
		}
		if most != 3 {
			t.Errorf("%d handlers ran at a time", most)
		}
	})
}
