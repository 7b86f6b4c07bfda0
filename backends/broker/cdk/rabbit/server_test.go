package rabbit_test

import (
	"context"
	"crypto/rand"
	"flag"
	"strconv"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"
	"go.uber.org/goleak"

	"github.com/leat-go/leat/backends/broker/cdk/rabbit"
	"github.com/leat-go/leat/internal/services"
)

func TestMain(m *testing.M) {
	flag.Parse()
	_ = flag.Set("test.parallel", strconv.Itoa(sideBySide)) // they wait, more than they work
	goleak.VerifyTestMain(m)
}

// server is a RabbitMQ, or the test ends here.
func server(t testing.TB) string { return services.URL(t, "LEAT_RABBIT") }

// fresh is a queue of the test's own, gone with it.
func fresh(t testing.TB) rabbit.Options {
	t.Helper()
	o := rabbit.Options{URL: server(t), Name: "leat-test-" + rand.Text(), Prefetch: 64}
	if err := rabbit.Declare(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { onQueues(t, o, remove) })
	return o
}

// onQueues does something to the queue and those beside it.
func onQueues(t testing.TB, o rabbit.Options, do func(*amqp.Channel, string) (int, error)) {
	t.Helper()
	c, err := amqp.Dial(o.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ch, err := c.Channel()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range rabbit.Queues(o) {
		if _, err := do(ch, name); err != nil {
			t.Fatal(err)
		}
	}
}

func remove(ch *amqp.Channel, name string) (int, error) {
	return ch.QueueDelete(name, false, false, false)
}

func purge(ch *amqp.Channel, name string) (int, error) { return ch.QueuePurge(name, false) }
