package worker_test

import (
	"context"
	"testing"
	"time"

	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// Write-backs belong to the end: those that can be made in the grace are.
func TestRule_R16_WriteBacksAreMadeInTheGrace(t *testing.T) {
	play(t, func(s *scene) {
		var calls seen[paid]
		w := s.worker(answer)
		w.AfterSuccess = hook(&calls, func(int) error { time.Sleep(time.Second); return nil })
		sh := s.start(w)
		s.enqueueAll(5)
		pass(time.Millisecond)
		d, err := sh.took()
		if match(s, err, nil); d > 2*time.Second || calls.len() == 0 {
			t.Errorf("it took %v, for %d calls", d, calls.len())
		}
		s.owes(0)
	})
}

// A hook is told like a handler, and what it leaves is made elsewhere, at once.
func TestRule_R16_InterruptedWriteBacksAreMadeElsewhere(t *testing.T) {
	play(t, func(s *scene) {
		var causes seen[error]
		w := s.worker(answer)
		w.Concurrency = 2
		w.AfterSuccess = func(ctx context.Context, _ *queue.Job[ask], _ int) error {
			<-ctx.Done()
			causes.add(context.Cause(ctx))
			return context.Cause(ctx)
		}
		sh := s.start(w)
		refs := s.enqueueAll(2)
		pass(time.Second)
		d, err := sh.took()
		if match(s, err, nil); d < worker.DefaultGrace || d > allOfIt+time.Second {
			t.Errorf("it took %v", d)
		}
		for _, cause := range causes.list() {
			match(s, cause, worker.ErrStopping)
		}
		for i, ref := range refs {
			s.expectAnswer(ref, 2*i)
		}
		var calls seen[paid]
		other := s.worker(answer)
		other.AfterSuccess = hook(&calls, nil)
		s.start(other)
		pass(time.Second)
		if calls.len() != 2 || causes.len() != 2 {
			t.Errorf("%d calls here, %d there", causes.len(), calls.len())
		}
		s.owes(0)
	})
}

// An outcome that is written in the last moment leaves its write-back to others:
// no hook begins then, and none is taken for one that never returns.
func TestRule_R16_NoWriteBackBeginsAtTheVeryEnd(t *testing.T) {
	play(t, func(s *scene) {
		w, way := s.cutOff(answer)
		w.AfterSuccess = func(context.Context, *queue.Job[ask], int) error {
			t.Error("the hook ran")
			return nil
		}
		sh := s.start(w)
		way.Inject(backendtest.Fault{Verb: backendtest.Settle})
		ref := s.enqueue(21)
		pass(time.Second)
		sh.stop()
		pass(allOfIt + 100*time.Millisecond)
		way.Lift()
		match(s, sh.wait(), nil)
		s.expectAnswer(ref, 42)
		s.owes(1)
		var calls seen[paid]
		other := s.worker(answer)
		other.AfterSuccess = hook(&calls, nil)
		s.start(other)
		pass(time.Second)
		if calls.len() != 1 {
			t.Errorf("%d calls", calls.len())
		}
	})
}

// A handler that commits the job, and a topic that is slow: the event leaves in the
// grace, or by the next worker.
func TestRule_R16_EventsThatHaveNotLeftStayOwed(t *testing.T) {
	play(t, func(s *scene) {
		to := s.withTopic()
		to.delay = time.Hour
		sh := s.work(answer)
		ref := s.enqueue(21)
		pass(time.Second)
		d, err := sh.took()
		if match(s, err, nil); d > allOfIt+time.Second {
			t.Errorf("it took %v", d)
		}
		s.owes(1)
		to.set(func() { to.delay = 0 })
		s.work(answer)
		pass(time.Second)
		if got := to.delivered(); len(got) != 1 || got[0].Ref != ref {
			t.Errorf("events %+v", got)
		}
		s.owes(0)
	})
}
