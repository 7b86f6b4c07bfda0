package push

import (
	"context"
	"errors"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/broker/inbox"
)

// Source is a queue whose messages come as requests. It is the [broker.Transport] of
// the program's Backend, and its [Handler] tells it of each request. Make it with
// [NewSource].
type Source struct {
	*inbox.Transport
	sender broker.Transport
	facts  broker.TransportFeatures
}

// longestWait is what a nack may ask for: a Pub/Sub subscription waits no longer.
const longestWait = 10 * time.Minute

// NewSource makes a Source. By the sender new jobs go to where messages are pushed from,
// and delays that are longer than a push is put off; nil = none, and Enqueue is
// refused. Closing the Source closes it.
func NewSource(sender broker.Transport) *Source {
	f := broker.TransportFeatures{Name: "push", Durability: backends.Replicated, SharedQueues: true}
	if sender != nil {
		f = sender.Features()
	}
	f.MaxNack, f.MaxLease, f.ClaimBatch, f.HardLease = longestWait, 0, 0, false
	f.CheapExtend, f.Counts = true, true // there is nothing to renew: the request is the lease
	return &Source{Transport: inbox.New(nil, f), sender: sender, facts: f}
}

// Send sends by the sender.
func (s *Source) Send(ctx context.Context, messages []broker.Message) ([]error, error) {
	if s.sender == nil {
		return s.Transport.Send(ctx, messages)
	}
	return s.sender.Send(ctx, messages)
}

// Close closes the sender.
func (s *Source) Close() error {
	err := s.Transport.Close()
	if s.sender != nil {
		err = errors.Join(err, s.sender.Close())
	}
	return err
}
