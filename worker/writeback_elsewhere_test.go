package worker_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

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
		match(s, b.Write(s.Context(), "2000-01-09/8a4f2c1e-0b6c-4d53-9d3f-5b2a7c9e1f00", data), nil)
		match(s, s.settle(backends.Settlement{
			Lease: lease, Verb: backends.Commit, Outcome: queue.Succeeded, Stored: "2000-01-09/8a4f2c1e-0b6c-4d53-9d3f-5b2a7c9e1f00", Owes: backends.WriteBack,
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
