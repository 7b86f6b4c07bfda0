package cdk

import (
	"context"
	"sync"
	"time"

	"gocloud.dev/pubsub"

	"github.com/leat-go/leat/backends/broker"
)

// grace is how long a message whose lease is over is kept for its old holder, who
// may come back from a pause, and for a Receive of this process. Then it goes back
// to the broker, and others get it.
const grace = 5 * time.Second

// desk is what the receivers of one Transport share: the lock of all holdings, and
// those that were handed out, by the id that we gave the message.
type desk struct {
	mu    sync.Mutex
	named map[string]*holding
}

// holding is a message that this process has. One timer ends whatever it is in; the
// desk's lock guards it.
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
	*desk
	r     *receiver // the last by which the message came
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
var none = &holding{desk: &desk{}, r: &receiver{}}

func holdingOf(d *broker.Delivery) *holding {
	if h, ok := d.Handle.(*holding); ok {
		return h
	}
	return none
}

// lease makes a delivery, and starts its lease.
func (h *holding) lease(ctx context.Context, d time.Duration) (*broker.Delivery, error) {
	h.mu.Lock()
	r, m := h.r, h.m
	closed := r.closed
	if !closed {
		h.ends, h.timer = time.Now().Add(d), time.AfterFunc(d, h.over)
		r.held[h] = true
		if id := m.Metadata[idKey]; id != "" {
			h.named[id] = h
		}
	}
	h.mu.Unlock()
	if closed {
		r.giveBack(m)
		return nil, errClosed
	}
	if r.hooks.Extend != nil {
		_ = r.hooks.Extend(ctx, m, d) // failed, it comes again too early, which does no harm
	}
	return r.hooks.delivery(h, m), nil
}

// over is called by the timer, which may have been set anew meanwhile.
func (h *holding) over() {
	h.mu.Lock()
	r := h.r
	if !r.held[h] || time.Now().Before(h.ends) {
		h.mu.Unlock()
		return
	}
	if h.phase == leased {
		h.phase, h.ends = lapsed, time.Now().Add(grace)
		h.timer.Reset(grace)
		r.spread(h)
		h.mu.Unlock()
		return
	}
	r.remove(h)
	h.mu.Unlock()
	r.giveBack(h.m)
	_ = r.leave()
}

// settle takes a message from its holder; nil = it isn't his any more.
func (h *holding) settle() (*receiver, *pubsub.Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.r.held[h] || h.phase > lapsed {
		return nil, nil
	}
	h.r.remove(h)
	return h.r, h.m
}

// move sets the timer for the next phase; nil = it isn't its holder's any more.
func (h *holding) move(next phase, d time.Duration) (*receiver, *pubsub.Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.r.held[h] || h.phase > lapsed {
		return nil, nil
	}
	h.r.free = without(h.r.free, h)
	h.phase, h.ends = next, time.Now().Add(d)
	h.timer.Reset(d)
	return h.r, h.m
}

func (h *holding) ack(ctx context.Context) (err error) {
	r, m := h.settle()
	if r == nil {
		return errLapsed
	}
	if r.hooks.Ack != nil {
		forget(m)
		err = r.hooks.Ack(ctx, m)
	} else {
		m.Ack()
	}
	_ = r.leave()
	return err
}

func (h *holding) nack(ctx context.Context, delay time.Duration) error {
	if delay > 0 {
		if r, _ := h.move(waiting, delay); r == nil {
			return errLapsed
		}
		return nil
	}
	r, m := h.settle()
	if r == nil {
		return errLapsed
	}
	err := r.giveBackNow(ctx, m)
	_ = r.leave()
	return err
}

func (h *holding) extend(ctx context.Context, d time.Duration) error {
	r, m := h.move(leased, d)
	if r == nil {
		return errLapsed
	}
	if r.hooks.Extend == nil {
		return nil
	}
	return r.hooks.Extend(ctx, m, d)
}
