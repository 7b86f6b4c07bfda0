package cdk

import (
	"context"
	"sync"
	"time"

	"gocloud.dev/pubsub"

	"github.com/leat-go/leat/backends/broker"
)

const (
	// moment is how long a Receive that has a message waits for another, and a
	// message that nobody asks for any more waits for a Receive.
	moment = 10 * time.Millisecond

	// linger is how long a request under way may take to end, once its
	// subscription is closed: one poll of the drivers that poll.
	linger = 500 * time.Millisecond
)

// receiver is one opening of the subscription: the way out, until it fails.
type receiver struct {
	*desk
	broker.Transport // nil: Transport does the rest by itself

	sub     *pubsub.Subscription
	hooks   *Hooks
	facts   broker.TransportFeatures
	dropped func(*receiver)
	end     func() error // closes it, once

	life   context.Context
	cancel context.CancelFunc
	wanted chan struct{} // somebody waits
	stop   chan struct{} // closed by end
	failed chan struct{} // closed once err is set
	done   chan struct{} // closed when intake has ended

	err error

	// The desk's lock guards these.
	held      map[*holding]bool
	free      []*holding // of these, those for the next Receive
	waiters   []waiter   // first come, first served; none while there is something free
	receiving bool
	retired   bool // failed, and to be closed when it holds nothing any more
	closed    bool
}

func newReceiver(s *pubsub.Subscription, d *desk, h *Hooks, f broker.TransportFeatures, dropped func(*receiver)) *receiver {
	r := &receiver{
		desk: d, sub: s, hooks: h, facts: f, dropped: dropped, held: map[*holding]bool{},
		wanted: make(chan struct{}, 1),
		stop:   make(chan struct{}), failed: make(chan struct{}), done: make(chan struct{}),
	}
	r.life, r.cancel = context.WithCancel(context.Background())
	r.end = sync.OnceValue(r.endNow)
	go r.intake()
	return r
}

func (r *receiver) Features() broker.TransportFeatures { return r.facts }

// Receive waits for one message, and takes those that come at once.
func (r *receiver) Receive(ctx context.Context, limit int, lease time.Duration) ([]*broker.Delivery, error) {
	h, err := r.next(ctx, nil)
	if err != nil {
		return nil, err
	}
	var out []*broker.Delivery
	for {
		d, err := h.lease(ctx, lease)
		if err != nil && len(out) == 0 {
			return nil, err
		}
		if err != nil {
			return out, nil
		}
		if out = append(out, d); len(out) == limit {
			return out, nil
		}
		patience := time.NewTimer(moment)
		h, err = r.next(ctx, patience.C)
		patience.Stop()
		if err != nil {
			return out, nil
		}
	}
}

// intake takes messages off the subscription, one at a time and while somebody
// waits, so that nothing is leased of which nobody knows. Its calls outlive those
// who wait: one that is given up leaves a message, and a goroutine, in the
// subscription.
func (r *receiver) intake() {
	defer close(r.done)
	for {
		select {
		case <-r.wanted:
		case <-r.stop:
			return
		}
		for r.mayReceive() {
			m, err := r.sub.Receive(r.life)
			if err != nil {
				r.err = err
				close(r.failed)
				return
			}
			r.offer(m)
		}
	}
}

// mayReceive reports whether somebody waits, and notes that a call begins.
func (r *receiver) mayReceive() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.receiving = !r.closed && len(r.waiters) > 0
	return r.receiving
}

// offer gives a message to who waits. Nobody may any more: then it goes back,
// unless a Receive comes in a moment.
func (r *receiver) offer(m *pubsub.Message) {
	r.mu.Lock()
	r.receiving = false
	closed := r.closed
	var before *receiver
	if !closed {
		if before = r.renew(m); before == nil {
			h := &holding{desk: r.desk, r: r, m: m, phase: spare, again: -1, ends: time.Now().Add(moment)}
			h.timer = time.AfterFunc(moment, h.over)
			r.held[h] = true
			r.spread(h)
		}
	}
	r.mu.Unlock()
	switch {
	case closed:
		r.giveBack(m)
	case before != nil:
		_ = before.leave()
	}
}

// renew takes a message for one that is held here, and returns the receiver that
// it came by before: the broker's deadline was shorter than the lease, or the
// connection was lost, and only the way to settle it is new. nil = it isn't held.
// The lock must be held.
func (r *receiver) renew(m *pubsub.Message) *receiver {
	h := r.named[m.Metadata[idKey]]
	if h == nil || !h.r.held[h] || h.phase == lapsed {
		return nil
	}
	before := h.r
	delete(before.held, h)
	r.held[h] = true
	forget(h.m)
	h.r, h.m = r, m
	return before
}

// Close is called when it failed, or by the end of the Transport. What was handed
// out before a failure can still be settled, until its lease ends.
func (r *receiver) Close() error {
	select {
	case <-r.failed:
		return r.retire()
	default:
		return r.end()
	}
}

// retire gives back what waits here, and ends with the last delivery.
func (r *receiver) retire() error {
	r.mu.Lock()
	r.retired = true
	var idle []*holding
	for h := range r.held {
		if h.phase > lapsed {
			idle = append(idle, h)
			r.remove(h)
		}
	}
	r.mu.Unlock()
	for _, h := range idle {
		r.giveBack(h.m)
	}
	return r.leave()
}

// leave ends a retired receiver that holds nothing any more.
func (r *receiver) leave() error {
	r.mu.Lock()
	over := r.retired && len(r.held) == 0
	r.mu.Unlock()
	if !over {
		return nil
	}
	return r.end()
}

// endNow gives back all that is held, and closes the subscription, which sends
// what is still to be sent.
func (r *receiver) endNow() error {
	var back []*pubsub.Message
	r.mu.Lock()
	for h := range r.held {
		r.remove(h)
		back = append(back, h.m)
	}
	r.closed = true
	receiving := r.receiving
	r.mu.Unlock()
	close(r.stop)
	back = append(back, r.ahead(receiving)...)
	if r.hooks.Prefetch > 0 && len(back) > 0 {
		<-time.After(linger) // for the request under way, which would take them again
	}
	for _, m := range back {
		r.giveBack(m)
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
	defer cancel()
	err := r.hooks.closeSubscription(ctx, r.sub)
	giveUp := time.AfterFunc(linger, r.cancel)
	<-r.done
	giveUp.Stop()
	r.cancel()
	r.dropped(r)
	return err
}

// ahead takes out what the subscription has fetched ahead. While a call waits there
// is nothing.
func (r *receiver) ahead(receiving bool) (all []*pubsub.Message) {
	if receiving {
		return nil
	}
	<-r.done
	for range r.hooks.Prefetch {
		ctx, cancel := context.WithTimeout(r.life, moment)
		m, err := r.sub.Receive(ctx)
		cancel()
		if err != nil {
			break
		}
		all = append(all, m)
	}
	return all
}
