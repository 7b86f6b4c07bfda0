package batch

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result"
)

// Handler is one for a worker of Collate: it finds the parts, cancels the slices that have
// not ended if more failed than is tolerated, and calls h.
func (b *Batch[S, P, C, R]) Handler(h func(context.Context, *queue.Job[C], Parts[P]) (R, error)) func(context.Context, *queue.Job[C]) (R, error) {
	return func(ctx context.Context, job *queue.Job[C]) (R, error) {
		var none R
		c, err := b.look(ctx, job.Ref())
		if err == nil && (c.Batch == nil || c.Job.Batch == nil) {
			err = fmt.Errorf("job %s is no batch: it was not made by Start: %w", job.ID, queue.ErrInvalid)
		}
		if err != nil {
			return none, fmt.Errorf("batch: %w", err)
		}
		parts := b.parts(c)
		if !parts.Whole {
			if err := b.cancelSlices(ctx, parts); err != nil {
				return none, fmt.Errorf("batch: cancel the rest: %w", err)
			}
		}
		return h(ctx, job, parts)
	}
}

// parts are those that a collation job's record tells of.
func (b *Batch[S, P, C, R]) parts(c *backends.Record) Parts[P] {
	return Parts[P]{
		Members: c.Batch.Members, Failed: c.Batch.Failed, Whole: c.Batch.Sealed && c.Batch.Ended >= c.Batch.Members,
		tenant: c.Job.Tenant, seed: c.Job.Batch.Seed,
		get: func(ctx context.Context, ref queue.Ref) (P, error) { return result.Get(ctx, b.Slices, ref) },
	}
}

// Parts are those of a batch that was started, so far: for those who look from outside.
func (b *Batch[S, P, C, R]) Parts(ctx context.Context, ref queue.Ref) (Parts[P], error) {
	c, err := b.look(ctx, ref)
	if err == nil && (c.Batch == nil || c.Job.Batch == nil) {
		err = queue.ErrNotFound
	}
	if err != nil {
		return Parts[P]{}, fmt.Errorf("batch: parts: %w", err)
	}
	return b.parts(c), nil
}

// Cancel ends a batch: the collation job first, so that no slice comes after it, then the
// slices. Running ones are told. Repeated, it goes on where it broke off.
func (b *Batch[S, P, C, R]) Cancel(ctx context.Context, ref queue.Ref) error {
	parts, err := b.Parts(ctx, ref)
	if err != nil {
		return err
	}
	if err := b.Collate.Cancel(ctx, ref); err != nil && !errors.Is(err, queue.ErrEnded) {
		return fmt.Errorf("batch: %w", err)
	}
	if last, err := b.Parts(ctx, ref); err == nil {
		parts = last // with those that came meanwhile
	}
	if err := b.cancelSlices(ctx, parts); err != nil {
		return fmt.Errorf("batch: cancel: %w", err)
	}
	return nil
}

// cancelSlices cancels what has not ended, some at a time.
func (b *Batch[S, P, C, R]) cancelSlices(ctx context.Context, parts Parts[P]) error {
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(lanes)
	for i := range parts.Members {
		all.Go(func() error {
			err := b.Slices.Cancel(ctx, parts.ref(i))
			if errors.Is(err, queue.ErrEnded) || errors.Is(err, queue.ErrNotFound) {
				return nil
			}
			return err
		})
	}
	return all.Wait()
}
