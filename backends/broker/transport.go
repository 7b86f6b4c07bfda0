package broker

import (
	"context"
	"time"

	"github.com/leat-go/leat/backends"
)

// Transport is what a broker can do with messages: the part that is different
// for SQS, RabbitMQ, NATS and the others. It knows nothing of jobs.
//
// What holds for every method:
//
//   - It is safe for concurrent use, and ends with its context.
//   - Lists are batches: a Transport cuts them where its broker needs smaller
//     ones (by count or by bytes). Outcomes are per item and parallel to the
//     list; nil says that all went well. The error beside the slice speaks of the
//     whole call; then every item's outcome is unknown.
//   - It keeps no slice of the caller's after it returned. Bodies and header maps
//     are immutable and may be kept.
//   - It does not repeat what failed, but for what its client library does by
//     itself: the protocol stands a message that is sent, acked or delivered twice.
//   - Errors are raw. Nothing panics.
type Transport interface {
	// Send hands messages to the broker; an item that has no error is as durable
	// as TransportFeatures.Durability says.
	Send(ctx context.Context, messages []Message) ([]error, error)

	// Receive blocks until at least one message is leased or ctx ends, and
	// returns at most max: messages or an error, never both, never neither. Each
	// stays hidden from others for the lease, then it is delivered again. There is
	// no prefetch: what is returned is all that is leased. A call whose ctx ended
	// may return messages, which the caller gives back; what the broker leased to
	// a request that was given up is the Transport's to give back, or lapses.
	Receive(ctx context.Context, max int, lease time.Duration) ([]*Delivery, error)

	// Ack deletes messages for good. That of a delivery that has lapsed may
	// delete it, or be ignored, or fail: the caller has made sure that all do no harm.
	Ack(ctx context.Context, deliveries []*Delivery) ([]error, error)

	// Nack gives messages back, each to be delivered again after its delay, of
	// which at most MaxNack counts.
	Nack(ctx context.Context, nacks []Nack) ([]error, error)

	// Extend makes the leases end d from now. It may shorten them. Where
	// MaxLease is 0 it may do nothing.
	Extend(ctx context.Context, d time.Duration, deliveries []*Delivery) ([]error, error)

	// Features returns constant facts.
	Features() TransportFeatures

	// Close waits for what the Transport started and gives back what it holds.
	// Blocked calls end with an error. The second Close is a no-op.
	Close() error
}

// Meter is a Transport that counts what it asks its broker, for those who pay by
// the request. A Backend has it as well, found by backends.As.
type Meter interface {
	// Requests is how many there were since it was opened, repeated ones included.
	Requests() int64
}

// Message is what is sent.
type Message struct {
	Body    []byte
	Headers map[string]string // few and short; a Transport may carry them as attributes, or not at all

	Delay time.Duration // at most TransportFeatures.MaxDelay

	// Group is the tenant, but for a collation job, which waits for its members
	// and must not stand in their way. FIFO queues keep the order inside a group;
	// fair queues go round the groups.
	Group string

	// Dedup is equal for two messages that may stand for each other: a repeated
	// send. FIFO queues drop the second one.
	Dedup string
}

// Delivery is a message as one receiver holds it.
type Delivery struct {
	// ID is the broker's name for the message: the same at every delivery of one
	// Send, another for another Send of the same body. Where a broker has none the
	// Transport makes a random one at each Send and carries it along.
	ID string

	Body     []byte
	Headers  map[string]string
	Sent     time.Time // zero if the broker doesn't tell
	Receives int       // how often it was delivered, this time included; 0 if the broker doesn't count

	Handle any // the Transport's own: a receipt, a delivery tag
}

// Nack gives one delivery back.
type Nack struct {
	*Delivery
	Delay time.Duration
}

// TransportFeatures are the constant facts of a Transport: the protocol takes
// another way round what it can't do.
type TransportFeatures struct {
	Name       string              // "sqs"
	Durability backends.Durability // of a message that was sent

	MaxDelay   time.Duration // longest Message.Delay; 0 = none. Longer ones hop: they are sent anew
	MaxNack    time.Duration // longest Nack.Delay; 0 = none. Longer ones are sent anew where MaxDelay allows
	MaxLease   time.Duration // longest lease; 0 = unlimited
	Tick       time.Duration // spans are rounded up to it; 0 = exact
	MaxBatch   int           // messages of one Send that make one request; 0 = unlimited
	ClaimBatch int           // messages of one Receive, where requests cost money; 0 = no matter
	MaxMessage int           // bytes of a body; 0 = unlimited
	Retention  time.Duration // a message that nobody acked is gone after that; 0 = never

	FIFO         bool // keeps the order inside a group, drops repeated Dedup ids, ignores Message.Delay
	Fair         bool // goes round the groups
	HardLease    bool // a lease that has lapsed can't be extended, though nobody took the message yet
	CheapExtend  bool // extending costs next to nothing; else a lease is renewed when a third of it has gone
	Counts       bool // Delivery.Receives counts
	SharedQueues bool // several processes may receive from it
}
