package lambda_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
	"github.com/leat-go/leat/worker/lambda"
)

// fails is a handler that fails for odd numbers.
func fails(ctx context.Context, j *job) (int, error) {
	if j.Args%2 == 1 {
		return 0, worker.RetryAfter(time.Minute, errBad)
	}
	return works(ctx, j)
}

func TestExactlyTheFailedItemsAreReported(t *testing.T) {
	play(t, "jobs", func(s *stage) {
		refs := s.enqueue("a", 0, 1, 2, 3, 4, 5)
		s.cold(fails)
		s.reports(s.invoke(), 1, 3, 5)
		s.left(3)
		for i, ref := range refs {
			state := queue.Succeeded
			if i%2 == 1 {
				state = queue.Waiting
			}
			s.is(ref, state, 1)
		}
	})
}

// R10: poison is a dead letter, and nothing that must come again.
func TestRule_R10_PoisonIsNotReported(t *testing.T) {
	play(t, "jobs", func(s *stage) {
		s.source.Batch = 1
		ref := s.enqueue("a", 1)[0]
		s.cold(func(context.Context, *job) (int, error) { return 0, worker.Permanent(errBad) })
		s.reports(s.invoke())
		s.left(0)
		s.is(ref, queue.Dead, 1)
	})
}

// The mapping deletes all that an answer leaves it: so what failed must be an error
// of the function, and what succeeded is deleted by it.
// The process is frozen when it has answered: what is to be deleted must be by then,
// whatever the queue was opened for.
// Where a message can't be deleted here it stays, and its record knows it again.
// A message that its job has left behind (it was sent anew) must not come again.
func TestSnoozeIsNotReported(t *testing.T) {
	play(t, "jobs", func(s *stage) {
		s.source.Wait = 1
		ref := s.enqueue("a", 1)[0]
		s.cold(func(_ context.Context, j *job) (int, error) {
			if s.runs[j.Args] == 1 {
				return 0, worker.Snooze(time.Hour)
			}
			return j.Args, nil
		})
		s.reports(s.invoke())
		s.left(1)
		for !s.record(ref).State.Ended() { // it hops
			time.Sleep(time.Minute)
			s.invoke()
		}
		s.is(ref, queue.Succeeded, 1)
		s.left(0)
	})
}

// R9: the message is hidden for as long as the retry waits, where the function has a
// client; else for as long as the queue says.
func TestRule_R9_RetryDelayHolds(t *testing.T) {
	for name, c := range map[string]struct {
		bare bool
		want time.Duration
	}{"by its queue": {false, 40 * time.Second}, "without": {true, 3 * time.Minute}} {
		t.Run(name, func(t *testing.T) {
			play(t, "jobs", func(s *stage) {
				s.bare = c.bare
				s.source.Wait = 1
				s.enqueue("a", 1)
				s.cold(func(_ context.Context, j *job) (int, error) {
					if j.Attempt == 1 {
						return 0, worker.RetryAfter(40*time.Second, errBad)
					}
					return 1, nil
				})
				begun := time.Now()
				s.reports(s.invoke(), 0)
				var in invocation
				for len(in.event.Records) == 0 {
					in = s.invoke()
				}
				if d := time.Since(begun); d < c.want || d > c.want+3*time.Second {
					s.Errorf("came again after %v, want %v", d, c.want)
				}
				s.reports(in)
			})
		})
	}
}

func TestPanicAndGoexitAreFailedAttempts(t *testing.T) {
	play(t, "jobs", func(s *stage) {
		refs := s.enqueue("a", 0, 1, 2)
		s.cold(func(ctx context.Context, j *job) (int, error) {
			switch j.Args {
			case 0:
				panic("poof")
			case 1:
				runtime.Goexit()
			}
			return works(ctx, j)
		})
		s.reports(s.invoke(), 0, 1)
		s.is(refs[0], queue.Waiting, 1)
		s.is(refs[1], queue.Waiting, 1)
		s.is(refs[2], queue.Succeeded, 1)
	})
}

// A message of another program is a job when it decodes, else a dead letter.
func TestForeignMessages(t *testing.T) {
	play(t, "jobs", func(s *stage) {
		s.cold(works)
		tr := s.transport()
		defer tr.Close()
		for _, body := range []string{"7", "not a number"} {
			if errs, err := tr.Send(s.Context(), messages(body)); err != nil || errors.Join(errs...) != nil {
				s.Fatal(errs, err)
			}
		}
		s.reports(s.invoke())
		s.left(0)
		s.ran(7, 1)
	})
}

