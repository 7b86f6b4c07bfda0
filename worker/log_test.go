package worker_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// curious is a log that looks at the worker's health at every line, as one might
// that counts problems. It would wait for ever for a lock that the worker holds.
type curious struct {
	slog.Handler
	w *worker.Worker[ask, int]
}

func (c *curious) Handle(ctx context.Context, r slog.Record) error {
	c.w.Health()
	return c.Handler.Handle(ctx, r)
}

func (c *curious) WithAttrs(a []slog.Attr) slog.Handler {
	return &curious{c.Handler.WithAttrs(a), c.w}
}

func TestNothingIsLoggedUnderTheLock(t *testing.T) {
	play(t, func(s *scene) {
		to := &topic{}
		to.fail(errSad)
		s.q.Announce = to
		free := make(chan struct{})
		w := s.worker(func(ctx context.Context, job *queue.Job[ask]) (int, error) {
			if job.Args.N == 1 {
				<-free // it ignores its context
			}
			return 0, errSad
		})
		w.RunLimit, w.Grace, w.Concurrency = time.Minute, time.Second, 4
		w.Logger = slog.New(&curious{s.log.Handler(), w})
		s.start(w)
		s.enqueue(1)
		s.enqueue(2, queue.MaxAttempts(1))
		pass(2 * time.Minute) // the first is stuck, the event of the second can't leave
		close(free)
		s.store.Inject(
			backendtest.Fault{Verb: backendtest.Extend, Kind: backendtest.Stall},
			backendtest.Fault{Verb: backendtest.Claim, Rate: backendtest.Times(2)},
		)
		pass(time.Hour) // leases are lost, claims fail
		for _, line := range []string{
			"a handler doesn't return", "an attempt failed", "events could not be announced", "what came of an attempt was not taken",
		} {
			if !strings.Contains(s.lines.String(), line) {
				t.Errorf("the log doesn't say %q", line)
			}
		}
	})
}

// A cancel is an order, not a failure: who reads warnings doesn't see it, nor words
// without a value.
func TestWhatSomebodyAskedForIsNoWarning(t *testing.T) {
	play(t, func(s *scene) {
		w := s.worker(func(ctx context.Context, job *queue.Job[ask]) (int, error) {
			if job.Args.N == 1 {
				return 0, errSad
			}
			<-ctx.Done()
			return 0, ctx.Err()
		})
		w.Concurrency = 4
		s.start(w)
		cancelled, older := s.enqueue(2), s.enqueue(3, queue.Supersede("screen"))
		pass(time.Second)
		s.enqueue(4, queue.Supersede("screen"))
		match(s, s.q.Cancel(s.Context(), cancelled), nil)
		pass(5 * time.Second)
		failed := s.enqueue(1, queue.MaxAttempts(2))
		pass(time.Second / 2)
		for line := range strings.Lines(s.lines.String()) {
			asked := strings.Contains(line, cancelled.ID) || strings.Contains(line, older.ID)
			if asked && !strings.Contains(line, "level=DEBUG") || strings.Contains(line, `reason=""`) {
				t.Error(line)
			}
		}
		for _, id := range []string{cancelled.ID, older.ID, failed.ID} {
			if !strings.Contains(s.lines.String(), id) {
				t.Errorf("no line is of %s", id)
			}
		}
	})
}

// An attempt that failed because its context had ended says why that was, which the
// type of its error doesn't.
func TestTheLogSaysWhyAContextEnded(t *testing.T) {
	play(t, func(s *scene) {
		w := s.worker(func(ctx context.Context, job *queue.Job[ask]) (int, error) {
			<-ctx.Done()
			if job.Args.N == 2 && job.Attempt == 1 {
				time.Sleep(time.Minute) // and is stuck meanwhile
			}
			return 0, ctx.Err()
		})
		w.RunLimit, w.Grace, w.Concurrency = time.Minute, time.Second, 4
		s.start(w)
		refs := map[string]queue.Ref{"an attempt failed": s.enqueue(1, queue.MaxAttempts(1)), "a handler doesn't return": s.enqueue(2, queue.MaxAttempts(2))}
		pass(5 * time.Minute)
		for says, ref := range refs {
			found := false
			for line := range strings.Lines(s.lines.String()) {
				if strings.Contains(line, says) && strings.Contains(line, ref.ID) {
					found = true
					if !strings.Contains(line, `cause="worker: the run limit was reached"`) {
						t.Error(line)
					}
				}
			}
			if !found {
				t.Errorf("no line says %q of %s", says, ref.ID)
			}
		}
	})
}
