package worker_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

type claim = worker.Claim[ask, int]

// loop takes n claims in a loop of its own, and is what the loop ended with.
func (s *scene) loop(ctx context.Context, n int, body func(c *claim)) error {
	for c, err := range s.worker(nil).Claims(ctx) {
		if err != nil {
			return err
		}
		body(c)
		if n--; n == 0 {
			return nil
		}
	}
	return nil
}

func TestClaimsAreDoneOrFailed(t *testing.T) {
	play(t, func(s *scene) {
		to := s.withTopic()
		good, bad, late, sad := s.enqueue(1), s.enqueue(2), s.enqueue(3), s.enqueue(4)
		s.settled(s.loop(s.Context(), 4, func(c *claim) {
			switch c.Args.N {
			case 1:
				match(s, c.Done(s.Context(), 42), nil)
			case 2:
				match(s, c.Fail(s.Context(), worker.Permanent(errSad)), nil)
			case 3:
				match(s, c.Fail(s.Context(), worker.Snooze(time.Hour)), nil)
			case 4:
				match(s, c.Fail(s.Context(), nil), nil)
			}
		}))
		s.expectAnswer(good, 42)
		if r := s.expect(bad, queue.Dead, 1); r.Failures[0].Text != "sad" {
			t.Errorf("failures %v", r.Failures)
		}
		s.expect(late, queue.Waiting, 0)
		if r := s.expect(sad, queue.Waiting, 1); len(r.Failures) != 1 {
			t.Errorf("failures %v", r.Failures)
		}
		if n := len(to.delivered()); n != 2 {
			t.Errorf("%d events", n)
		}
	})
}

// settled fails on an error, and if anything is held.
func (s *scene) settled(err error) {
	s.Helper()
	match(s, err, nil)
	stats, err := s.q.Stats(s.Context())
	match(s, err, nil)
	if stats.Running != 0 || stats.Owing != 0 {
		s.Errorf("stats %+v", stats)
	}
}

func TestClaimIsSettledOnce(t *testing.T) {
	play(t, func(s *scene) {
		s.enqueueAll(2)
		var old *claim
		s.settled(s.loop(s.Context(), 2, func(c *claim) {
			if old != nil {
				if err := old.Done(s.Context(), 3); err == nil {
					t.Error("a claim was done after its turn")
				}
			}
			old = c
			match(s, c.Done(s.Context(), 1), nil)
			if c.Done(s.Context(), 2) == nil || c.Fail(s.Context(), errSad) == nil {
				t.Error("a claim was settled twice")
			}
		}))
	})
}

func TestRule_R8_ClaimIsHeldWhileTheBodyRuns(t *testing.T) {
	play(t, func(s *scene) {
		ref := s.enqueue(21)
		err := s.loop(s.Context(), 1, func(c *claim) {
			s.work(func(context.Context, *queue.Job[ask]) (int, error) {
				t.Error("it ran elsewhere")
				return 0, nil
			})
			c.Progress(40, "on it")
			time.Sleep(30 * time.Minute)
			if p := s.record(ref).Progress; p.Percent != 40 {
				t.Errorf("progress %+v", p)
			}
			match(s, c.Done(c.Context(), 42), nil)
		})
		s.settled(err)
		s.expectAnswer(ref, 42)
	})
}

// Nothing is leased ahead: the next claim is made when the body asks for it.
func TestRule_R8_ClaimsAreTakenOneByOne(t *testing.T) {
	play(t, func(s *scene) {
		s.enqueueAll(3)
		err := s.loop(s.Context(), 3, func(c *claim) {
			pass(time.Minute)
			stats, err := s.q.Stats(s.Context())
			if match(s, err, nil); stats.Running != 1 {
				t.Errorf("%d are leased", stats.Running)
			}
			match(s, c.Done(s.Context(), 1), nil)
			pass(time.Minute)
			if stats, err = s.q.Stats(s.Context()); err != nil || stats.Running != 0 {
				t.Errorf("%d are leased after Done, %v", stats.Running, err)
			}
		})
		s.settled(err)
	})
}

func TestClaimsContextEndsAsAHandlersDoes(t *testing.T) {
	for name, c := range map[string]struct {
		do    func(s *scene, ref queue.Ref)
		cause error
		done  error
		state queue.State
	}{
		"cancel": {
			func(s *scene, ref queue.Ref) { match(s, s.q.Cancel(s.Context(), ref), nil) },
			queue.ErrCancelled, queue.ErrCancelled, queue.Cancelled,
		},
		"supersede": {
			func(s *scene, _ queue.Ref) { s.enqueue(2, queue.Supersede("screen"), queue.Delay(time.Hour)) },
			queue.ErrSuperseded, queue.ErrSuperseded, queue.Superseded,
		},
		"run limit": {func(*scene, queue.Ref) {}, worker.ErrRunLimit, nil, queue.Succeeded},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *scene) {
				ref := s.enqueue(1, queue.Supersede("screen"), queue.RunLimit(time.Minute))
				err := s.loop(s.Context(), 1, func(cl *claim) {
					c.do(s, ref)
					<-cl.Context().Done()
					match(s, context.Cause(cl.Context()), c.cause)
					match(s, cl.Done(s.Context(), 1), c.done)
				})
				s.settled(err)
				s.expect(ref, c.state, 1)
			})
		})
	}
}

