package cdk

import (
	"context"
	"errors"
	"slices"
	"time"
)

// waiter is a Receive that waits for a message.
type waiter chan *holding

var errNothing = errors.New("no further message")

// next is one message, of this process or of the subscription.
func (r *receiver) next(ctx context.Context, patience <-chan time.Time) (*holding, error) {
	w := make(waiter, 1)
	h := r.enter(w)
	if h != nil {
		return h, nil
	}
	var err error
	select {
	case h = <-w:
		return h, nil
	case <-r.failed:
		err = r.err
	case <-r.stop:
		err = errClosed
	case <-ctx.Done():
		err = ctx.Err()
	case <-patience:
		err = errNothing
	}
	if h = r.quit(w); h != nil {
		return h, nil
	}
	return nil, err
}

// enter takes what is free, or waits in line.
func (r *receiver) enter(w waiter) *holding {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.free) > 0 {
		return r.handOn(r.free[0])
	}
	r.waiters = append(r.waiters, w)
	select {
	case r.wanted <- struct{}{}:
	default:
	}
	return nil
}

// quit leaves the line; what was given meanwhile is returned.
func (r *receiver) quit(w waiter) *holding {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.Index(r.waiters, w); i >= 0 {
		r.waiters = slices.Delete(r.waiters, i, i+1)
		return nil
	}
	return <-w
}

// spread gives a holding to the first in line, or to the next that comes. The lock
// must be held.
func (r *receiver) spread(h *holding) {
	if len(r.waiters) == 0 {
		r.free = append(r.free, h)
		return
	}
	w := r.waiters[0]
	r.waiters = slices.Delete(r.waiters, 0, 1)
	w <- r.handOn(h)
}

// handOn ends a holding; its message begins another. The lock must be held.
func (r *receiver) handOn(h *holding) *holding {
	r.remove(h)
	return &holding{desk: r.desk, r: r, m: h.m, again: h.again + 1}
}

// remove ends a holding. The lock must be held.
func (r *receiver) remove(h *holding) {
	if h.timer != nil {
		h.timer.Stop()
	}
	delete(r.held, h)
	if id := h.m.Metadata[idKey]; r.named[id] == h {
		delete(r.named, id)
	}
	r.free = without(r.free, h)
}

func without(all []*holding, h *holding) []*holding {
	if i := slices.Index(all, h); i >= 0 {
		return slices.Delete(all, i, i+1)
	}
	return all
}
