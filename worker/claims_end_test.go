package worker_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// R16: what is left unsettled is given back, however the body ends.
func TestClaimsThatAreLeftAreGivenBack(t *testing.T) {
	for name, leave := range map[string]func(s *scene){
		"next": func(s *scene) {
			n := 0
			match(s, s.loop(s.Context(), 2, func(*claim) { n++ }), nil)
		},
		"break": func(s *scene) {
			for range s.worker(nil).Claims(s.Context()) {
				break
			}
		},
		"panic": func(s *scene) {
			defer func() {
				if p := recover(); p != "oh" {
					s.Errorf("panic %v", p)
				}
			}()
			s.loop(s.Context(), 1, func(*claim) { panic("oh") })
		},
		"Goexit": func(s *scene) {
			done := make(chan struct{})
			go func() {
				defer close(done)
				s.loop(s.Context(), 1, func(*claim) { runtime.Goexit() })
			}()
			<-done
		},
		"the end of ctx": func(s *scene) {
			ctx, stop := context.WithCancel(s.Context())
			match(s, s.loop(ctx, 0, func(*claim) { stop() }), nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *scene) {
				ref := s.enqueue(1, queue.MaxAttempts(1))
				leave(s)
				if d := since(); d > time.Second {
					t.Errorf("it took %v", d)
				}
				s.settled(nil)
				if r := s.expect(ref, queue.Waiting, 0); r.Token == 0 || len(r.Failures) != 0 {
					t.Errorf("token %d, failures %v", r.Token, r.Failures)
				}
			})
		})
	}
}

// R16: ctx ends while the body runs. It may finish, and what it says counts: Done
// takes the loop's context, as the documentation does.
func TestRule_R16_BodyMayFinishWhenTheLoopsContextHasEnded(t *testing.T) {
	play(t, func(s *scene) {
		ref := s.enqueue(21)
		other := s.enqueue(1)
		ctx, stop := context.WithCancel(s.Context())
		turns := 0
		err := s.loop(ctx, 0, func(c *claim) {
			turns++
			stop()
			time.Sleep(worker.DefaultGrace - time.Second)
			match(s, c.Context().Err(), nil)
			match(s, c.Done(ctx, 42), nil)
		})
		match(s, err, nil)
		s.expectAnswer(ref, 42)
		if s.expect(other, queue.Waiting, 0); turns != 1 {
			t.Errorf("%d turns", turns)
		}
	})
}

func TestRule_R16_BodyIsToldWhenTheGraceIsOver(t *testing.T) {
	play(t, func(s *scene) {
		ref := s.enqueue(21)
		ctx, stop := context.WithCancel(s.Context())
		err := s.loop(ctx, 0, func(c *claim) {
			stop()
			<-c.Context().Done()
			match(s, context.Cause(c.Context()), worker.ErrStopping)
			if d := since(); d != worker.DefaultGrace {
				t.Errorf("told after %v", d)
			}
			match(s, c.Fail(ctx, context.Cause(c.Context())), nil)
		})
		match(s, err, nil)
		s.expect(ref, queue.Waiting, 0)
	})
}

// A body that outlasts all of it has lost its claim, and the loop says so.
func TestRule_R16_BodyThatGoesOnIsStuck(t *testing.T) {
	play(t, func(s *scene) {
		ref := s.enqueue(21)
		ctx, stop := context.WithCancel(s.Context())
		err := s.loop(ctx, 0, func(c *claim) {
			stop()
			time.Sleep(time.Hour)
			match(s, c.Done(s.Context(), -1), queue.ErrLost)
		})
		var stuck *worker.StuckError
		if !errors.As(err, &stuck) || len(stuck.Jobs) != 1 || stuck.Jobs[0] != ref {
			t.Errorf("error %v", err)
		}
		s.work(answer)
		pass(time.Second)
		s.expectAnswer(ref, 42)
	})
}

// A store that is down: Done says that it doesn't know when its context ends, and
// the outcome is written all the same.
func TestDoneEndsWithItsContext(t *testing.T) {
	play(t, func(s *scene) {
		ref := s.enqueue(21)
		err := s.loop(s.Context(), 1, func(c *claim) {
			s.store.Inject(backendtest.Fault{Verb: backendtest.Settle})
			ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
			defer cancel()
			begun := time.Now()
			match(s, c.Done(ctx, 42), context.DeadlineExceeded)
			if d := time.Since(begun); d > time.Minute+time.Second {
				t.Errorf("it took %v", d)
			}
			s.store.Lift()
		})
		s.settled(err)
		s.expectAnswer(ref, 42)
	})
}

func TestDoneEndsWithTheLoop(t *testing.T) {
	play(t, func(s *scene) {
		s.enqueue(21)
		ctx, stop := context.WithCancel(s.Context())
		err := s.loop(ctx, 0, func(c *claim) {
			s.store.Inject(backendtest.Fault{Verb: backendtest.Settle})
			stop()
			match(s, c.Done(context.Background(), 42), worker.ErrStopping)
			if d := since(); d > allOfIt+time.Second {
				t.Errorf("it took %v", d)
			}
		})
		match(s, err, nil)
	})
}

func TestClaimsErrorEndsTheLoop(t *testing.T) {
	play(t, func(s *scene) {
		turns := 0
		w := s.worker(nil)
		w.Lease = -1
		for c, err := range w.Claims(s.Context()) {
			if turns++; c != nil || !errors.Is(err, queue.ErrInvalid) {
				t.Errorf("claim %v, error %v", c, err)
			}
		}
		match(s, s.store.Close(), nil)
		for c, err := range worker.Claims(s.Context(), s.q) {
			if turns++; c != nil || !errors.Is(err, queue.ErrClosed) {
				t.Errorf("claim %v, error %v", c, err)
			}
		}
		if turns != 2 {
			t.Errorf("%d turns", turns)
		}
	})
}

func TestClaimsOfAContextThatHasEndedIsEmpty(t *testing.T) {
	play(t, func(s *scene) {
		ref := s.enqueue(1)
		ctx, stop := context.WithCancel(s.Context())
		stop()
		match(s, s.loop(ctx, 0, func(*claim) { t.Error("a turn") }), nil)
		s.expect(ref, queue.Waiting, 0)
	})
}
