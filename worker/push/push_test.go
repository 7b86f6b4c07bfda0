package push_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
	"github.com/leat-go/leat/worker/push"
)

// outbox is a topic: what is sent to it is pushed by nobody.
// stage is a Handler on a queue with records, in virtual time.
// pubsub is the body of a push, as Pub/Sub sends it.
// post serves one request; headers are in pairs.
// enqueue is a job of ours, and the body by which it is pushed.
func double(_ context.Context, j *job) (int, error) { return 2 * j.Args, nil }

func TestJobIsAckedWhenItIsSettled(t *testing.T) {
	play(t, double, func(s *stage) {
		ref, body := s.enqueue(21)
		s.answers(s.post(pubsub("1", body)), http.StatusNoContent, "")
		s.is(ref, queue.Succeeded, 1)
		s.answers(s.post(pubsub("1", body)), http.StatusNoContent, "") // R7: no handler runs
		s.is(ref, queue.Succeeded, 1)
	})
}

func TestPlainPostIsAJob(t *testing.T) {
	var mu sync.Mutex
	var seen []int
	play(t, func(_ context.Context, j *job) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, j.Args)
		return 0, nil
	}, func(s *stage) {
		ref, body := s.enqueue(1)
		s.answers(s.post(string(body), "Message-Id", "a"), http.StatusNoContent, "")
		s.is(ref, queue.Succeeded, 1)
		s.answers(s.post("2", "Message-Id", "b"), http.StatusNoContent, "")
		s.answers(s.post("2", "Idempotency-Key", "b"), http.StatusNoContent, "") // the same
		s.answers(s.post("3"), http.StatusNoContent, "")
		s.answers(s.post("3"), http.StatusNoContent, "") // another
		s.answers(s.post(pubsub("c", []byte("4"))), http.StatusNoContent, "")
		if fmt.Sprint(seen) != "[1 2 3 3 4]" {
			s.Errorf("ran %v", seen)
		}
	})
}

// R9: a failed attempt comes again when its delay is over, and not before.
func TestRule_R9_RetryAfterSaysWhen(t *testing.T) {
	play(t, func(_ context.Context, j *job) (int, error) {
		if j.Attempt == 1 {
			return 0, worker.RetryAfter(90*time.Second, errBad)
		}
		return 1, nil
	}, func(s *stage) {
		ref, body := s.enqueue(1)
		s.answers(s.post(pubsub("1", body)), http.StatusServiceUnavailable, "90")
		time.Sleep(30 * time.Second)
		s.answers(s.post(pubsub("1", body)), http.StatusServiceUnavailable, "60")
		s.is(ref, queue.Waiting, 1)
		time.Sleep(60 * time.Second)
		s.answers(s.post(pubsub("1", body)), http.StatusNoContent, "")
		s.is(ref, queue.Succeeded, 2)
	})
}

func TestPanicGoexitAndPoison(t *testing.T) {
	play(t, func(_ context.Context, j *job) (int, error) {
		switch j.Args {
		case 1:
			panic("poof")
		case 2:
			runtime.Goexit()
		}
		return 0, worker.Permanent(errBad)
	}, func(s *stage) {
		for n, want := range map[int]int{1: http.StatusServiceUnavailable, 2: http.StatusServiceUnavailable, 3: http.StatusNoContent} {
			_, body := s.enqueue(n)
			if w := s.post(pubsub(fmt.Sprint(n), body)); w.Code != want {
				s.Errorf("%d: %d", n, w.Code)
			}
		}
		s.answers(s.post("not a number", "Message-Id", "x"), http.StatusNoContent, "") // a dead letter
	})
}

// Nobody posts here who isn't verified, and nobody is who can't be.
// hangs until its context ends.
func hangs(ctx context.Context, _ *job) (int, error) {
	<-ctx.Done()
	return 0, context.Cause(ctx)
}

