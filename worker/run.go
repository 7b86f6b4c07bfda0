package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/leat-go/leat/queue"
)

// Runner is what runs until its context ends: a Worker, a Mux, a queue.Sweeper, a
// schedule.
type Runner interface {
	Run(ctx context.Context) error
}

// Run runs all runners until ctx ends, and returns when all have drained. If one
// fails, the others are stopped, too. The error is nil after a clean stop.
//
//	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
//	defer stop()
//	err := worker.Run(ctx, w, sweeper)
func Run(ctx context.Context, runners ...Runner) error {
	if slices.Contains(runners, nil) {
		return fmt.Errorf("worker: %w", &queue.InvalidError{Field: "Runner", Reason: "is nil"})
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	errs := make([]error, len(runners))
	var all sync.WaitGroup
	for i, r := range runners {
		all.Go(func() {
			if errs[i] = r.Run(ctx); errs[i] != nil {
				stop()
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// run works the kinds of one queue in a pool.
func run(ctx context.Context, p *Pool, workers ...Kind) error {
	e, err := newEngine(ctx, p, nil, workers)
	if err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	if !e.health.enter() {
		return fmt.Errorf("worker: %w", &queue.InvalidError{Field: "Worker", Reason: "runs already; make another one"})
	}
	defer e.health.exit()
	return e.run(ctx)
}

// StuckError says that handlers did not return when the worker stopped. Their
// goroutines are still there; their leases lapse, and the jobs run elsewhere.
type StuckError struct{ Jobs []queue.Ref }

func (e *StuckError) Error() string {
	ids := make([]string, 0, 3)
	for _, j := range e.Jobs[:min(len(e.Jobs), 3)] {
		ids = append(ids, j.ID)
	}
	if len(e.Jobs) == 1 {
		return "worker: 1 handler never returned: job " + ids[0]
	}
	return fmt.Sprintf("worker: %d handlers never returned: jobs %s", len(e.Jobs), strings.Join(ids, ", "))
}
