package inbox

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/broker"
)

// Transport hands out what batches bring. Make it with New.
type Transport struct {
	queue broker.Transport // nil = there is no way back to where messages came from
	facts broker.TransportFeatures
	done  chan struct{}
	once  sync.Once
}

var _ broker.Transport = (*Transport)(nil)

// New makes a Transport. queue is the one that the messages came from, by which new
// ones are sent, and leases and delays set; nil = none: Send is refused, and a
// message that came back comes again when it is the sender's time. f are the
// features without a queue.
func New(queue broker.Transport, f broker.TransportFeatures) *Transport {
	if queue != nil {
		f = queue.Features()
		f.ClaimBatch = 0 // what is here costs nothing to receive
	}
	return &Transport{queue: queue, facts: f, done: make(chan struct{})}
}

var (
	errClosed  = errors.New("inbox: transport is closed")
	errNoQueue = fmt.Errorf("inbox: messages can't be sent without their queue: %w", errors.ErrUnsupported)
)

// Features are those of the queue.
func (t *Transport) Features() broker.TransportFeatures { return t.facts }

// Send sends by the queue.
func (t *Transport) Send(ctx context.Context, messages []broker.Message) ([]error, error) {
	if t.queue == nil {
		return nil, errNoQueue
	}
	return t.queue.Send(ctx, messages)
}

// Receive hands out messages of the batch in ctx. A ctx without one waits for its end.
func (t *Transport) Receive(ctx context.Context, most int, _ time.Duration) ([]*broker.Delivery, error) {
	b := of(ctx)
	for {
		var changed <-chan struct{}
		if b != nil && ctx.Err() == nil {
			var ds []*broker.Delivery
			if ds, changed = b.take(most); len(ds) > 0 {
				return ds, nil
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-t.done:
			return nil, errClosed
		}
	}
}

// Ack notes that a message is done, after it is deleted where that is ours to do. One
// that the queue didn't delete comes again, and its record says that the job is over:
// trying again here would hold up its run.
func (t *Transport) Ack(ctx context.Context, ds []*broker.Delivery) ([]error, error) {
	errs := make([]error, len(ds))
	gone := t.pass(ds, errs, func(it *item) bool { return it.batch.remove && t.queue != nil }, func(some []*broker.Delivery) ([]error, error) {
		return t.queue.Ack(ctx, some)
	})
	for i, it := range gone {
		switch {
		case errs[i] == nil:
			it.settle(Done, broker.Nack{})
		case !errors.Is(errs[i], backends.ErrLost):
			it.batch.note(errs[i])
			it.settle(Back, broker.Nack{})
			errs[i] = nil
		}
	}
	return errs, nil
}

// Nack notes that a message comes again. Where the queue can't delay it, it comes
// when the queue's own lease is over: that is no error.
func (t *Transport) Nack(ctx context.Context, nacks []broker.Nack) ([]error, error) {
	ds, delays := make([]*broker.Delivery, len(nacks)), map[*broker.Delivery]time.Duration{}
	errs := make([]error, len(nacks))
	for i, n := range nacks {
		ds[i] = n.Delivery
		delays[n.Handle.(*item).m.Delivery] = n.Delay
	}
	back := t.pass(ds, errs, func(*item) bool { return t.queue != nil }, func(some []*broker.Delivery) ([]error, error) {
		all := make([]broker.Nack, len(some))
		for i, d := range some {
			all[i] = broker.Nack{Delivery: d, Delay: delays[d]}
		}
		return t.queue.Nack(ctx, all)
	})
	for i, it := range back {
		if errors.Is(errs[i], backends.ErrLost) {
			continue
		}
		if errs[i] != nil {
			it.batch.note(errs[i])
			errs[i] = nil
		}
		it.settle(Back, broker.Nack{Delivery: it.m.Delivery, Delay: nacks[i].Delay})
	}
	return errs, nil
}

// Extend renews leases by the queue, if there is one.
func (t *Transport) Extend(ctx context.Context, d time.Duration, ds []*broker.Delivery) ([]error, error) {
	errs := make([]error, len(ds))
	t.pass(ds, errs, func(*item) bool { return t.queue != nil }, func(some []*broker.Delivery) ([]error, error) {
		return t.queue.Extend(ctx, d, some)
	})
	return errs, nil
}

// pass does something to the queue's own deliveries, for those that are to be passed
// on. A message whose batch is closed is lost.
func (t *Transport) pass(ds []*broker.Delivery, errs []error, which func(*item) bool, do func([]*broker.Delivery) ([]error, error)) []*item {
	items := make([]*item, len(ds))
	var some []*broker.Delivery
	var at []int
	for i, d := range ds {
		it := d.Handle.(*item)
		items[i] = it
		switch {
		case !it.open():
			errs[i] = backends.ErrLost
		case which(it):
			some, at = append(some, it.m.Delivery), append(at, i)
		}
	}
	if len(some) == 0 {
		return items
	}
	bad, err := do(some)
	for k, i := range at {
		if errs[i] = err; err == nil && k < len(bad) {
			errs[i] = bad[k]
		}
	}
	return items
}

// GiveBack makes the messages of a closed batch that nobody began, or did not settle,
// visible again at once: else they would wait for the end of the queue's lease, and
// in an ordered queue those before them, too. Those that are out may still be run by a
// handler that doesn't return: they keep their lease.
func (t *Transport) GiveBack(ctx context.Context, r Result) error {
	if t.queue == nil {
		return nil
	}
	var nacks []broker.Nack
	for _, m := range r.Messages {
		if m.Fate == Untouched {
			nacks = append(nacks, broker.Nack{Delivery: m.Delivery})
		}
	}
	if len(nacks) == 0 {
		return nil
	}
	errs, err := t.queue.Nack(ctx, nacks)
	return errors.Join(append(errs, err)...)
}

// Close closes the queue.
func (t *Transport) Close() error {
	first := false
	t.once.Do(func() { first = true; close(t.done) })
	if first && t.queue != nil {
		return t.queue.Close()
	}
	return nil
}
