package cdk_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"go.uber.org/goleak"
	"gocloud.dev/pubsub"
	"gocloud.dev/pubsub/batcher"
	"gocloud.dev/pubsub/mempubsub"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/broker/cdk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// setup is one pair of a transport and records under test.
type setup struct {
	*broker.Backend
	options cdk.Options
	records broker.Records
}

// again opens the same pair, as another process would.
func (s setup) again() setup {
	s.Backend = broker.New(cdk.New(s.options), s.records, broker.Options{Logger: slog.New(slog.DiscardHandler)})
	return s
}

// inMemory are the two ends of one queue, which stay open until the test is over.
// The deadline is beyond any case: leases are the transport's.
func inMemory(t *testing.T) cdk.Options {
	one := batcher.Options{MaxBatchSize: 1, MaxHandlers: 1}
	topic := mempubsub.NewTopic()
	sub := mempubsub.NewSubscriptionWithOptions(topic, 1e6*time.Hour, &mempubsub.SubscriptionOptions{ReceiveBatcherOptions: one})
	t.Cleanup(func() {
		_ = sub.Shutdown(context.Background())
		_ = topic.Shutdown(context.Background())
		<-time.After(time.Second) // its last poll sleeps on for 250 ms
	})
	return cdk.Options{
		Topic:        func(context.Context) (*pubsub.Topic, error) { return topic, nil },
		Subscription: func(context.Context) (*pubsub.Subscription, error) { return sub, nil },
		Hooks: cdk.Hooks{
			Facts:             broker.TransportFeatures{Name: "mem", SharedQueues: true},
			CloseTopic:        func(context.Context, *pubsub.Topic) error { return nil },
			CloseSubscription: func(context.Context, *pubsub.Subscription) error { return nil },
		},
	}
}

func harness(records func() broker.Records) backendtest.Harness {
	return backendtest.Harness{
		Open: func(t *testing.T) backends.Backend {
			return setup{options: inMemory(t), records: records()}.again()
		},
		Again:   func(_ *testing.T, b backends.Backend) backends.Backend { return b.(setup).again() },
		Virtual: true,
	}
}

func TestConformance(t *testing.T) {
	t.Run("with records", func(t *testing.T) {
		backendtest.Run(t, harness(func() broker.Records { return backendtest.NewShelf() }))
	})
	t.Run("without records", func(t *testing.T) {
		backendtest.Run(t, harness(func() broker.Records { return nil }))
	})
}
