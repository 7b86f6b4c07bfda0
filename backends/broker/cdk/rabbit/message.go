package rabbit

import (
	"crypto/rand"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"gocloud.dev/pubsub"

	"github.com/leat-go/leat/backends/broker"
)

// outgoing makes a message last, and sends one with a delay the long way round.
func outgoing(m *broker.Message, out *pubsub.Message) {
	if d := fitting(m.Delay); d > 0 {
		out.Metadata[routeKey] = d.String()
	}
	out.BeforeSend = func(as func(any) bool) error {
		var p *amqp.Publishing
		if as(&p) {
			p.DeliveryMode, p.Timestamp = amqp.Persistent, time.Now()
		}
		return nil
	}
}

// delivery is the message as the client library knows it.
func delivery(m *pubsub.Message) *amqp.Delivery {
	var d amqp.Delivery
	m.As(&d)
	return &d
}

// id names a message of another program: by its own name for it, if there is one.
// Else a repeated delivery is taken for another message, and a job may run twice;
// no two messages are ever taken for one.
func id(m *pubsub.Message) string {
	if name := delivery(m).MessageId; name != "" {
		return name
	}
	return rand.Text()
}

// receives counts on quorum queues.
func receives(m *pubsub.Message) int {
	d := delivery(m)
	switch n := d.Headers[countKey].(type) {
	case int64:
		return int(n) + 1
	case int32:
		return int(n) + 1
	}
	if d.Redelivered {
		return 2
	}
	return 1
}

func sent(m *pubsub.Message) time.Time { return delivery(m).Timestamp }
