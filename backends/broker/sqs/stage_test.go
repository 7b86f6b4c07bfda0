package sqs_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/broker/sqs"
	"github.com/leat-go/leat/backends/broker/sqs/sqstest"
	"github.com/leat-go/leat/internal/services"
)

// stage is an SQS to play a case on: the fake in virtual time, or fauxqs, which
// others wrote, in real time.
type stage struct {
	*testing.T
	client *sdk.Client
	fake   bool
}

// scene is one case of the transport.
type scene struct {
	name string
	play func(*stage)
}

// TestTransport holds the transport to the same cases on both, and the fake to
// what fauxqs does.
func TestTransport(t *testing.T) {
	for _, c := range scenes() {
		t.Run(c.name, func(t *testing.T) {
			t.Run("fake", func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { c.play(&stage{t, sqstest.New().Client(), true}) })
			})
			t.Run("fauxqs", func(t *testing.T) {
				endpoint := services.URL(t, "LEAT_FAUXQS")
				t.Parallel()
				c.play(&stage{t, outside(t, endpoint), false})
			})
		})
	}
}

func outside(t *testing.T, endpoint string) *sdk.Client {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return sdk.New(sdk.Options{
		Region: sqstest.Region, BaseEndpoint: &endpoint, HTTPClient: &http.Client{Transport: transport},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	})
}

var queues atomic.Int64

// queue makes a queue of its own for the case, with such an end to its name.
func (s *stage) queue(end string, attributes map[string]string) string {
	s.Helper()
	name := fmt.Sprintf("t%d-%d%s", os.Getpid(), queues.Add(1), end)
	out, err := s.client.CreateQueue(s.Context(), &sdk.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		s.Fatal(err)
	}
	return *out.QueueUrl
}

// at opens a queue; its waits are short, for what is closed in real time.
func (s *stage) at(url string) *actor {
	s.Helper()
	tr, err := sqs.New(s.Context(), s.client, url, sqs.Options{Wait: time.Second})
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { tr.Close() })
	return &actor{s, tr, url}
}

// standard is a new standard queue, opened.
func (s *stage) standard() *actor { s.Helper(); return s.at(s.queue("", nil)) }

func (s *stage) fifo() *actor {
	s.Helper()
	return s.at(s.queue(".fifo", map[string]string{"FifoQueue": "true"}))
}

func (s *stage) pass(d time.Duration) { <-time.After(d) }

// actor is an opened queue, of which all is expected to go well.
type actor struct {
	*stage
	*sqs.Transport
	url string
}

func (a *actor) send(ms ...broker.Message) {
	a.Helper()
	a.good(a.Send(a.Context(), ms))
}

func (a *actor) good(errs []error, err error) {
	a.Helper()
	if err = errors.Join(append(errs, err)...); err != nil {
		a.Fatal(err)
	}
}

// receive expects at least one message within 5 s.
func (a *actor) receive(most int, lease time.Duration) []*broker.Delivery {
	a.Helper()
	ctx, cancel := context.WithTimeout(a.Context(), 5*time.Second)
	defer cancel()
	ds, err := a.Receive(ctx, most, lease)
	if err != nil || len(ds) == 0 || len(ds) > min(most, 10) {
		a.Fatalf("Receive of %d: %d messages, error %v", most, len(ds), err)
	}
	return ds
}

// all receives until it has n.
func (a *actor) all(n int, lease time.Duration) (ds []*broker.Delivery) {
	a.Helper()
	for len(ds) < n {
		ds = append(ds, a.receive(n-len(ds), lease)...)
	}
	return ds
}

// nothing expects that nothing comes within d.
func (a *actor) nothing(d time.Duration) {
	a.Helper()
	ctx, cancel := context.WithTimeout(a.Context(), d)
	defer cancel()
	if ds, err := a.Receive(ctx, 10, time.Minute); len(ds) > 0 || !errors.Is(err, context.DeadlineExceeded) {
		a.Fatalf("Receive should find nothing: %d messages, error %v", len(ds), err)
	}
}

func text(s string) broker.Message { return broker.Message{Body: []byte(s), Group: "g"} }
