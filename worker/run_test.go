package worker_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// runner is a Runner made of a func.
type runner func(ctx context.Context) error

func (r runner) Run(ctx context.Context) error { return r(ctx) }

func TestRunStopsAllWhenOneFails(t *testing.T) {
	play(t, func(s *scene) {
		fails := runner(func(context.Context) error {
			time.Sleep(time.Minute)
			return errSad
		})
		quits := runner(func(context.Context) error { return nil })
		late := runner(func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(time.Second)
			return errors.New("late")
		})
		w := s.worker(waits(10 * time.Second))
		ref := s.enqueue(21, queue.Delay(55*time.Second))
		err := worker.Run(s.Context(), w, quits, fails, late)
		if match(s, err, errSad); err.Error() != "sad\nlate" {
			t.Errorf("error %q", err)
		}
		if d := since(); d != 65*time.Second {
			t.Errorf("it ended after %v", d)
		}
		s.expectAnswer(ref, 42) // the worker has drained
		if h := w.Health(); h.Phase != worker.Stopped {
			t.Errorf("health %+v", h)
		}
	})
}

func TestAWorkerRunsOnceAtATime(t *testing.T) {
	play(t, func(s *scene) {
		w := s.worker(answer)
		first := s.start(w)
		pass(time.Second)
		var invalid *queue.InvalidError
		if err := w.Run(s.Context()); !errors.As(err, &invalid) || invalid.Field != "Worker" {
			t.Errorf("a second Run beside the first: %v", err)
		}
		ref := s.enqueue(21)
		pass(time.Second)
		s.expectAnswer(ref, 42)
		first.clean()
		s.start(w).clean()
	})
}

