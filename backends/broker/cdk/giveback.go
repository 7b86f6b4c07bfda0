package cdk

import (
	"context"
	"runtime"

	"gocloud.dev/pubsub"
)

// giveBack is for what nobody waits for; what can't be given back lapses.
func (r *receiver) giveBack(m *pubsub.Message) {
	ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
	defer cancel()
	_ = r.giveBackNow(ctx, m)
}

// giveBackNow makes a message come again at once: by the broker, or from here.
func (r *receiver) giveBackNow(ctx context.Context, m *pubsub.Message) error {
	switch {
	case r.hooks.Nack != nil:
		forget(m)
		return r.hooks.Nack(ctx, m)
	case m.Nackable():
		m.Nack()
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.retired {
		forget(m)
		return nil
	}
	h := &holding{desk: r.desk, r: r, m: m, phase: spare}
	r.held[h] = true
	r.spread(h)
	return nil
}

// forget takes away the finalizer by which the Go CDK complains of messages that
// were neither acked nor nacked through it.
func forget(m *pubsub.Message) { runtime.SetFinalizer(m, nil) }
