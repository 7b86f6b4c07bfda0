package queue

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/leat-go/leat/backends"
)

// Item is one job of EnqueueAll; make it with [With].
type Item[T any] struct {
	args T
	opts []Option
}

// With puts args and the options of their job together, for EnqueueAll.
func With[T any](args T, opts ...Option) Item[T] { return Item[T]{args, opts} }

// Outcome is what became of one job of EnqueueAll.
type Outcome struct {
	Ticket
	Err error // as Enqueue's; nil if the job exists
}

// chunk is how many jobs one call carries where the backend has no limit, and
// lanes how many calls are made at a time where it has one.
const (
	chunk = 1000
	lanes = 8
)

// EnqueueAll creates many jobs, in calls as large as the backend takes; where it
// takes few, several calls are made at once and the order among them is open. It
// returns an outcome for each item, parallel to the input: a refused job never
// fails its neighbours. The error is nil if all is well; else it names the first
// ten that went wrong, matches what they match, and counts the others. Once ctx
// ends the rest isn't sent.
//
// WaitForRoom of any item holds for all that are sent with it.
func (q *Queue[T, R]) EnqueueAll(ctx context.Context, items []Item[T]) ([]Outcome, error) {
	out := make([]Outcome, len(items))
	f, err := q.ready()
	if err != nil {
		giveUp(out, err)
		return out, wrap("enqueue", err)
	}
	if len(items) == 0 {
		return out, nil
	}
	ctx, sending := f.watch.Send(ctx, len(items))
	q.enqueueChunks(ctx, f, items, out)
	err = firstFew(out)
	sending.End(ctx, "", err)
	return out, wrap("enqueue", err)
}

// enqueueChunks makes the calls, one after the other, or some at once where each
// takes little. Inside a View they would meet in one transaction.
func (q *Queue[T, R]) enqueueChunks(ctx context.Context, f *facts, items []Item[T], out []Outcome) {
	size, width := chunk, 1
	if m := f.features.MaxBatch; m > 0 {
		size, width = m, lanes
	}
	if q.inView {
		width = 1
	}
	var calls errgroup.Group
	calls.SetLimit(width)
	for from := 0; from < len(items); from += size {
		to := min(from+size, len(items))
		if width == 1 { // on the caller's goroutine, as a codec that panics expects
			q.enqueueChunk(ctx, f, items[from:to], out[from:to])
			continue
		}
		calls.Go(func() error {
			q.enqueueChunk(ctx, f, items[from:to], out[from:to])
			return nil
		})
	}
	_ = calls.Wait() // outcomes hold the errors
}

// enqueueChunk makes one call. Items that can't be drafted keep their error.
func (q *Queue[T, R]) enqueueChunk(ctx context.Context, f *facts, items []Item[T], out []Outcome) {
	if err := ctx.Err(); err != nil {
		giveUp(out, err)
		return
	}
	jobs, index, wait := make([]backends.Job, len(items)), make([]int, 0, len(items)), false
	for i, item := range items {
		waits, err := q.draft(ctx, f, &jobs[len(index)], item.args, item.opts)
		if err != nil {
			out[i].Err = err
			continue
		}
		index, wait = append(index, i), wait || waits
	}
	if jobs = jobs[:len(index)]; len(jobs) == 0 {
		return
	}
	sent := make([]Outcome, len(jobs))
	q.send(ctx, f, jobs, sent, wait)
	for k, i := range index {
		out[i] = sent[k]
	}
}

// giveUp gives all the same error.
func giveUp(out []Outcome, err error) {
	for i := range out {
		out[i].Err = err
	}
}

// firstFew joins errors, but not a million of them.
func firstFew(out []Outcome) error {
	const most = 10
	var errs []error
	n := 0
	for i := range out {
		if out[i].Err == nil {
			continue
		}
		if n++; n <= most {
			errs = append(errs, fmt.Errorf("item %d: %w", i, out[i].Err))
		}
	}
	if n > most {
		errs = append(errs, fmt.Errorf("and %d more", n-most))
	}
	return errors.Join(errs...)
}
