package worker_test

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// fails is a handler that fails n times with err, and then answers.
func fails(n int, err error) handler {
	return func(ctx context.Context, job *queue.Job[ask]) (int, error) {
		if n--; n >= 0 {
			return 0, err
		}
		return answer(ctx, job)
	}
}

func TestRule_R9_PermanentErrorIsADeadLetterAtOnce(t *testing.T) {
	play(t, func(s *scene) {
		s.work(fails(1, fmt.Errorf("very %w", worker.Permanent(errSad))))
		ref := s.enqueue(1)
		pass(time.Second)
		if r := s.expect(ref, queue.Dead, 1); r.Reason != "permanent error" || r.Failures[0].Text != "very sad" {
			t.Errorf("reason %q, failure %q", r.Reason, r.Failures[0].Text)
		}
	})
}

func TestRule_R9_RetryAfterGoesBeforeTheBackoff(t *testing.T) {
	play(t, func(s *scene) {
		s.work(fails(1, worker.RetryAfter(2*time.Hour, errSad)))
		ref := s.enqueue(1)
		pass(2*time.Hour - time.Second)
		if r := s.expect(ref, queue.Waiting, 1); len(r.Failures) != 1 {
			t.Errorf("failures %v", r.Failures)
		}
		pass(2 * time.Second)
		s.expect(ref, queue.Succeeded, 2)
	})
}

func TestRule_R9_SnoozeUsesNoAttempt(t *testing.T) {
	play(t, func(s *scene) {
		s.work(fails(20, worker.Snooze(time.Minute)))
		ref := s.enqueue(1, queue.MaxAttempts(1))
		pass(19*time.Minute + time.Second)
		s.expect(ref, queue.Waiting, 0)
		pass(time.Minute)
		if r := s.expect(ref, queue.Succeeded, 1); len(r.Failures) != 0 || r.Token != 21 {
			t.Errorf("failures %v, token %d", r.Failures, r.Token)
		}
	})
}

// What the store would refuse is made sensible, and the job goes on.
func TestRule_R9_SpansOfNonsenseAreTakenForTheNearest(t *testing.T) {
	for name, err := range map[string]error{
		"snooze into the past": &worker.SnoozeError{After: -time.Hour},
		"snooze for nothing":   worker.Snooze(0),
		"retry in the past":    &worker.RetryAfterError{After: math.MinInt64, Err: errSad},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *scene) {
				s.work(fails(1, err))
				ref := s.enqueue(1)
				pass(time.Second)
				if r := s.record(ref); r.State != queue.Succeeded || r.Crashes != 0 {
					t.Errorf("%v after %d crashes", r.State, r.Crashes)
				}
			})
		})
	}
	play(t, func(s *scene) {
		s.work(fails(1, worker.Snooze(math.MaxInt64)))
		ref := s.enqueue(1)
		pass(time.Hour)
		if r := s.expect(ref, queue.Waiting, 0); time.Until(r.Due) < 90*365*24*time.Hour {
			t.Errorf("due at %v", r.Due)
		}
	})
}

func TestRule_R9_BackoffIsTheWorkers(t *testing.T) {
	play(t, func(s *scene) {
		var asked []int
		w := s.worker(fails(3, errSad))
		w.Backoff = func(n int) time.Duration {
			asked = append(asked, n)
			return time.Duration(n) * time.Hour
		}
		s.start(w)
		ref := s.enqueue(1)
		for _, n := range []int{1, 2, 3} {
			pass(time.Second)
			if r := s.expect(ref, queue.Waiting, n); time.Until(r.Due).Round(time.Minute) != time.Duration(n)*time.Hour {
				t.Errorf("after %d attempts due in %v", n, time.Until(r.Due))
			}
			pass(time.Duration(n) * time.Hour)
		}
		s.expect(ref, queue.Succeeded, 4)
		if fmt.Sprint(asked) != "[1 2 3]" {
			t.Errorf("asked for %v", asked)
		}
	})
}

func TestNilVerdictsAreSuccess(t *testing.T) {
	play(t, func(s *scene) {
		s.work(func(ctx context.Context, job *queue.Job[ask]) (int, error) {
			n, err := answer(ctx, job)
			return n, worker.Permanent(worker.RetryAfter(time.Hour, err))
		})
		ref := s.enqueue(21)
		pass(time.Second)
		s.expectAnswer(ref, 42)
	})
}
