package cdk

import (
	"context"
	"errors"
	"sync"
	"time"

	"gocloud.dev/pubsub"

	"github.com/leat-go/leat/backends/broker"
)

var (
	errClosed = errors.New("transport is closed")
	errLapsed = errors.New("delivery has lapsed, or was settled")
)

// closeWithin is how long giving back a topic or a subscription may take.
const closeWithin = 10 * time.Second

// Options say where messages go in and come out.
type Options struct {
	// Topic and Subscription open the two ends of one queue; both are required.
	// They are called anew after an error, one call at a time, so each call must
	// return one that works by itself: with a connection of its own, or one that
	// Hooks leave open.
	Topic        func(context.Context) (*pubsub.Topic, error)
	Subscription func(context.Context) (*pubsub.Subscription, error)

	// Hooks say what the driver can do beyond; the zero value is useful.
	Hooks Hooks
}

// Transport is a topic and a subscription as a [broker.Transport]. Make it with New.
type Transport struct {
	opts   Options
	facts  broker.TransportFeatures
	sender *sender
	out    broker.Transport // receivers, one after the other
	desk   desk

	mu    sync.Mutex
	early *pubsub.Subscription // opened by Ready, and not used yet
	all   map[*receiver]bool   // that hold something
}

var _ broker.Transport = (*Transport)(nil)

// New makes a Transport. It opens nothing: the first Send opens the topic, the
// first Receive the subscription. Both may be in different processes.
func New(o Options) *Transport {
	t := &Transport{opts: o, facts: o.Hooks.features(), desk: desk{named: map[string]*holding{}}, all: map[*receiver]bool{}}
	t.sender = newSender(&t.opts)
	t.out = broker.Reopening(t.facts, t.open)
	return t
}

// Features tells what the hooks say.
func (t *Transport) Features() broker.TransportFeatures { return t.facts }

// Ready opens both ends now, so that what is wrong with them shows, and a broker
// that keeps messages only for subscriptions that exist begins to keep them. Call
// it once, before the first Receive.
func (t *Transport) Ready(ctx context.Context) error {
	if _, err := t.sender.present(ctx); err != nil {
		return err
	}
	s, err := t.opts.Subscription(ctx)
	if err != nil {
		return err
	}
	t.mu.Lock()
	spare := t.early
	t.early = s
	t.mu.Unlock()
	return t.shut(spare)
}

// rest is the subscription that Ready opened and nobody took; nil = none.
func (t *Transport) rest() *pubsub.Subscription {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.early
	t.early = nil
	return s
}

// open makes a receiver of a new subscription.
func (t *Transport) open(ctx context.Context) (broker.Transport, error) {
	s := t.rest()
	if s == nil {
		var err error
		if s, err = t.opts.Subscription(ctx); err != nil {
			return nil, err
		}
	}
	r := newReceiver(s, &t.desk, &t.opts.Hooks, t.facts, t.dropped)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all[r] = true
	return r, nil
}

// dropped forgets a receiver that holds nothing any more.
func (t *Transport) dropped(r *receiver) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.all, r)
}

// Send has no part in the mending of the way out, so that a process that only
// sends opens no subscription.
func (t *Transport) Send(ctx context.Context, messages []broker.Message) ([]error, error) {
	return t.sender.send(ctx, messages)
}

// Receive mends: the error of a subscription is returned once, and the next call
// opens another, no sooner than broker.Reopening allows.
func (t *Transport) Receive(ctx context.Context, limit int, lease time.Duration) ([]*broker.Delivery, error) {
	return t.out.Receive(ctx, limit, lease)
}

// Ack settles at the subscription that a delivery came from, though another was
// opened meanwhile.
func (t *Transport) Ack(ctx context.Context, deliveries []*broker.Delivery) ([]error, error) {
	errs := make([]error, len(deliveries))
	for i, d := range deliveries {
		errs[i] = holdingOf(d).ack(ctx)
	}
	return errs, nil
}

// Nack holds the messages that have a delay, and gives the others back.
func (t *Transport) Nack(ctx context.Context, nacks []broker.Nack) ([]error, error) {
	errs := make([]error, len(nacks))
	for i, n := range nacks {
		errs[i] = holdingOf(n.Delivery).nack(ctx, min(n.Delay, t.facts.MaxNack))
	}
	return errs, nil
}

// Extend sets the timers of the leases.
func (t *Transport) Extend(ctx context.Context, d time.Duration, deliveries []*broker.Delivery) ([]error, error) {
	errs := make([]error, len(deliveries))
	for i, x := range deliveries {
		errs[i] = holdingOf(x).extend(ctx, d)
	}
	return errs, nil
}

// Close gives back what this process holds, and closes both ends. Messages on
// their way in a request that is under way lapse.
func (t *Transport) Close() error {
	err := errors.Join(t.out.Close(), t.sender.close(), t.shut(t.rest()))
	t.mu.Lock()
	var left []*receiver
	for r := range t.all {
		left = append(left, r)
	}
	t.mu.Unlock()
	for _, r := range left {
		err = errors.Join(err, r.end())
	}
	return err
}

func (t *Transport) shut(s *pubsub.Subscription) error {
	if s == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
	defer cancel()
	return t.opts.Hooks.closeSubscription(ctx, s)
}