// R6: what is owed leaves before the message goes; until it has, the message comes
// again, and the handler doesn't run for it.
func TestRule_R6_AnnouncedBeforeTheMessageGoes(t *testing.T) {
	play(t, "jobs", func(s *stage) {
		var told []error
		s.change = func(_ *lambda.Handler, w *worker.Worker[int, int]) {
			w.AfterSuccess = func(context.Context, *job, int) error {
				told = append(told, errBad)
				if len(told) == 1 {
					return errBad
				}
				return nil
			}
		}
		ref := s.enqueue("a", 2)[0]
		s.cold(works)
		s.reports(s.invoke(), 0)
		s.is(ref, queue.Succeeded, 1)
		time.Sleep(10 * time.Second)
		s.reports(s.invoke())
		s.left(0)
		s.ran(2, 1)
		if len(told) != 2 {
			s.Errorf("written back %d times", len(told))
		}
	})
}

// Between invocations the process is frozen: nothing may run or be held.
func TestNothingIsLeftBetweenInvocations(t *testing.T) {
	play(t, "jobs", func(s *stage) {
		s.enqueue("a", 1)
		s.cold(fails)
		synctest.Wait()
		before := runtime.NumGoroutine()
		for i := range 3 {
			s.invoke()
			synctest.Wait()
			if n := runtime.NumGoroutine(); n != before {
				s.Errorf("%d goroutines after invocation %d, %d before the first", n, i, before)
			}
			s.enqueue("a", i)
		}
	})
}

// Each of several invocations at a time answers for its own event.
func TestInvocationsSideBySide(t *testing.T) {
	play(t, "jobs", func(s *stage) {
		s.enqueue("a", 0, 1, 2, 3)
		s.source.Batch = 2
		s.cold(fails)
		es := []events.SQSEvent{s.event(), s.event()}
		var both sync.WaitGroup
		for _, e := range es {
			both.Go(func() { s.reports(s.invokeWith(e), 1) })
		}
		both.Wait()
		s.left(2)
	})
}

func TestEventsThatCannotBeAnsweredAreRefused(t *testing.T) {
	play(t, "jobs", func(s *stage) {
		s.cold(works)
		arn := "arn:aws:sqs:eu-west-1:123456789012:jobs"
		for name, records := range map[string][]events.SQSMessage{
			"no id":         {{EventSourceARN: arn}},
			"another queue": {{MessageId: "1", EventSourceARN: arn + "-2"}},
			"two queues":    {{MessageId: "1", EventSourceARN: arn}, {MessageId: "2", EventSourceARN: arn + "-2"}},
		} {
			if _, err := s.fn.Invoke(s.Context(), events.SQSEvent{Records: records}); !errors.Is(err, queue.ErrInvalid) {
				s.Errorf("%s: %v", name, err)
			}
		}
		if out, err := s.fn.Invoke(s.Context(), events.SQSEvent{}); err != nil || len(out.BatchItemFailures) > 0 {
			s.Errorf("no messages: %v, %v", out, err)
		}
		if _, err := new(lambda.Handler).Invoke(s.Context(), events.SQSEvent{Records: []events.SQSMessage{{MessageId: "1"}}}); !errors.Is(err, queue.ErrInvalid) {
			s.Errorf("a handler without New: %v", err)
		}
	})
}

// A message that stands in an event twice is one.
func TestDoubleMessageOfAnEventRunsOnce(t *testing.T) {
	play(t, "jobs", func(s *stage) {
		s.enqueue("a", 2)
		s.cold(works)
		e := s.event()
		e.Records = append(e.Records, e.Records[0])
		s.reports(s.invokeWith(e))
		s.ran(2, 1)
		s.left(0)
	})
}

// A worker that reads from elsewhere would leave every event as it is.
func TestWorkerOfAnotherQueueIsRefused(t *testing.T) {
	play(t, "jobs", func(s *stage) {
		s.limit = 10 * time.Second
		s.enqueue("a", 1)
		s.cold(works)
		store := memory.New(memory.Options{})
		defer store.Close()
		s.fn.Handler = lambda.New(lambda.NewTrigger(nil), worker.New(queue.New[int, int](store, "jobs"), works))
		if in := s.invoke(); !errors.Is(in.err, queue.ErrInvalid) {
			s.Error(in.err)
		}
		s.left(1)
	})
}
