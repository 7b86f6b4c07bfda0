package lambda_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
	"github.com/leat-go/leat/worker/lambda"
)

// slow runs as long as it is allowed to.
func slow(d time.Duration) handler {
	return func(ctx context.Context, j *job) (int, error) {
		select {
		case <-time.After(d):
			return j.Args, nil
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}

// R16: near the deadline nothing new begins, what runs is given back in time, and
// what has not begun used no attempt.
func TestRule_R16_StopsBeforeTheDeadline(t *testing.T) {
	play(t, "jobs", func(s *stage) {
		refs := s.enqueue("a", 0, 1, 2, 3, 4)
		s.change = func(_ *lambda.Handler, w *worker.Worker[int, int]) { w.Concurrency = 1 }
		s.cold(slow(10 * time.Second))
		in := s.invoke()
		s.reports(in, 2, 3, 4) // 0 s, 10 s, and 20 s to 28.5 s
		if in.took < 28*time.Second || in.took > 29*time.Second {
			s.Errorf("took %v", in.took)
		}
		s.is(refs[1], queue.Succeeded, 1)
		s.is(refs[2], queue.Waiting, 0)
		s.is(refs[3], queue.Waiting, 0)
		s.ran(3, 0)
		in = s.invoke() // at once: nothing waits for the queue's timeout
		s.reports(in, 2)
	})
}

// A job that had the whole invocation and did not end has failed: it would be given
// back for ever.
func TestJobThatIsTooSlowForTheFunctionFails(t *testing.T) {
	play(t, "jobs", func(s *stage) {
		s.source.Wait = 1
		ref := s.enqueue("a", 1)[0]
		s.cold(slow(time.Hour))
		s.reports(s.invoke(), 0)
		s.is(ref, queue.Waiting, 1)
		for !s.record(ref).State.Ended() {
			s.invoke()
		}
		s.is(ref, queue.Dead, 5)
		s.left(0)
	})
}

func TestHandlersSeeTheDeadlineAndItsCause(t *testing.T) {
	play(t, "jobs", func(s *stage) {
		s.enqueue("a", 1, 2)
		s.change = func(_ *lambda.Handler, w *worker.Worker[int, int]) { w.Concurrency = 1 }
		begun := time.Now()
		var causes []error
		s.cold(func(ctx context.Context, j *job) (int, error) {
			d, _ := ctx.Deadline()
			if left := d.Sub(begun); left != 28500*time.Millisecond {
				s.Errorf("job %d has until %v", j.Args, left)
			}
			if j.Args == 1 {
				return slow(20*time.Second)(ctx, j)
			}
			<-ctx.Done()
			causes = append(causes, context.Cause(ctx))
			return 0, ctx.Err()
		})
		s.reports(s.invoke(), 1)
		if len(causes) != 1 || !errors.Is(causes[0], worker.ErrStopping) {
			s.Errorf("causes %v", causes)
		}
	})
}

// A handler that returns after its context has ended, and in time, is settled.
func TestHandlerThatIsWarnedInTimeIsSettled(t *testing.T) {
	play(t, "jobs", func(s *stage) {
		ref := s.enqueue("a", 1)[0]
		s.cold(func(ctx context.Context, j *job) (int, error) {
			<-ctx.Done()
			time.Sleep(500 * time.Millisecond)
			return j.Args, nil
		})
		s.reports(s.invoke())
		s.is(ref, queue.Succeeded, 1)
	})
}

// One that doesn't return is reported in time; its lease lapses, and what it brings
// later is not written.
func TestRule_R5_HandlerThatNeverReturnsIsReported(t *testing.T) {
	play(t, "jobs", func(s *stage) {
		s.source.Wait = 1
		release := make(chan struct{})
		defer close(release)
		refs := s.enqueue("a", 1, 2)
		s.cold(func(ctx context.Context, j *job) (int, error) {
			if j.Args == 1 && j.Token == 1 {
				<-release
			}
			return j.Args * 10, nil
		})
		s.reports(s.invoke(), 0)
		s.is(refs[1], queue.Succeeded, 1)
		begun := time.Now()
		in := s.invoke()
		for ; len(in.event.Records) == 0; in = s.invoke() {
		}
		s.reports(in)
		if d := time.Since(begun); d > worker.DefaultLease {
			s.Errorf("came again after %v", d)
		}
		release <- struct{}{}
		r := s.record(refs[0])
		if r.State != queue.Succeeded || r.Token != 2 {
			s.Errorf("%v, token %d", r.State, r.Token)
		}
		s.left(0)
	})
}

func TestMarginThatLeavesNoTimeIsAnError(t *testing.T) {
	play(t, "jobs", func(s *stage) {
		s.enqueue("a", 1)
		for _, margin := range []time.Duration{-1, time.Minute} {
			s.change = func(h *lambda.Handler, _ *worker.Worker[int, int]) { h.Margin = margin }
			s.cold(works)
			in := s.invoke()
			if !errors.Is(in.err, queue.ErrInvalid) {
				s.Errorf("margin %v: %v", margin, in.err)
			}
			s.left(1)
			time.Sleep(4 * time.Minute)
		}
	})
}

// A context without a deadline, as in a test, has all the time.
func TestWithoutADeadline(t *testing.T) {
	play(t, "jobs", func(s *stage) {
		s.enqueue("a", 2)
		s.cold(slow(30 * time.Minute))
		e := s.event()
		out, err := s.fn.Invoke(s.Context(), e)
		if err != nil || len(out.BatchItemFailures) > 0 {
			s.Error(out, err)
		}
		s.ran(2, 1)
	})
}
