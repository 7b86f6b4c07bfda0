package rabbit

import (
	"context"
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
			Prefetch: o.Prefetch,
			Send:     outgoing, ID: id, Receives: receives, Sent: sent,
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
	return hangUp(c, t.Shutdown(ctx))
}

func closeSubscription(ctx context.Context, s *pubsub.Subscription) error {
	var c *amqp.Connection
	s.As(&c)
	return hangUp(c, s.Shutdown(ctx))
}

// hangUp ends a connection. One that was lost before is no error.
func hangUp(c *amqp.Connection, err error) error {
	if c.IsClosed() {
		return nil
	}
	if closing := c.Close(); closing != nil && err == nil && !c.IsClosed() {
		return closing
	}
	return err
}
