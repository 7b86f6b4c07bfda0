package cdk

import (
	"context"
	"time"

	"gocloud.dev/pubsub"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/broker"
)

// Hooks say what one driver can do beyond the portable part. All are optional, and
// must be safe for concurrent use. Messages have an As method for them.
type Hooks struct {
	// Facts are what Features tells. Defaults: Name "cdk", Durability
	// backends.Process, MaxNack 5 min, no MaxDelay, MaxLease 0 = unlimited.
	// CheapExtend and Counts follow from the hooks.
	Facts broker.TransportFeatures

	// Prefetch is how many messages the Subscription may keep inside beyond those
	// asked for; Close takes them out and gives them back. 0 = none: its receive
	// options are {MaxBatchSize: 1, MaxHandlers: 1}, or closing it is enough.
	Prefetch int

	// Send changes a message before it leaves: metadata, BeforeSend. It is where
	// Delay, Group and Dedup of the message go; without it they are dropped.
	Send func(*broker.Message, *pubsub.Message)

	// ID is the broker's name of a message that none of us sent; nil = LoggableID.
	ID func(*pubsub.Message) string

	// Receives counts the deliveries of a message, this one included.
	Receives func(*pubsub.Message) int

	// Sent is when a message was sent; nil or zero = unknown.
	Sent func(*pubsub.Message) time.Time

	// Ack and Nack replace those of the Message, where the driver has ways that
	// tell whether they worked. Nack makes it come again at once.
	Ack, Nack func(context.Context, *pubsub.Message) error

	// Extend makes the broker's own deadline end d from now, and is called for each
	// lease when it begins, too; nil = nothing to do.
	Extend func(ctx context.Context, m *pubsub.Message, d time.Duration) error

	// CloseTopic and CloseSubscription give back what opening took, within 10 s;
	// nil = Shutdown.
	CloseTopic        func(context.Context, *pubsub.Topic) error
	CloseSubscription func(context.Context, *pubsub.Subscription) error
}

// defaultHold is how long a message with a delay waits in this process. Then it is
// nacked, comes again, and waits on.
const defaultHold = 5 * time.Minute

// features are the facts, with what follows from the hooks.
func (h *Hooks) features() broker.TransportFeatures {
	f := h.Facts
	if f.Name == "" {
		f.Name = "cdk"
	}
	if f.Durability == 0 {
		f.Durability = backends.Process
	}
	if f.MaxNack == 0 {
		f.MaxNack = defaultHold
	}
	if h.Send == nil {
		f.MaxDelay = 0
	}
	f.CheapExtend = f.CheapExtend || h.Extend == nil
	f.Counts = h.Receives != nil
	return f
}

func (h *Hooks) closeTopic(ctx context.Context, t *pubsub.Topic) error {
	if h.CloseTopic != nil {
		return h.CloseTopic(ctx, t)
	}
	return t.Shutdown(ctx)
}

func (h *Hooks) closeSubscription(ctx context.Context, s *pubsub.Subscription) error {
	if h.CloseSubscription != nil {
		return h.CloseSubscription(ctx, s)
	}
	return s.Shutdown(ctx)
}
