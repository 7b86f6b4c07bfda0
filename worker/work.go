package worker

import (
	"context"
	"fmt"

	"github.com/leat-go/leat/internal/seam"
	"github.com/leat-go/leat/queue"
)

// Work runs one job through w's handler, here and now, as a pool would: the args
// and the result go through the queue's codec, the run limit holds, a panic is a
// *[PanicError], a runtime.Goexit (t.FailNow) ends the caller, as a test expects it.
// A job whose Attempt is 0 has its first. No store is touched, and AfterSuccess
// doesn't run. It is how a handler is tested:
//
//	plan, err := worker.Work(ctx, w, &queue.Job[Settings]{Args: Settings{SKU: "22423"}})
func Work[T, R any](ctx context.Context, w *Worker[T, R], job *queue.Job[T]) (R, error) {
	var none R
	k, err := w.kind()
	if err != nil {
		return none, fmt.Errorf("worker: %w", err)
	}
	var args T // afresh: nothing of the caller's may survive that bytes don't carry
	if err := through(k.Queue, job.Args, &args); err != nil {
		return none, fmt.Errorf("worker: args: %w", err)
	}
	j := *job
	j.Args, j.Attempt = args, max(1, j.Attempt)
	ctx, cancel := context.WithTimeoutCause(ctx, k.runLimit, ErrRunLimit)
	defer cancel()
	if !j.Deadline.IsZero() {
		ctx, cancel = context.WithDeadlineCause(ctx, j.Deadline, ErrDeadline)
		defer cancel()
	}
	var result, read R
	if err := safely(func() (err error) { result, err = w.handle(ctx, &j); return err }); err != nil {
		return none, err
	}
	if err := through(k.Queue, result, &read); err != nil {
		return none, fmt.Errorf("worker: result: %w", err)
	}
	return read, nil
}

// through brings a value to bytes and back.
func through(in *seam.Queue, v, into any) error {
	return safely(func() error {
		encoded, err := in.Encode(v)
		if err != nil {
			return err
		}
		return in.Decode(encoded, into)
	})
}
