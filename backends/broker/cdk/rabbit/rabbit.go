package rabbit

import (
	"context"
	"errors"
	"runtime"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"gocloud.dev/pubsub"
	"gocloud.dev/pubsub/rabbitpubsub"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/broker/cdk"
)

// Options name a queue.
type Options struct {
	// URL is that of the server: "amqp://user:password@host:5672/vhost", or amqps.
	URL string

	// Name is the queue's, as the server knows it.
	Name string

	// Prefetch is how many messages this process may have unacked; 0 = 32. Those
	// that run count, those that wait for a short delay, and those that the client
	// fetched ahead: a worker's slots and as many again is a good number.
	Prefetch int
}

const (
	defaultPrefetch = 32

	// longestHold is the delay that is waited for here.
	longestHold = 5 * time.Second

	// maxMessage is what RabbitMQ 4 takes by itself; older ones take more.
	maxMessage = 16 << 20

	routeKey = "leat-route" // metadata that becomes the routing key
	countKey = "x-delivery-count"
)

// New makes a Transport of a queue. It opens nothing yet.
func New(o Options) *cdk.Transport {
	if o.Prefetch == 0 {
		o.Prefetch = defaultPrefetch
	}
	return cdk.New(cdk.Options{
		Topic:        o.topic,
		Subscription: o.subscription,
		Hooks: cdk.Hooks{
			Facts: broker.TransportFeatures{
				Name: "rabbit", Durability: backends.Disk, SharedQueues: true,
				MaxDelay: delays[len(delays)-1], MaxNack: longestHold, MaxMessage: maxMessage,
			},
			Send: outgoing, ID: id, Receives: receives, Sent: sent,
			Ack:        func(_ context.Context, m *pubsub.Message) error { return delivery(m).Ack(false) },
			Nack:       func(_ context.Context, m *pubsub.Message) error { return delivery(m).Nack(false, true) },
			CloseTopic: closeTopic, CloseSubscription: closeSubscription,
		},
	})
}

func (o *Options) topic(ctx context.Context) (*pubsub.Topic, error) {
	c, err := o.connect(ctx)
	if err != nil {
		return nil, err
	}
	return rabbitpubsub.OpenTopic(c, o.exchange(), &rabbitpubsub.TopicOptions{KeyName: routeKey}), nil
}

func (o *Options) subscription(ctx context.Context) (*pubsub.Subscription, error) {
	c, err := o.connect(ctx)
	if err != nil {
		return nil, err
	}
	return rabbitpubsub.OpenSubscription(c, o.Name, &rabbitpubsub.SubscriptionOptions{PrefetchCount: &o.Prefetch}), nil
}

// closeTopic ends the connection too, which is its own.
func closeTopic(ctx context.Context, t *pubsub.Topic) error {
	var c *amqp.Connection
	t.As(&c)
	err := t.Shutdown(ctx)
	if c.IsClosed() { // lost before
		return nil
	}
	return errors.Join(err, c.Close())
}

// closeSubscription ends the connection first, which gives back all that came by
// it, and waits for the Subscription to notice. Shutdown by itself leaves a
// goroutine behind for messages that were fetched ahead.
func closeSubscription(ctx context.Context, s *pubsub.Subscription) (err error) {
	var c *amqp.Connection
	s.As(&c)
	if !c.IsClosed() {
		err = c.Close()
	}
	for {
		m, failed := s.Receive(ctx)
		if failed != nil {
			break
		}
		runtime.SetFinalizer(m, nil) // which would complain that nobody acked it
	}
	_ = s.Shutdown(ctx)
	return err
}
