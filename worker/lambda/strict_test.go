package lambda_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/leat-go/leat/backends/broker/sqs"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
	"github.com/leat-go/leat/worker/lambda"
)

func TestStrictIsTheDefaultAndLosesNothing(t *testing.T) {
	play(t, "jobs", func(s *stage) {
		s.source.Reports = false
		refs := s.enqueue("a", 0, 1, 2)
		s.cold(fails)
		in := s.invoke()
		stay, ok := errors.AsType[*lambda.StayError](in.err)
		if !ok || len(stay.Messages) != 1 || stay.Messages[0] != in.ids(1)[0] || len(in.failed) > 0 {
			s.Errorf("%v, reported %v", in.err, in.failed)
		}
		s.left(1)
		s.is(refs[0], queue.Succeeded, 1)
		s.is(refs[1], queue.Waiting, 1)

		s.enqueue("a", 4, 6)
		if in := s.invoke(); in.err != nil {
			s.Error(in.err)
		}
		s.left(1)
	})
}

func TestStrictDeletesBeforeItAnswers(t *testing.T) {
	play(t, "jobs", func(s *stage) {
		s.source.Reports = false
		s.options = sqs.Options{EarlyAck: true, Linger: time.Hour}
		s.enqueue("a", 0, 2)
		s.cold(works)
		if _, err := s.fn.Invoke(s.Context(), s.event()); err != nil {
			s.Error(err)
		}
		s.left(0)
	})
}

func TestStrictWithoutAQueueKeepsTheEvent(t *testing.T) {
	play(t, "jobs", func(s *stage) {
		s.source.Reports, s.bare = false, true
		s.enqueue("a", 0, 1, 2)
		s.cold(func(ctx context.Context, j *job) (int, error) {
			if j.Args == 1 && j.Attempt == 1 {
				return 0, errBad
			}
			return works(ctx, j)
		})
		if in := s.invoke(); in.err == nil {
			s.Error("no error, and Lambda deletes all")
		}
		s.left(3)
		time.Sleep(3 * time.Minute)
		if in := s.invoke(); in.err != nil {
			s.Error(in.err)
		}
		s.left(0)
		s.ran(0, 1)
		s.ran(1, 2)
	})
}

func TestMappingsAreAskedOnceAndDoubtIsStrict(t *testing.T) {
	play(t, "jobs", func(s *stage) {
		asked, answers := 0, []error{errBad, nil}
		s.change = func(h *lambda.Handler, _ *worker.Worker[int, int]) {
			h.Report = false
			h.Mappings = func(_ context.Context, function, queue string) ([]string, error) {
				asked++
				if !strings.HasSuffix(queue, ":jobs") {
					t.Errorf("asked for %q", queue)
				}
				return []string{"ReportBatchItemFailures"}, answers[asked-1]
			}
		}
		s.cold(fails)
		s.enqueue("a", 1)
		if in := s.invoke(); in.err == nil {
			s.Error("reported, though the mapping isn't known")
		}
		for range 2 {
			s.enqueue("a", 3)
			s.reports(s.invoke(), 0)
		}
		if asked != 2 {
			s.Errorf("asked %d times", asked)
		}
	})
}