func TestRunOfNobodyEndsAtOnce(t *testing.T) {
	if err := worker.Run(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestRunRefusesNil(t *testing.T) {
	ran := false
	err := worker.Run(t.Context(), nil, runner(func(context.Context) error { ran = true; return nil }))
	if want := "worker: invalid Runner: is nil"; err == nil || err.Error() != want || !errors.Is(err, queue.ErrInvalid) || ran {
		t.Errorf("%v, want %s; the other ran: %v", err, want, ran)
	}
}

func TestInvalidWorkersAreRefused(t *testing.T) {
	for field, spoil := range map[string]func(w *worker.Worker[ask, int]){
		"Pool.Concurrency": func(w *worker.Worker[ask, int]) { w.Concurrency = -1 },
		"Pool":             func(w *worker.Worker[ask, int]) { w.Pool = worker.Pool{} },
		"Pool.Lease":       func(w *worker.Worker[ask, int]) { w.Lease = -1 },
		"Pool.Beat ":       func(w *worker.Worker[ask, int]) { w.Beat = -1 },
		"Pool.Grace":       func(w *worker.Worker[ask, int]) { w.Grace = -1 },
		"Pool.Kill":        func(w *worker.Worker[ask, int]) { w.Kill = -1 },
		"Pool.Margin":      func(w *worker.Worker[ask, int]) { w.Margin = -1 },
		"Pool.Beat":        func(w *worker.Worker[ask, int]) { w.Beat, w.Lease = time.Minute, time.Minute },
		"Pool.Lease ":      func(w *worker.Worker[ask, int]) { w.Lease = 30 }, // nanoseconds, when seconds were meant
		"Lease":            func(w *worker.Worker[ask, int]) { w.Lease = 200 * 365 * 24 * time.Hour },
		"Worker.RunLimit":  func(w *worker.Worker[ask, int]) { w.RunLimit = -1 },
		"Resource.Name":    func(w *worker.Worker[ask, int]) { w.Resources = []queue.Resource{{}} },
		"Resource.Cap": func(w *worker.Worker[ask, int]) {
			w.Resources = []queue.Resource{{Name: "db", Cap: queue.Cap{Rate: -1}}}
		},
	} {
		play(t, func(s *scene) {
			w := s.worker(answer)
			spoil(w)
			err := w.Run(s.Context())
			var invalid *queue.InvalidError
			if !errors.As(err, &invalid) || invalid.Field != strings.TrimSpace(field) || !strings.HasPrefix(err.Error(), "worker: ") {
				t.Errorf("%s: %v", field, err)
			}
			if h := w.Health(); h.Phase != worker.Idle && h.Phase != worker.Stopped {
				t.Errorf("%s: %+v", field, h)
			}
		})
	}
}

func TestInvalidQueuesAreRefused(t *testing.T) {
	play(t, func(s *scene) {
		nameless := queue.New[ask, int](s.store, "")
		negative := queue.New[ask, int](s.store, "answers")
		negative.MaxAttempts = -1
		for name, q := range map[string]*queue.Queue[ask, int]{
			"nameless": nameless, "negative": negative, "nil": nil, "no backend": queue.New[ask, int](nil, "answers"),
		} {
			err := worker.Consume(s.Context(), q, answer)
			if !errors.Is(err, queue.ErrInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestLeaseIsAtMostTheStores(t *testing.T) {
	play(t, func(s *scene) {
		s.q = queue.New[ask, int](short{s.store}, "answers")
		s.enqueue(21)
		w := s.worker(answer)
		w.Lease = 11 * time.Second
		match(s, w.Run(s.Context()), queue.ErrInvalid)
		w.Lease = 0 // the default, as far as the store goes
		s.start(w)
		pass(time.Second)
		if h := w.Health(); !h.Ready() {
			t.Errorf("health %+v", h)
		}
	})
}

// short is a store that gives leases of ten seconds at most.
type short struct{ backends.Backend }

func (b short) Features() backends.Features {
	f := b.Backend.Features()
	f.MaxLease = 10 * time.Second
	return f
}

func (b short) Claim(ctx context.Context, req backends.ClaimRequest) ([]*backends.Lease, error) {
	if err := req.Check(b.Features()); err != nil {
		return nil, err
	}
	return b.Backend.Claim(ctx, req)
}

func TestConsumeIsAWorkerWithTheDefaults(t *testing.T) {
	play(t, func(s *scene) {
		ctx, stop := context.WithCancel(s.Context())
		s.startIn(ctx, stop, runner(func(ctx context.Context) error { return worker.Consume(ctx, s.q, answer) }))
		ref := s.enqueue(21)
		pass(time.Second)
		s.expectAnswer(ref, 42)
	})
}

func TestNoResultIsNothing(t *testing.T) {
	play(t, func(s *scene) {
		q := queue.New[ask, queue.None](s.store, "answers")
		w := worker.New(q, worker.NoResult(func(_ context.Context, job *queue.Job[ask]) error {
			if job.Args.N == 13 {
				return worker.Permanent(errSad)
			}
			return nil
		}))
		w.Logger = s.log
		s.start(w)
		good, bad := s.enqueue(1), s.enqueue(13)
		pass(time.Second)
		if r := s.expect(good, queue.Succeeded, 1); len(r.Result) != 0 {
			t.Errorf("result %q", r.Result)
		}
		s.expect(bad, queue.Dead, 1)
	})
}

// Middleware is a func from handler to handler.
func TestMiddlewareWraps(t *testing.T) {
	play(t, func(s *scene) {
		var steps seen[string]
		around := func(name string, next handler) handler {
			return func(ctx context.Context, job *queue.Job[ask]) (int, error) {
				steps.add(name + " in")
				n, err := next(ctx, job)
				steps.add(fmt.Sprintf("%s out %d %v", name, n, err))
				if err != nil {
					return n, worker.Permanent(err)
				}
				return n + 1, nil
			}
		}
		s.work(around("a", around("b", answer)))
		ref := s.enqueue(20)
		pass(time.Second)
		s.expectAnswer(ref, 42)
		if got := strings.Join(steps.list(), ", "); got != "a in, b in, b out 40 <nil>, a out 41 <nil>" {
			t.Errorf("steps %s", got)
		}
	})
}
