package worker_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// here is a View as of a transaction that commits with each call.
type here struct{}

func (here) Bind(b backends.Backend) (backends.Backend, error) { return b, nil }

// completes is a handler that commits the job itself, and then returns err.
func (s *scene) completes(err error) handler {
	q := s.q
	return func(ctx context.Context, job *queue.Job[ask]) (int, error) {
		n := 2 * job.Args.N
		if err := q.On(here{}).Complete(ctx, job, n); err != nil {
			return 0, err
		}
		return n, err
	}
}

func TestSettledJobIsAnnouncedAsAnyOther(t *testing.T) {
	for name, err := range map[string]error{"plain": worker.Settled, "wrapped": fmt.Errorf("by me: %w", worker.Settled)} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *scene) {
				to := s.withTopic()
				var calls seen[paid]
				w := s.worker(s.completes(err))
				w.AfterSuccess = hook(&calls, nil)
				s.start(w)
				ref := s.enqueue(21)
				pass(time.Second)
				s.expectAnswer(ref, 42)
				s.owes(0)
				if got := to.delivered(); len(got) != 1 || got[0].State != queue.Succeeded || got[0].Attempt != 1 {
					t.Errorf("events %+v", got)
				}
				if calls.len() != 1 || calls.list()[0].result != 42 {
					t.Errorf("calls %v", calls.list())
				}
				if log := s.lines.String(); log != "" {
					t.Errorf("the log says\n%s", log)
				}
			})
		})
	}
}

func TestSettledJobThatOwesNothingIsOver(t *testing.T) {
	for _, retention := range []time.Duration{0, -1} {
		play(t, func(s *scene) {
			s.q.Retention = retention
			w := s.worker(s.completes(worker.Settled))
			s.start(w)
			ref := s.enqueue(21)
			pass(time.Second)
			if retention == 0 {
				s.expectAnswer(ref, 42)
			}
			if h := w.Health(); h.Busy != 0 || h.Settling != 0 {
				t.Errorf("health %+v", h)
			}
			if log := s.lines.String(); log != "" {
				t.Errorf("the log says\n%s", log)
			}
		})
	}
}

// A handler that says so and has not is held to its word.
func TestSettledWithoutCompleteIsAFailedAttempt(t *testing.T) {
	play(t, func(s *scene) {
		s.work(func(context.Context, *queue.Job[ask]) (int, error) { return 1, worker.Settled })
		ref := s.enqueue(21, queue.MaxAttempts(2))
		pass(time.Minute)
		r := s.expect(ref, queue.Dead, 2)
		if want := "the handler returned Settled, but the job is running: did its transaction commit?"; r.Failures[0].Text != want {
			t.Errorf("failure %q", r.Failures[0].Text)
		}
	})
}

// What was committed stays so, whatever the handler says afterwards, and is announced.
func TestCommittedJobStaysSo(t *testing.T) {
	for name, err := range map[string]error{
		"error": errSad, "permanent": worker.Permanent(errSad), "snooze": worker.Snooze(time.Second), "success": nil,
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *scene) {
				to := s.withTopic()
				w := s.worker(s.completes(err))
				s.start(w)
				ref := s.enqueue(21, queue.MaxAttempts(3))
				pass(2 * time.Minute)
				s.expectAnswer(ref, 42)
				s.owes(0)
				if got := to.delivered(); len(got) != 1 || got[0].State != queue.Succeeded {
					t.Errorf("events %+v", got)
				}
				if h := w.Health(); h.Busy != 0 || h.Settling != 0 {
					t.Errorf("health %+v", h)
				}
			})
		})
	}
}

// The record can't be read just then: nothing is lost by that.
func TestSettledThatCannotBeCheckedIsAnnouncedLater(t *testing.T) {
	play(t, func(s *scene) {
		to := s.withTopic()
		s.work(s.completes(worker.Settled))
		s.store.Inject(backendtest.Fault{Verb: backendtest.Lookup})
		ref := s.enqueue(21, queue.MaxAttempts(1))
		pass(time.Minute)
		s.store.Lift()
		s.expectAnswer(ref, 42)
		pass(time.Minute)
		s.owes(0)
		if got := to.delivered(); len(got) != 1 || got[0].State != queue.Succeeded {
			t.Errorf("events %+v", got)
		}
	})
}

func TestCompleteOfAJobThatWasCancelledIsRefused(t *testing.T) {
	play(t, func(s *scene) {
		var got error
		complete := s.completes(worker.Settled)
		s.work(func(ctx context.Context, job *queue.Job[ask]) (int, error) {
			match(s, s.q.Cancel(ctx, job.Ref()), nil)
			_, got = complete(ctx, job)
			return 0, got
		})
		ref := s.enqueue(21)
		pass(time.Second)
		match(s, got, queue.ErrCancelled)
		s.expect(ref, queue.Cancelled, 1)
	})
}

func TestClaimMayBeSettledInATransaction(t *testing.T) {
	play(t, func(s *scene) {
		to := s.withTopic()
		to.delay = time.Minute / 4
		ref := s.enqueue(21)
		err := s.loop(s.Context(), 1, func(c *claim) {
			match(s, s.q.On(here{}).Complete(s.Context(), c.Job, 42), nil)
			match(s, c.Fail(s.Context(), worker.Settled), nil)
			if d := since(); d != 0 {
				t.Errorf("it waited %v for the event", d)
			}
		})
		s.settled(err)
		s.expectAnswer(ref, 42)
		if n := len(to.delivered()); n != 1 || strings.Contains(s.lines.String(), "failed") {
			t.Errorf("%d events, log\n%s", n, s.lines)
		}
	})
}
