package rabbit_test

import (
	"context"
	"crypto/rand"
	"flag"
	"net"
	"net/url"
	"os"
	"strconv"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"go.uber.org/goleak"

	"github.com/leat-go/leat/backends/broker/cdk/rabbit"
)

func TestMain(m *testing.M) {
	flag.Parse()
	_ = flag.Set("test.parallel", strconv.Itoa(sideBySide)) // they wait, more than they work
	goleak.VerifyTestMain(m)
}

// server is a RabbitMQ, or the test ends here.
func server(t testing.TB) string {
	t.Helper()
	at := os.Getenv("LEAT_RABBIT")
	if at == "" {
		at = "amqp://guest:guest@127.0.0.1:5672/"
	}
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal("LEAT_RABBIT is no URL")
	}
	c, err := net.DialTimeout("tcp", u.Host, time.Second)
	if err == nil {
		_ = c.Close()
		return at
	}
	const missing = "no RabbitMQ in LEAT_RABBIT nor on port 5672: `.ci/services FOLDER` starts one, `. FOLDER/env` says where"
	if os.Getenv("LEAT_SERVICES") == "required" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

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
