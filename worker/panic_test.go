package worker_test

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// A panic, or the end of the goroutine, is a failed attempt; the slot lives on.
func TestRule_R9_PanicIsAFailedAttempt(t *testing.T) {
	for name, c := range map[string]struct {
		oops func()
		text string
	}{
		"value":  {func() { panic("oh") }, "panic: oh"},
		"nil":    {func() { panic(nil) }, "panic called with nil argument"},
		"error":  {func() { panic(errSad) }, "panic: sad"},
		"fault":  {func() { var none []int; none[len(none)]++ }, "out of range"},
		"Goexit": {runtime.Goexit, "the handler called runtime.Goexit"},
		"a value whose String panics": {
			func() { panic(brokenString{}) }, "panic: ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *scene) {
				w := s.worker(func(ctx context.Context, job *queue.Job[ask]) (int, error) {
					if job.Args.N == 13 {
						c.oops()
					}
					return answer(ctx, job)
				})
				s.start(w)
				bad, good := s.enqueue(13, queue.MaxAttempts(3)), s.enqueue(2)
				pass(time.Hour)
				r := s.expect(bad, queue.Dead, 3)
				if len(r.Failures) != 3 || r.Reason != "its attempts are used up" {
					t.Errorf("%d failures, reason %q", len(r.Failures), r.Reason)
				}
				for _, f := range r.Failures {
					if !strings.Contains(f.Text, c.text) || len(f.Text) > backends.MaxText {
						t.Errorf("%d bytes: %.80s", len(f.Text), f.Text)
					}
				}
				s.expectAnswer(good, 4)
				if h := w.Health(); h.Busy != 0 || h.Settling != 0 || !h.Ready() {
					t.Errorf("health %+v", h)
				}
			})
		})
	}
}

type brokenString struct{}

func (brokenString) String() string { panic("no words") }

func TestPanicKeepsItsStack(t *testing.T) {
	play(t, func(s *scene) {
		s.work(func(context.Context, *queue.Job[ask]) (int, error) { panic(worker.Permanent(errSad)) })
		ref := s.enqueue(1)
		pass(time.Minute)
		r := s.expect(ref, queue.Dead, 1) // errors.As sees what was panicked with
		if text := r.Failures[0].Text; !strings.Contains(text, "panic_test.go") {
			t.Errorf("no stack in %q", text)
		}
	})
}

// moody args and results panic on their way from or to bytes.
type moody struct{ Mood string }

func (m *moody) UnmarshalJSON(data []byte) error {
	if strings.Contains(string(data), "bad") {
		panic("a bad mood")
	}
	return json.Unmarshal(data, &m.Mood)
}

func (m moody) MarshalJSON() ([]byte, error) {
	if m.Mood == "worse" {
		panic("a worse mood")
	}
	return json.Marshal(m.Mood)
}

func TestCodecThatPanicsIsAFailedAttempt(t *testing.T) {
	play(t, func(s *scene) {
		q := queue.New[moody, moody](s.store, "moods")
		q.MaxAttempts = 2
		ran := 0
		w := worker.New(q, func(_ context.Context, job *queue.Job[moody]) (moody, error) {
			ran++
			return moody{job.Args.Mood + "e"}, nil
		})
		w.Logger, w.Concurrency = s.log, 1
		s.start(w)
		var refs []queue.Ref
		for _, mood := range []string{"bad", "wors", "fin"} {
			ticket, err := q.Enqueue(t.Context(), moody{mood})
			match(s, err, nil)
			refs = append(refs, ticket.Ref)
		}
		pass(time.Hour)
		if r := s.expect(refs[0], queue.Dead, 2); !strings.Contains(r.Failures[1].Text, "a bad mood") {
			t.Errorf("args: %q", r.Failures[1].Text)
		}
		if r := s.expect(refs[1], queue.Dead, 1); r.Reason != "its result can't be encoded" || !strings.Contains(r.Failures[0].Text, "a worse mood") {
			t.Errorf("result: %q, %q", r.Reason, r.Failures[0].Text)
		}
		s.expect(refs[2], queue.Succeeded, 1)
		if ran != 2 {
			t.Errorf("the handler ran %d times", ran)
		}
	})
}

// isBroken panics as soon as somebody asks what it is.
type isBroken struct{}

func (isBroken) Error() string { panic("no words") }
func (isBroken) Is(error) bool { panic("don't ask") }
func (isBroken) As(any) bool   { panic("don't ask") }

func TestErrorThatPanicsIsAFailedAttempt(t *testing.T) {
	play(t, func(s *scene) {
		s.work(func(context.Context, *queue.Job[ask]) (int, error) { return 0, isBroken{} })
		ref := s.enqueue(1, queue.MaxAttempts(2))
		pass(time.Hour)
		if r := s.expect(ref, queue.Dead, 2); r.Failures[0].Text != "worker_test.isBroken, whose Error panics" {
			t.Errorf("text %q", r.Failures[0].Text)
		}
	})
}

func TestBackoffThatPanicsIsReplaced(t *testing.T) {
	play(t, func(s *scene) {
		w := s.worker(func(context.Context, *queue.Job[ask]) (int, error) { return 0, errors.New("sad") })
		w.Backoff = func(int) time.Duration { panic("oh") }
		s.start(w)
		ref := s.enqueue(1, queue.MaxAttempts(3))
		pass(time.Hour)
		s.expect(ref, queue.Dead, 3)
	})
}

// A backoff may end its goroutine, as a handler may: the slot is filled again, and the job
// is retried as by default.
func TestBackoffThatEndsItsGoroutineCostsNoSlot(t *testing.T) {
	play(t, func(s *scene) {
		w := s.worker(fails(2, errSad))
		w.Backoff = func(int) time.Duration { runtime.Goexit(); return 0 }
		s.start(w)
		ref := s.enqueue(21)
		pass(time.Minute)
		s.expectAnswer(ref, 42)
		if h := w.Health(); h.Busy != 0 || !h.Ready() {
			t.Errorf("health %+v", h)
		}
	})
}
