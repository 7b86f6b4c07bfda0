package cdk

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"sync"

	"gocloud.dev/pubsub"

	"github.com/leat-go/leat/backends/broker"
)

// width is how many messages of one Send are on their way at a time, for the
// driver to make batches of.
const width = 64

// sender is the way in. After a send that failed the topic is opened anew: some
// drivers never find back after a lost connection. The caller's retries set the pace.
type sender struct {
	hooks *Hooks
	open  func(context.Context) (*pubsub.Topic, error)

	turn   chan struct{} // held by who touches what follows
	topic  *pubsub.Topic // nil = to be opened
	closed bool
}

func newSender(o *Options) *sender {
	return &sender{hooks: &o.Hooks, open: o.Topic, turn: make(chan struct{}, 1)}
}

// present is the topic, opened if need be.
func (s *sender) present(ctx context.Context) (*pubsub.Topic, error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if s.closed {
		return nil, errClosed
	}
	if s.topic == nil {
		t, err := s.open(ctx)
		if err != nil {
			return nil, err
		}
		s.topic = t
	}
	return s.topic, nil
}

// forget closes t and has the next send open another.
func (s *sender) forget(t *pubsub.Topic) {
	s.turn <- struct{}{}
	mine := s.topic == t
	if mine {
		s.topic = nil
	}
	<-s.turn
	if mine {
		_ = s.shut(t)
	}
}

func (s *sender) shut(t *pubsub.Topic) error {
	ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
	defer cancel()
	return s.hooks.closeTopic(ctx, t)
}

// send sends messages side by side.
func (s *sender) send(ctx context.Context, messages []broker.Message) ([]error, error) {
	t, err := s.present(ctx)
	if err != nil {
		return nil, err
	}
	errs := make([]error, len(messages))
	slots := make(chan struct{}, width)
	var all sync.WaitGroup
	for i := range messages {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			errs[i] = t.Send(ctx, s.outgoing(&messages[i]))
		})
	}
	all.Wait()
	if errors.Join(errs...) != nil && ctx.Err() == nil {
		s.forget(t)
	}
	return errs, nil
}

// outgoing is the message as the topic takes it.
func (s *sender) outgoing(m *broker.Message) *pubsub.Message {
	out := &pubsub.Message{Body: m.Body, Metadata: map[string]string{}}
	maps.Copy(out.Metadata, m.Headers)
	out.Metadata[idKey] = rand.Text()
	if s.hooks.Send != nil {
		s.hooks.Send(m, out)
	}
	return out
}

func (s *sender) close() error {
	s.turn <- struct{}{}
	t := s.topic
	s.topic, s.closed = nil, true
	<-s.turn
	if t == nil {
		return nil
	}
	return s.shut(t)
}
