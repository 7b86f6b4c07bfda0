package cdk

import (
	"context"
	"time"

	"gocloud.dev/pubsub"

	"github.com/leat-go/leat/backends/broker"
)

// grace is how long a message whose lease is over is kept for its old holder, who
// may come back from a pause, and for a Receive of this process. Then it goes back
// to the broker, and others get it.
const grace = 5 * time.Second

// holding is a message that this process has. One timer ends whatever it is in; the
// receiver's lock guards it.
//
//	          Receive            lease over            grace over
//	message ──────────► leased ─────────────► lapsed ────────────► nacked
//	                     │  ▲     Extend        │ │
//	                     │  └───────────────────┘ └── Receive ───► leased anew
//	                     │ Nack            delay over
//	                     └─────────► waiting ────────────────────► nacked
//
// Where the driver can't nack, what would be nacked is spare for the next Receive.
type holding struct {
	r     *receiver
	m     *pubsub.Message
	again int // so often this process handed it out again by itself; -1 = not even once
	phase phase
	timer *time.Timer
	ends  time.Time
}

type phase uint8

const (
	leased  phase = iota
	lapsed        // its holder may still settle or extend it
	waiting       // for its delay
	spare         // for the next Receive
)

// none stands for a delivery that isn't ours; it has lapsed.
var none = &holding{r: &receiver{}}

func holdingOf(d *broker.Delivery) *holding {
	if h, ok := d.Handle.(*holding); ok {
		return h
	}
	return none
}

// lease makes a delivery, and starts its lease.
func (h *holding) lease(ctx context.Context, d time.Duration) (*broker.Delivery, error) {
	r := h.r
	r.mu.Lock()
	closed := r.closed
	if !closed {
		h.ends, h.timer = time.Now().Add(d), time.AfterFunc(d, h.over)
		r.held[h] = true
		r.named[h.m.Metadata[idKey]] = h
	}
	r.mu.Unlock()
	if closed {
		r.giveBack(h.m)
		return nil, errClosed
	}
	if r.hooks.Extend != nil {
		_ = r.hooks.Extend(ctx, h.m, d) // failed, it comes again too early, which does no harm
	}
	return h.delivery(), nil
}

// over is called by the timer, which may have been set anew meanwhile.
func (h *holding) over() {
	r := h.r
	r.mu.Lock()
	if !r.held[h] || time.Now().Before(h.ends) {
		r.mu.Unlock()
		return
	}
	if h.phase == leased {
		h.phase, h.ends = lapsed, time.Now().Add(grace)
		h.timer.Reset(grace)
		r.spread(h)
		r.mu.Unlock()
		return
	}
	r.remove(h)
	r.mu.Unlock()
	r.giveBack(h.m)
	_ = r.leave()
}

// settle takes a message from its holder; nil = it isn't his any more.
func (h *holding) settle() *pubsub.Message {
	h.r.mu.Lock()
	defer h.r.mu.Unlock()
	if !h.r.held[h] || h.phase > lapsed {
		return nil
	}
	h.r.remove(h)
	return h.m
}

// move sets the timer for the next phase; nil = it isn't its holder's any more.
func (h *holding) move(next phase, d time.Duration) *pubsub.Message {
	h.r.mu.Lock()
	defer h.r.mu.Unlock()
	if !h.r.held[h] || h.phase > lapsed {
		return nil
	}
	h.r.free = without(h.r.free, h)
	h.phase, h.ends = next, time.Now().Add(d)
	h.timer.Reset(d)
	return h.m
}

func (h *holding) ack(ctx context.Context) (err error) {
	m := h.settle()
	if m == nil {
		return errLapsed
	}
	if h.r.hooks.Ack != nil {
		forget(m)
		err = h.r.hooks.Ack(ctx, m)
	} else {
		m.Ack()
	}
	_ = h.r.leave()
	return err
}

func (h *holding) nack(ctx context.Context, delay time.Duration) error {
	if delay > 0 {
		if h.move(waiting, delay) == nil {
			return errLapsed
		}
		return nil
	}
	m := h.settle()
	if m == nil {
		return errLapsed
	}
	err := h.r.giveBackNow(ctx, m)
	_ = h.r.leave()
	return err
}

func (h *holding) extend(ctx context.Context, d time.Duration) error {
	m := h.move(leased, d)
	if m == nil {
		return errLapsed
	}
	if h.r.hooks.Extend == nil {
		return nil
	}
	return h.r.hooks.Extend(ctx, m, d)
}
