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
// fails its neighbours. The error joins those of the outcomes, nil if all is well.
// A million items are better passed in parts: all are encoded at once.
//
// WaitForRoom of any item holds for all that are sent with it.
func (q *Queue[T, R]) EnqueueAll(ctx context.Context, items []Item[T]) ([]Outcome, error) {
	out := make([]Outcome, len(items))
	f, err := q.ready()
	if err != nil {
		return out, q.failAll(out, err)
	}
	if len(items) == 0 {
		return out, nil
	}
	ctx, end := f.watch.Send(ctx, len(items))
	size, width := chunk, 1
	if m := f.features.MaxBatch; m > 0 {
		size, width = m, lanes
	}
	var calls errgroup.Group
	calls.SetLimit(width)
	for from := 0; from < len(items); from += size {
		to := min(from+size, len(items))
		calls.Go(func() error {
			q.enqueueChunk(ctx, f, items[from:to], out[from:to])
			return nil
		})
	}
	_ = calls.Wait() // outcomes hold the errors
	err = firstFew(out)
	end("", err)
	if err != nil {
		return out, fmt.Errorf("queue: enqueue: %w", err)
	}
	return out, nil
}

// enqueueChunk makes one call. Items that can't be drafted keep their error.
func (q *Queue[T, R]) enqueueChunk(ctx context.Context, f *facts, items []Item[T], out []Outcome) {
	var (
		jobs  []backends.Job
		index []int
		wait  bool
	)
	for i, item := range items {
		d, err := q.draft(ctx, f, item.args, item.opts)
		if err != nil {
			out[i].Err = err
			continue
		}
		jobs, index, wait = append(jobs, d.job), append(index, i), wait || d.wait
	}
	if len(jobs) == 0 {
		return
	}
	sent := make([]Outcome, len(jobs))
	q.send(ctx, f, jobs, sent, wait)
	for k, i := range index {
		out[i] = sent[k]
	}
}

func (q *Queue[T, R]) failAll(out []Outcome, err error) error {
	for i := range out {
		out[i].Err = err
	}
	return fmt.Errorf("queue: enqueue: %w", err)
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