// R16: a request has its time, and what it could not do it gives back.
func TestRule_R16_RequestEndsInTime(t *testing.T) {
	for name, c := range map[string]struct {
		timeout, request, most time.Duration
	}{
		"the handler's timeout":  {30 * time.Second, 0, 30 * time.Second},
		"the default":            {0, 0, 10 * time.Second},
		"the request's deadline": {30 * time.Second, 5 * time.Second, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, hangs, func(s *stage) {
				s.h.Timeout = c.timeout
				ref, body := s.enqueue(1)
				ctx := s.Context()
				if c.request > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, c.request)
					defer cancel()
				}
				begun := time.Now()
				if w := s.serve(ctx, pubsub("1", body)); w.Code != http.StatusServiceUnavailable {
					s.Errorf("answered %d", w.Code)
				}
				if d := time.Since(begun); d >= c.most || d < c.most*8/10 {
					s.Errorf("took %v of %v", d, c.most)
				}
				s.is(ref, queue.Waiting, 1) // it had all the time
			})
		})
	}
}

// A sender that hangs up takes the job with it: no attempt is used.
func TestSenderThatHangsUp(t *testing.T) {
	play(t, hangs, func(s *stage) {
		s.h.Timeout = time.Minute
		ref, body := s.enqueue(1)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.Context()), time.Hour)
		time.AfterFunc(20*time.Second, cancel)
		if w := s.serve(ctx, pubsub("1", body)); w.Code != http.StatusServiceUnavailable {
			s.Errorf("answered %d", w.Code)
		}
		s.is(ref, queue.Waiting, 0)
	})
}

func TestHandlerThatNeverReturnsIsLeft(t *testing.T) {
	release := make(chan struct{})
	play(t, func(context.Context, *job) (int, error) { <-release; return 0, nil }, func(s *stage) {
		release = make(chan struct{})
		ref, body := s.enqueue(1)
		s.answers(s.post(pubsub("1", body)), http.StatusServiceUnavailable, "")
		s.is(ref, queue.Running, 1)
		close(release)
		synctest.Wait()
		s.answers(s.post(pubsub("1", body)), http.StatusNoContent, "") // it takes over
		s.is(ref, queue.Succeeded, 2)
	})
}

// As many requests run as may; a message that comes again while it runs waits.
func TestConcurrencyAndDuplicates(t *testing.T) {
	play(t, func(context.Context, *job) (int, error) { time.Sleep(5 * time.Second); return 0, nil }, func(s *stage) {
		s.h.Concurrency = 2
		done := make(chan int, 2)
		for _, id := range []string{"a", "b"} {
			go func() { done <- s.post("1", "Message-Id", id).Code }()
		}
		time.Sleep(time.Second)
		s.answers(s.post("1", "Message-Id", "c"), http.StatusTooManyRequests, "1")
		s.h.Concurrency = 3
		s.answers(s.post("1", "Message-Id", "a"), http.StatusTooManyRequests, "1")
		for range 2 {
			if code := <-done; code != http.StatusNoContent {
				s.Errorf("answered %d", code)
			}
		}
		s.answers(s.post("1", "Message-Id", "a"), http.StatusNoContent, "")
	})
}

func TestNothingIsLeftBetweenRequests(t *testing.T) {
	play(t, double, func(s *stage) {
		before := runtime.NumGoroutine()
		for i := range 3 {
			s.post("1", "Message-Id", fmt.Sprint(i))
			synctest.Wait()
			if n := runtime.NumGoroutine(); n != before {
				s.Errorf("%d goroutines, %d before", n, before)
			}
		}
	})
}

func TestProgramsFaultsAre500(t *testing.T) {
	play(t, double, func(s *stage) {
		s.h.Margin = time.Hour
		s.answers(s.post("1"), http.StatusInternalServerError, "")
		elsewhere := memory.New(memory.Options{})
		defer elsewhere.Close()
		verify := s.h.Verify
		s.h = push.New(push.NewSource(nil), worker.New(queue.New[int, int](elsewhere, "jobs"), double))
		s.h.Verify, s.h.Logger = verify, slog.New(slog.DiscardHandler)
		s.answers(s.post("1"), http.StatusInternalServerError, "")
	})
}

func TestWithoutASenderNothingIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := broker.New(push.NewSource(nil), backendtest.NewShelf(), broker.Options{Logger: slog.New(slog.DiscardHandler)})
		defer b.Close()
		if _, err := queue.New[int, int](b, "jobs").Enqueue(t.Context(), 1); err == nil {
			t.Error("enqueued")
		}
	})
}

// Over a socket: a body that doesn't come is given up.
