package worker_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// The canaries: what may hold a customer's data, and must not leave with telemetry.
const (
	canaryArg    = 777_111_777
	canaryResult = 888_222_888
	canaryError  = "canary-error"
	canaryPanic  = "canary-panic"
	canaryHeader = "canary-header"
	canaryText   = "canary-progress"
)

func TestCustomersDataReachesNoLogSpanOrMetric(t *testing.T) {
	for _, texts := range []bool{false, true} {
		play(t, func(s *scene) {
			g := s.gauged()
			to := s.withTopic()
			to.fail(errors.New(canaryError))
			free := make(chan struct{})
			defer close(free)
			w := g.on(s.worker(func(ctx context.Context, job *queue.Job[ask]) (int, error) {
				job.Progress(1, canaryText)
				switch job.Attempt {
				case 1:
					return 0, errors.New(canaryError)
				case 2:
					panic(canaryPanic)
				case 3:
					return 0, worker.Permanent(errors.New(canaryError))
				}
				return canaryResult, nil
			}))
			w.AfterSuccess = func(context.Context, *queue.Job[ask], int) error { return errors.New(canaryError) }
			w.Concurrency, w.RunLimit, w.LogErrors = 4, time.Minute, texts
			s.start(w)
			header := queue.Header("origin", canaryHeader)
			s.enqueue(canaryArg, header)
			pass(time.Hour)
			to.fail(nil)
			pass(10 * time.Minute)
			for r, err := range s.q.DeadLetters(s.Context()) {
				match(s, err, nil)
				match(s, s.q.Redrive(s.Context(), r), nil)
			}
			stuck := g.on(worker.New(queue.View[ask, int](s.q, "stuck"), func(context.Context, *queue.Job[ask]) (int, error) {
				<-free
				return 0, nil
			}))
			stuck.Logger, stuck.RunLimit, stuck.LogErrors = s.log, time.Minute, texts
			s.start(stuck)
			_, err := queue.View[ask, int](s.q, "stuck").Enqueue(s.Context(), ask{canaryArg}, header)
			match(s, err, nil)
			s.store.Inject(backendtest.Fault{Err: errors.New(canaryError), Rate: backendtest.Every(7)})
			pass(time.Hour)

			told := s.lines.String() + fmt.Sprint(g.collect(s)) + fmt.Sprint(w.Health(), stuck.Health())
			for _, span := range g.spans.Ended() {
				told += fmt.Sprint(span.Name(), span.Attributes(), span.Status(), span.Events(), span.Links())
			}
			if len(told) < 1000 {
				t.Errorf("nothing was told: %s", told)
			}
			for _, canary := range []any{canaryArg, canaryResult, canaryError, canaryPanic, canaryHeader, canaryText} {
				found := strings.Contains(told, fmt.Sprint(canary))
				if want := texts && (canary == canaryError || canary == canaryPanic); found != want {
					t.Errorf("LogErrors %v: %v is told: %v", texts, canary, found)
				}
			}
		})
	}
}
