package worker_test

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
)

// What replaced a job that was overtaken as it committed is part of the event. While
// the store doesn't say, the event waits: it must not leave with half of its content.
func TestRule_R6_EventWaitsForWhatItMustSay(t *testing.T) {
	play(t, func(s *scene) {
		to := s.withTopic()
		s.work(untilDone)
		s.enqueue(1, queue.Supersede("screen"))
		pass(time.Second)
		s.store.Inject(backendtest.Fault{Verb: backendtest.Lookup})
		newer := s.enqueue(2, queue.Supersede("screen"), queue.Delay(24*time.Hour))
		pass(10 * time.Minute)
		if !strings.Contains(s.lines.String(), "events could not be announced") {
			t.Error("the event did not wait")
		}
		if got := to.delivered(); len(got) != 1 || got[0].SupersededBy != newer.ID {
			t.Errorf("events %+v", got)
		}
	})
}

// A topic that is gone for an hour: every event is tried again, ever less often but
// at least each five minutes, and none is lost.
func TestRule_R6_EventsOutliveATopicThatIsGone(t *testing.T) {
	for name, broken := range map[string]func(context.Context, []queue.Event) []error{
		"fails": func(_ context.Context, ev []queue.Event) []error { return slices.Repeat([]error{errSad}, len(ev)) },
		"hangs": func(ctx context.Context, ev []queue.Event) []error {
			<-ctx.Done()
			return slices.Repeat([]error{ctx.Err()}, len(ev))
		},
		"panics":          func(context.Context, []queue.Event) []error { panic("oh") },
		"panics with nil": func(context.Context, []queue.Event) []error { panic(nil) },
		"Goexit":          func(context.Context, []queue.Event) []error { runtime.Goexit(); return nil },
		"says too little": func(context.Context, []queue.Event) []error { return []error{} },
		"says too much":   func(_ context.Context, ev []queue.Event) []error { return make([]error, len(ev)+1) },
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *scene) {
				to := s.withTopic()
				var tries []time.Duration
				to.set(func() {
					to.do = func(ctx context.Context, ev []queue.Event) []error {
						to.set(func() { tries = append(tries, since()) })
						return broken(ctx, ev)
					}
				})
				w := s.worker(answer)
				s.start(w)
				ref := s.enqueue(21)
				for range 60 {
					pass(time.Minute)
					s.expectAnswer(ref, 42)
					s.problem(w, "events can't be announced", true)
				}
				if n := len(tries); n < 12 || n > 40 {
					t.Errorf("%d tries in an hour", n)
				}
				for i := 1; i < len(tries); i++ {
					if gap := tries[i] - tries[i-1]; gap > 5*time.Minute+30*time.Second { // a call may hang for 30 s
						t.Errorf("try %d came %v after the one before", i, gap)
					}
				}
				s.owes(1)
				to.set(func() { to.do = nil })
				pass(6 * time.Minute)
				if n := len(to.delivered()); n != 1 {
					t.Errorf("%d events", n)
				}
				s.owes(0)
				if h := w.Health(); !h.Ready() {
					t.Errorf("problems %q", h.Problems)
				}
				if r := s.record(ref); r.Dropped != 0 {
					t.Errorf("%v was dropped", r.Dropped)
				}
			})
		})
	}
}

// One event that fails is tried again alone.
func TestRule_R6_OneEventThatFailsHoldsNoneUp(t *testing.T) {
	play(t, func(s *scene) {
		to := s.withTopic()
		bad := map[string]int{}
		to.set(func() {
			to.do = func(_ context.Context, ev []queue.Event) []error {
				errs := make([]error, len(ev))
				for i, e := range ev {
					if e.Ref.Tenant == "bad" && bad[e.ID] < 3 {
						bad[e.ID]++
						errs[i] = errSad
						continue
					}
					to.set(func() { to.events = append(to.events, e) })
				}
				return errs
			}
		})
		w := s.worker(answer)
		w.Concurrency = 4
		s.start(w)
		s.enqueueAll(20)
		s.enqueue(1, queue.Tenant("bad"))
		s.enqueueAll(20)
		pass(time.Second / 10)
		if n := len(to.delivered()); n != 40 {
			t.Errorf("%d events at once", n)
		}
		pass(time.Minute)
		got := to.delivered()
		if n := len(got); n != 41 || got[40].Ref.Tenant != "bad" {
			t.Errorf("%d events", n)
		}
		s.owes(0)
	})
}

// A topic that takes ten seconds for a hundred events: outcomes are written as fast
// as ever, what waits in the process is bounded, and all leaves in the end, once.
func TestRule_R6_SlowTopicHoldsNoOutcomeUp(t *testing.T) {
	play(t, func(s *scene) {
		to := s.withTopic()
		to.delay = 10 * time.Second
		w := s.worker(answer)
		w.Concurrency = 10
		s.start(w)
		refs := s.enqueueAll(1500)
		pass(time.Second)
		for i, ref := range refs {
			s.expectAnswer(ref, 2*i)
		}
		for range 10 {
			if h := w.Health(); h.Announcing > 1000 || h.Settling > 0 {
				t.Errorf("health %+v", h)
			}
			pass(10 * time.Second)
		}
		pass(10 * time.Minute)
		seen := map[string]int{}
		for _, e := range to.delivered() {
			seen[e.ID]++
		}
		if len(seen) != 1500 || len(to.delivered()) != 1500 {
			t.Errorf("%d events, %d different", len(to.delivered()), len(seen))
		}
		s.owes(0)
	})
}
