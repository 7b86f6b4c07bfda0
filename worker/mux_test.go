package worker_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

type email struct{ To string }

func TestMuxRunsEachKindByItsWorker(t *testing.T) {
	play(t, func(s *scene) {
		var sent seen[string]
		emails := queue.View[email, queue.None](s.q, "email")
		m := worker.NewMux(
			worker.New(s.q, answer),
			worker.New(emails, worker.NoResult(func(_ context.Context, job *queue.Job[email]) error {
				sent.add(job.Kind + " to " + job.Args.To)
				return nil
			})),
		)
		m.Logger = s.log
		s.start(m)
		number := s.enqueue(21)
		_, err := emails.Enqueue(s.Context(), email{"zeta"})
		match(s, err, nil)
		pass(time.Second)
		s.expectAnswer(number, 42)
		if got := sent.list(); !slices.Equal(got, []string{"email to zeta"}) {
			t.Errorf("sent %q", got)
		}
		if h := m.Health(); !h.Ready() {
			t.Errorf("health %+v", h)
		}
	})
}

// The pool is the Mux's, the rest its workers'.
func TestMuxSharesOnePool(t *testing.T) {
	play(t, func(s *scene) {
		var causes seen[string]
		limited := func(kind string, limit time.Duration) worker.Kind {
			w := worker.New(queue.View[ask, int](s.q, kind), func(ctx context.Context, _ *queue.Job[ask]) (int, error) {
				<-ctx.Done()
				causes.add(kind + " after " + since().String())
				return 0, context.Cause(ctx)
			})
			w.RunLimit, w.Concurrency = limit, 50
			return w
		}
		m := worker.NewMux(limited("a", time.Minute), limited("b", 2*time.Minute))
		m.Concurrency, m.Logger = 2, s.log
		s.start(m)
		for _, kind := range []string{"a", "b", "a", "b"} {
			_, err := queue.View[ask, int](s.q, kind).Enqueue(s.Context(), ask{}, queue.MaxAttempts(1))
			match(s, err, nil)
		}
		pass(time.Second)
		if h := m.Health(); h.Busy != 2 || h.Concurrency != 2 {
			t.Errorf("health %+v", h)
		}
		pass(time.Hour)
		if got := strings.Join(slices.Sorted(slices.Values(causes.list())), ", "); got != "a after 1m0s, a after 2m0s, b after 2m0s, b after 4m0s" {
			t.Errorf("causes %s", got)
		}
	})
}

// Write-backs are a kind's: one that has none leaves them alone.
func TestMuxWritesBackByKind(t *testing.T) {
	play(t, func(s *scene) {
		var calls seen[paid]
		with := worker.New(queue.View[ask, int](s.q, "with"), answer)
		with.AfterSuccess = hook(&calls, nil)
		m := worker.NewMux(worker.New(s.q, answer), with)
		m.Logger = s.log
		s.start(m)
		s.enqueue(1)
		_, err := queue.View[ask, int](s.q, "with").Enqueue(s.Context(), ask{2})
		match(s, err, nil)
		pass(time.Second)
		s.owes(0)
		if got := calls.list(); len(got) != 1 || got[0].args != 2 {
			t.Errorf("calls %v", got)
		}
	})
}

func TestMuxRefusesWhatMakesNoSense(t *testing.T) {
	play(t, func(s *scene) {
		other := queue.New[ask, int](s.store, "others")
		silent := queue.View[ask, int](s.q, "silent")
		s.q.Announce = &topic{}
		for name, m := range map[string]*worker.Mux{
			"nobody":        worker.NewMux(),
			"nil":           worker.NewMux(nil),
			"the zero Mux":  {},
			"one twice":     worker.NewMux(worker.New(s.q, answer), worker.New(s.q, answer)),
			"two queues":    worker.NewMux(worker.New(s.q, answer), worker.New(queue.View[ask, int](other, "b"), answer)),
			"two stores":    worker.NewMux(worker.New(s.q, answer), worker.New(queue.View[ask, int](queue.New[ask, int](s.store.Backend, "answers"), "b"), answer)),
			"half a topic":  worker.NewMux(worker.New(s.q, answer), worker.New(silent, answer)),
			"no handler":    worker.NewMux(worker.New[ask, int](s.q, nil)),
			"a bad kind":    worker.NewMux(worker.New(queue.View[ask, int](s.q, "a@b"), answer)),
			"no queue":      worker.NewMux(worker.New[ask, int](nil, answer)),
			"a zero worker": worker.NewMux(&worker.Worker[ask, int]{}),
		} {
			err := m.Run(s.Context())
			var invalid *queue.InvalidError
			if !errors.As(err, &invalid) || !strings.HasPrefix(err.Error(), "worker: ") {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// A decorator that can't be compared is no reason to panic.
func TestMuxOfAStoreThatCannotBeCompared(t *testing.T) {
	play(t, func(s *scene) {
		s.q = queue.New[ask, int](tagged{s.store, []string{"a", "b"}}, "answers")
		m := worker.NewMux(worker.New(s.q, answer), worker.New(queue.View[ask, int](s.q, "b"), answer))
		m.Logger = s.log
		s.start(m)
		ref := s.enqueue(21)
		pass(time.Second)
		s.expectAnswer(ref, 42)
	})
}

type tagged struct {
	backends.Backend
	tags []string
}
