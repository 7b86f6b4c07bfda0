package secretbox

import (
	"context"
	"sync"
)

// flights does a piece of work once for all who want it at the same time. It
// differs from x/sync/singleflight in that waiting ends with the waiter's
// context, and that a worker that leaves hands the work on instead of its error.
type flights[V any] struct {
	mu  sync.Mutex
	now map[string]*flight[V]
}

type flight[V any] struct {
	landed chan struct{} // closed when the rest is set
	v      V
	err    error
	left   bool // without an answer: whoever waits should try
}

// do returns what work returns, called here or by another goroutine. Work must
// end with ctx.
func (f *flights[V]) do(ctx context.Context, name string, work func() (V, error)) (V, error) {
	for {
		other, own := f.join(name)
		if own != nil {
			return f.fly(ctx, name, own, work)
		}
		select {
		case <-other.landed:
			if !other.left {
				return other.v, other.err
			}
		case <-ctx.Done():
			var none V
			return none, ctx.Err()
		}
	}
}

// join returns the flight of that name: another's, or else one to fly oneself.
func (f *flights[V]) join(name string) (other, own *flight[V]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if other := f.now[name]; other != nil {
		return other, nil
	}
	if f.now == nil {
		f.now = map[string]*flight[V]{}
	}
	own = &flight[V]{landed: make(chan struct{}), left: true}
	f.now[name] = own
	return nil, own
}

func (f *flights[V]) fly(ctx context.Context, name string, own *flight[V], work func() (V, error)) (V, error) {
	defer func() { // also when work panics
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.now, name)
		close(own.landed)
	}()
	own.v, own.err = work()
	own.left = own.err != nil && ctx.Err() != nil
	return own.v, own.err
}
