package rabbit

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// delays are what the queues beside the queue keep a message for.
var delays = doubled(2*time.Second, 4096*time.Second)

func doubled(from, to time.Duration) (all []time.Duration) {
	for d := from; d <= to; d *= 2 {
		all = append(all, d)
	}
	return all
}

// fitting is the longest of them that is no longer than d; 0 = none.
func fitting(d time.Duration) (best time.Duration) {
	for _, x := range delays {
		if x <= d {
			best = x
		}
	}
	return best
}

// exchange is where messages go in.
func (o *Options) exchange() string { return o.Name + ".leat" }

// Declare makes the queue, its exchange and its delay queues, all durable and
// replicated (quorum queues). What is there already is left as it is; if it is
// otherwise, that is an error.
func Declare(ctx context.Context, o Options) error {
	c, err := o.dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	ch, err := c.Channel()
	if err != nil {
		return err
	}
	if err := ch.ExchangeDeclare(o.exchange(), amqp.ExchangeDirect, true, false, false, false, nil); err != nil {
		return err
	}
	if err := o.queue(ch, o.Name, "", amqp.Table{}); err != nil {
		return err
	}
	for _, d := range delays {
		err := o.queue(ch, o.exchange()+"."+d.String(), d.String(), amqp.Table{
			"x-message-ttl":             d.Milliseconds(),
			"x-dead-letter-exchange":    o.exchange(),
			"x-dead-letter-routing-key": "",
			"x-dead-letter-strategy":    "at-least-once", // a delay must lose nothing
			"x-overflow":                "reject-publish",
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// queue declares one and binds it to the exchange.
func (o *Options) queue(ch *amqp.Channel, name, key string, args amqp.Table) error {
	args["x-queue-type"] = "quorum"
	if _, err := ch.QueueDeclare(name, true, false, false, false, args); err != nil {
		return err
	}
	return ch.QueueBind(name, key, o.exchange(), false, nil)
}

// connect dials, and sees that the queue is there.
func (o *Options) connect(ctx context.Context) (*amqp.Connection, error) {
	c, err := o.dial(ctx)
	if err != nil {
		return nil, err
	}
	if err := o.check(c); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

func (o *Options) check(c *amqp.Connection) error {
	ch, err := c.Channel()
	if err != nil {
		return err
	}
	_, err = ch.QueueDeclarePassive(o.Name, true, false, false, false, nil)
	if err == nil {
		err = ch.ExchangeDeclarePassive(o.exchange(), amqp.ExchangeDirect, true, false, false, false, nil)
	}
	var refused *amqp.Error
	if errors.As(err, &refused) && refused.Code == amqp.NotFound {
		return fmt.Errorf("rabbit: queue %q or exchange %q is missing; Declare, or create=true in the URL, makes both: %w", o.Name, o.exchange(), err)
	}
	if err != nil {
		return err
	}
	return ch.Close()
}

// dial opens a connection that is named after the queue in the server's lists.
func (o *Options) dial(ctx context.Context) (*amqp.Connection, error) {
	if o.Name == "" {
		return nil, errors.New("rabbit: a queue needs a name")
	}
	properties := amqp.NewConnectionProperties()
	properties.SetClientConnectionName("leat " + o.Name)
	return amqp.DialConfig(o.URL, amqp.Config{
		Heartbeat: 10 * time.Second, Locale: "en_US", Properties: properties,
		Dial: func(network, address string) (net.Conn, error) {
			d := net.Dialer{Timeout: 10 * time.Second}
			conn, err := d.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			// The client library takes this off when the server has answered.
			return conn, conn.SetDeadline(time.Now().Add(10 * time.Second))
		},
	})
}
