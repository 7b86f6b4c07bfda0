package broker

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

var errTransportClosed = errors.New("transport is closed")

// The span between two attempts to open a transport that breaks: doubling from
// the first to the last, a random part of it taken off.
const (
	reopenFirst = 100 * time.Millisecond
	reopenLast  = 30 * time.Second
)

// Reopening is a Transport that mends itself (R17): after a receive that failed
// it is closed, and the next receive opens it anew, no sooner than its backoff
// allows. The caller hears of the error each time, so that health turns red. Some
// clients die of one error and never come back; to others it costs a connection.
//
// open is called under backoff, one call at a time. f are the features of
// whatever it opens. Deliveries of an earlier opening are handed to the present
// one, which may answer with an error for them: then they lapse.
func Reopening(f TransportFeatures, open func(context.Context) (Transport, error)) Transport {
	return &reopening{facts: f, open: open, turn: make(chan struct{}, 1), done: make(chan struct{})}
}

type reopening struct {
	facts TransportFeatures
	open  func(context.Context) (Transport, error)
	turn  chan struct{} // held by who opens
	done  chan struct{}

	mu       sync.Mutex
	now      Transport // nil = to be opened
	failures int
	earliest time.Time
	closed   bool
}

func (r *reopening) Features() TransportFeatures { return r.facts }

// transport is the present one, opened if need be.
func (r *reopening) transport(ctx context.Context) (Transport, error) {
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-r.done:
		return nil, errTransportClosed
	}
	t, wait := r.present()
	if t != nil {
		return t, nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-r.done:
		return nil, errTransportClosed
	}
	t, err := r.open(ctx)
	if err != nil {
		r.broke(nil)
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		_ = t.Close()
		return nil, errTransportClosed
	}
	r.now = t
	return t, nil
}

func (r *reopening) present() (Transport, time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now, max(0, time.Until(r.earliest))
}

// broke forgets t, if it is the present one still, and puts off the next opening.
func (r *reopening) broke(t Transport) {
	r.mu.Lock()
	if t != r.now {
		r.mu.Unlock()
		return
	}
	r.now = nil
	span := min(reopenLast, reopenFirst<<min(r.failures, 20))
	r.failures++
	r.earliest = time.Now().Add(span/2 + rand.N(span/2))
	r.mu.Unlock()
	if t != nil {
		_ = t.Close()
	}
}

func (r *reopening) Receive(ctx context.Context, limit int, lease time.Duration) ([]*Delivery, error) {
	t, err := r.transport(ctx)
	if err != nil {
		return nil, err
	}
	ds, err := t.Receive(ctx, limit, lease)
	switch {
	case err == nil:
		r.mu.Lock()
		r.failures = 0
		r.mu.Unlock()
	case ctx.Err() == nil:
		r.broke(t)
	}
	return ds, err
}

func (r *reopening) Send(ctx context.Context, messages []Message) ([]error, error) {
	t, err := r.transport(ctx)
	if err != nil {
		return nil, err
	}
	return t.Send(ctx, messages)
}

func (r *reopening) Ack(ctx context.Context, ds []*Delivery) ([]error, error) {
	t, err := r.transport(ctx)
	if err != nil {
		return nil, err
	}
	return t.Ack(ctx, ds)
}

func (r *reopening) Nack(ctx context.Context, nacks []Nack) ([]error, error) {
	t, err := r.transport(ctx)
	if err != nil {
		return nil, err
	}
	return t.Nack(ctx, nacks)
}

func (r *reopening) Extend(ctx context.Context, d time.Duration, ds []*Delivery) ([]error, error) {
	t, err := r.transport(ctx)
	if err != nil {
		return nil, err
	}
	return t.Extend(ctx, d, ds)
}

func (r *reopening) Close() error {
	r.mu.Lock()
	t := r.now
	first := !r.closed
	r.closed, r.now = true, nil
	r.mu.Unlock()
	if !first {
		return nil
	}
	close(r.done)
	if t != nil {
		return t.Close()
	}
	return nil
}