// After Done the body may go on: the clock doesn't run for it any more.
func TestBodyMayGoOnAfterDone(t *testing.T) {
	play(t, func(s *scene) {
		s.q.Announce = &topic{delay: 20 * time.Second}
		s.enqueue(1, queue.RunLimit(time.Minute))
		w := s.worker(nil)
		w.Grace = time.Second
		for c, err := range w.Claims(s.Context()) {
			match(s, err, nil)
			match(s, c.Done(s.Context(), 1), nil)
			time.Sleep(time.Hour)
			if h := w.Health(); len(h.Stuck) != 0 || c.Context().Err() != nil {
				t.Errorf("health %+v, context %v", h, c.Context().Err())
			}
			break
		}
		s.settled(nil)
	})
}

func TestRule_R5_ClaimThatWasLostIsRefused(t *testing.T) {
	play(t, func(s *scene) {
		ref := s.enqueue(21)
		way := backendtest.NewFaulty(s.store)
		store := s.q
		s.q = queue.New[ask, int](way, "answers")
		err := s.loop(s.Context(), 1, func(c *claim) {
			way.Inject(backendtest.Fault{Verb: backendtest.Extend, Kind: backendtest.Stall})
			s.q = store
			s.work(answer)
			pass(2 * worker.DefaultLease)
			match(s, c.Done(s.Context(), -1), queue.ErrLost)
		})
		match(s, err, nil)
		s.expectAnswer(ref, 42)
	})
}

func TestClaimsSaysWhatBecameOfAResult(t *testing.T) {
	play(t, func(s *scene) {
		q := queue.New[ask, chan int](s.store, "answers")
		ref := s.enqueue(1)
		for c, err := range worker.Claims(s.Context(), q) {
			match(s, err, nil)
			if err := c.Done(s.Context(), nil); err != nil { // null can be encoded? a channel can't
				if !strings.Contains(err.Error(), "chan int") {
					t.Errorf("error %v", err)
				}
			}
			break
		}
		s.expect(ref, queue.Dead, 1)
	})
}

// Args that can't be decoded never reach the body.
func TestRule_R10_ClaimsSkipsWhatCannotBeDecoded(t *testing.T) {
	play(t, func(s *scene) {
		ref := queue.Ref{ID: "foreign"}
		_, err := s.store.Enqueue(s.Context(), backends.EnqueueRequest{
			Queue: "answers", Jobs: []backends.Job{{Ref: ref, Payload: []byte("{")}},
		})
		match(s, err, nil)
		good := s.enqueue(1)
		s.settled(s.loop(s.Context(), 1, func(c *claim) { match(s, c.Done(s.Context(), 2), nil) }))
		s.expect(ref, queue.Dead, 1)
		s.expectAnswer(good, 2)
	})
}

func TestLoopsMayRunSideBySide(t *testing.T) {
	play(t, func(s *scene) {
		refs := s.enqueueAll(20)
		ctx, stop := context.WithCancel(s.Context())
		done := make(chan error, 4)
		var seen seen[string]
		w := s.worker(nil)
		for range 4 {
			go func() {
				for c, err := range w.Claims(ctx) {
					if err != nil {
						done <- err
						return
					}
					seen.add(c.ID)
					time.Sleep(time.Minute)
					if err := c.Done(ctx, 2*c.Args.N); err != nil {
						t.Error(err)
					}
				}
				done <- nil
			}()
		}
		pass(5*time.Minute + time.Second)
		if n := seen.len(); n != 20 {
			t.Errorf("%d turns", n)
		}
		stop()
		for range 4 {
			match(s, <-done, nil)
		}
		for i, ref := range refs {
			s.expectAnswer(ref, 2*i)
		}
	})
}

func TestClaimsWaitsForJobs(t *testing.T) {
	play(t, func(s *scene) {
		ctx, stop := context.WithCancel(s.Context())
		var at seen[time.Duration]
		done := make(chan error)
		go func() {
			done <- s.loop(ctx, 0, func(c *claim) {
				at.add(since())
				match(s, c.Done(ctx, 1), nil)
			})
		}()
		for range 3 {
			pass(time.Hour)
			s.enqueue(1)
			synctest.Wait()
		}
		stop()
		match(s, <-done, nil)
		if got := at.list(); len(got) != 3 || got[2] != 3*time.Hour {
			t.Errorf("turns at %v", got)
		}
	})
}
