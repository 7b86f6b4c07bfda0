package worker_test

import (
	"context"
	"testing"
	"time"

	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

func TestRule_R8_CancelReachesTheHandlerWithinABeat(t *testing.T) {
	for name, c := range map[string]struct {
		told  func(s *scene, ref queue.Ref)
		cause error
		state queue.State
	}{
		"cancel": {
			func(s *scene, ref queue.Ref) { match(s, s.q.Cancel(s.Context(), ref), nil) }, queue.ErrCancelled, queue.Cancelled,
		},
		"supersede": {
			func(s *scene, _ queue.Ref) { s.enqueue(0, queue.Supersede("screen"), queue.Delay(time.Hour)) }, queue.ErrSuperseded, queue.Superseded,
		},
	} {
		for _, err := range []error{nil, errSad, worker.Permanent(errSad), worker.Snooze(time.Hour), worker.RetryAfter(1, errSad)} {
			play(t, func(s *scene) {
				var e ending
				s.work(func(ctx context.Context, _ *queue.Job[ask]) (int, error) {
					begun := time.Now()
					<-ctx.Done()
					e = ending{after: time.Since(begun), err: ctx.Err(), cause: context.Cause(ctx)}
					return 1, err
				})
				ref := s.enqueue(1, queue.Supersede("screen"))
				pass(time.Minute)
				c.told(s, ref)
				pass(worker.DefaultBeat)
				if e.after > time.Minute+worker.DefaultBeat || e.err != context.Canceled || e.cause != c.cause {
					t.Errorf("%s: %+v", name, e)
				}
				if r := s.expect(ref, c.state, 1); r.Result != nil {
					t.Errorf("%s, %v: result %q", name, err, r.Result)
				}
			})
		}
	}
}

// Cancelled and finished at the same moment: the store decides, and a handler that
// never noticed is none the worse.
func TestCancelBetweenTwoBeats(t *testing.T) {
	for _, err := range []error{nil, errSad, worker.Permanent(errSad), worker.Snooze(time.Hour)} {
		play(t, func(s *scene) {
			to := &topic{}
			s.q.Announce = to
			s.work(func(context.Context, *queue.Job[ask]) (int, error) {
				time.Sleep(500 * time.Millisecond)
				return 1, err
			})
			ref := s.enqueue(1)
			pass(100 * time.Millisecond)
			match(s, s.q.Cancel(s.Context(), ref), nil)
			pass(time.Second)
			s.expect(ref, queue.Cancelled, 1)
			if got := to.delivered(); len(got) != 1 || got[0].State != queue.Cancelled || got[0].Reason != "" {
				t.Errorf("%v: events %+v", err, got)
			}
		})
	}
}

// R13: a trailing job lets the one that runs finish.
func TestRule_R13_TrailingLetsTheRunningOneFinish(t *testing.T) {
	play(t, func(s *scene) {
		w := s.worker(func(ctx context.Context, job *queue.Job[ask]) (int, error) {
			time.Sleep(time.Minute)
			if ctx.Err() != nil {
				t.Errorf("it was told %v", context.Cause(ctx))
			}
			return answer(ctx, job)
		})
		w.Concurrency = 2
		s.start(w)
		first := s.enqueue(1, queue.Trailing("screen"))
		pass(time.Second)
		second := s.enqueue(2, queue.Trailing("screen"))
		pass(time.Second)
		third := s.enqueue(3, queue.Trailing("screen"))
		s.expect(second, queue.Superseded, 0)
		pass(30 * time.Second)
		s.expect(third, queue.Waiting, 0)
		pass(2 * time.Minute)
		s.expectAnswer(first, 2)
		s.expectAnswer(third, 6)
	})
}

// A handler that ignores the end of its context, whatever the reason, is given up
// when its grace is over: its lease lapses, the store ends the job, health is red.
func TestRule_R8_HandlerThatIgnoresItsEndIsGivenUp(t *testing.T) {
	for name, c := range map[string]struct {
		end   func(s *scene, ref queue.Ref, way *backendtest.Faulty)
		state queue.State
	}{
		"cancel": {
			func(s *scene, ref queue.Ref, _ *backendtest.Faulty) { match(s, s.q.Cancel(s.Context(), ref), nil) },
			queue.Cancelled,
		},
		"supersede": {
			func(s *scene, _ queue.Ref, _ *backendtest.Faulty) {
				s.enqueue(0, queue.Supersede("screen"), queue.Delay(10*time.Hour))
			},
			queue.Superseded,
		},
		"loss": {
			func(_ *scene, _ queue.Ref, way *backendtest.Faulty) {
				way.Inject(backendtest.Fault{Verb: backendtest.Extend, Rate: backendtest.Times(20)})
			},
			queue.Succeeded,
		},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *scene) {
				to := s.withTopic()
				free := make(chan struct{})
				w, way := s.cutOff(func(context.Context, *queue.Job[ask]) (int, error) {
					<-free
					return -1, nil
				})
				w.RunLimit = 5 * time.Hour
				s.start(w)
				ref := s.enqueue(21, queue.Supersede("screen"))
				pass(time.Minute)
				s.work(answer)
				c.end(s, ref, way)
				pass(worker.DefaultGrace)
				s.problem(w, "don't return", false)
				pass(worker.DefaultLease + 15*time.Second)
				s.problem(w, "don't return", true)
				if h := w.Health(); h.Live() {
					t.Errorf("health %+v", h)
				}
				pass(worker.DefaultLease)
				if r := s.record(ref); r.State != c.state {
					t.Errorf("it is %v", r.State)
				}
				if got := to.delivered(); len(got) != 1 || got[0].State != c.state {
					t.Errorf("events %+v", got)
				}
				close(free)
				pass(time.Minute)
				if r := s.record(ref); r.State != c.state {
					t.Errorf("it is %v", r.State)
				}
				s.problem(w, "don't return", false)
			})
		})
	}
}
