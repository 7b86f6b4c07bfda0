package worker

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
)

// Reporter takes progress: a *queue.Job, or nil for nobody.
type Reporter interface {
	Progress(percent float64, text string)
}

// Each runs f for every item, at most limit at a time (0 = GOMAXPROCS), inside one
// job, and reports to r how many are done. It returns when all its goroutines have:
// the first error ends ctx for the others and is what it returns; a panic becomes a
// *[PanicError]. When ctx ends no new item begins, and the error is its cause.
//
//	err := worker.Each(ctx, job, 8, skus, func(ctx context.Context, i int, sku SKU) error {
//		plans[i] = optimise(ctx, sku)
//		return nil
//	})
func Each[E any](ctx context.Context, r Reporter, limit int, items []E, f func(ctx context.Context, i int, item E) error) error {
	if limit <= 0 {
		limit = runtime.GOMAXPROCS(0)
	}
	parent := ctx
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	t := tally{r: r, all: len(items)}
	var crew sync.WaitGroup
	next := make(chan int)
	for range min(limit, len(items)) {
		crew.Go(func() {
			for i := range next {
				if ctx.Err() == nil {
					t.one(fail, func() error { return f(ctx, i, items[i]) })
				}
			}
		})
	}
	deal(ctx, next, len(items))
	crew.Wait()
	var failed *eachError
	switch err := context.Cause(ctx); {
	case t.done == t.all:
		return nil
	case errors.As(err, &failed):
		return failed.err
	case parent.Err() != nil:
		return context.Cause(parent)
	}
	return nil
}

// deal hands out the numbers until all are gone, or ctx ends.
func deal(ctx context.Context, next chan<- int, n int) {
	defer close(next)
	for i := range n {
		if ctx.Err() != nil {
			return
		}
		select {
		case next <- i:
		case <-ctx.Done():
			return
		}
	}
}

// eachError tells an item's error from the end of the context.
type eachError struct{ err error }

func (e *eachError) Error() string { return e.err.Error() }

// tally counts what is done, and reports it.
type tally struct {
	mu   sync.Mutex
	r    Reporter
	all  int
	done int
}

// one runs one item. A goroutine that f ends (runtime.Goexit) has failed; the others
// go on without it.
func (t *tally) one(fail context.CancelCauseFunc, f func() error) {
	err := errGoexit
	defer func() {
		if p := recover(); p != nil {
			err = caught(p)
		}
		if err != nil {
			fail(&eachError{err})
		}
	}()
	if err = f(); err == nil {
		t.add()
	}
}

func (t *tally) add() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done++
	if t.r != nil {
		t.r.Progress(100*float64(t.done)/float64(t.all), fmt.Sprintf("%d of %d", t.done, t.all))
	}
}
