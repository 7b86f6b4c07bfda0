package sqs

import (
	"context"
	"sync"

	"github.com/leat-go/leat/backends"
)

// calls are those of callers who share requests. Whoever sends one for all sees it
// through, in a goroutine of its own, so that the caller can leave when its context
// ends: the outcome is unknown then.
type calls struct {
	mu     sync.Mutex
	closed bool
	all    sync.WaitGroup
}

func (c *calls) start(do func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.all.Go(do)
	return true
}

// close lets no more begin, and waits.
func (c *calls) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.all.Wait()
}

// answer is what a call came to.
type answer struct {
	errs []error
	err  error
}

// together has items done with those of others.
func together[T any](ctx context.Context, c *calls, g *backends.Group[T, error], items []T) ([]error, error) {
	if len(items) == 0 {
		return nil, nil
	}
	done := make(chan answer, 1)
	if !c.start(func() {
		errs, err := g.Do(ctx, items...)
		done <- answer{errs, err}
	}) {
		return nil, errClosed
	}
	select {
	case a := <-done:
		return a.errs, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// commit makes a Group's Commit of what answers for each item: the outcomes of
// callers who share requests are their own. It ends with the Transport.
func commit[T any](t *Transport, do func(context.Context, []T) []error) func(context.Context, []T) ([]error, error) {
	return func(ctx context.Context, items []T) ([]error, error) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer context.AfterFunc(t.stop, func() { cancel(errClosed) })()
		defer cancel(nil)
		return do(ctx, items), nil
	}
}
