package sqs

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/broker"
)

// Options configure a Transport; the zero value is useful.
type Options struct {
	// Create makes the queue, and a dead-letter queue beside it, if there is none.
	// It is for development: in production a queue has an owner.
	Create bool

	// EarlyAck answers an Ack before the message is deleted: deletions gather for
	// ten, or for Linger, and are sent behind the caller's back. A process that
	// dies meanwhile leaves messages that come again, so it is for a Backend with
	// records, which know that the job is over. Once a deletion has failed, Acks
	// wait for their outcome until one succeeds.
	EarlyAck bool

	// Linger is how long an early Ack waits for others; 0 = 100 ms, on FIFO queues
	// 1 ms, as the next of its group waits with it.
	Linger time.Duration

	// Wait is how long a receive on an empty queue stays there; 0 = 20 s, the most
	// that SQS knows. Whole seconds.
	Wait time.Duration

	// Raw takes bodies as they are: no notification of SNS is unwrapped, no base64
	// of the Go CDK decoded.
	Raw bool
}

// What SQS bounds.
const (
	perRequest   = 10               // entries of a batch, messages of a receive
	requestBytes = 1 << 20          // bodies and attributes of a batch
	maxDelay     = 15 * time.Minute // of a message that is sent
	maxHidden    = 12 * time.Hour   // of a message that was received, from then on
	longestWait  = 20 * time.Second
	answerTime   = 15 * time.Second // of one request, its repeats included, beside what it waits for
)

// Transport is an SQS queue, for package broker. Make it with New.
type Transport struct {
	client *sqs.Client
	url    string
	opts   Options
	facts  broker.TransportFeatures
	arn    string
	dead   string // ARN of the dead-letter queue; "" = none

	sends    backends.Group[*outgoing, error]
	deletes  backends.Group[*receipt, error]
	hides    backends.Group[hiding, error]
	calls    calls
	polls    polls
	acks     *earlyAcks // nil = each Ack waits for its outcome
	rights   rights
	pressure pressure
	requests *atomic.Int64

	stop context.Context // ends with Close
	halt context.CancelFunc
	once sync.Once
}

var _ broker.Transport = (*Transport)(nil)

// New opens a queue by its URL, as GetQueueUrl returns it, and reads what it can
// do. Features stay as they were then. Errors are [*Error] where something can be
// done about them. Closing the Transport leaves the client alone.
func New(ctx context.Context, client *sqs.Client, queueURL string, o Options) (*Transport, error) {
	if o.Wait <= 0 || o.Wait > longestWait {
		o.Wait = longestWait
	}
	if err := rightRegion(client.Options(), queueURL); err != nil {
		return nil, err
	}
	requests := new(atomic.Int64)
	client = metered(client, requests)
	facts, err := inspect(ctx, client, queueURL, o.Create)
	if err != nil {
		return nil, err
	}
	t := &Transport{client: client, url: queueURL, opts: o, facts: facts.features(), arn: facts.arn, dead: facts.dead, requests: requests}
	t.stop, t.halt = context.WithCancel(context.Background())
	t.sends.Commit = commit(t, t.sendAll)
	t.deletes.Commit, t.hides.Commit = commit(t, t.deleteAll), commit(t, t.hideAll)
	if o.EarlyAck {
		t.acks = startEarlyAcks(t.deleteAll, o.linger(t.facts.FIFO))
	}
	return t, nil
}

func (o *Options) linger(fifo bool) time.Duration {
	switch {
	case o.Linger > 0:
		return o.Linger
	case fifo:
		return time.Millisecond
	}
	return 100 * time.Millisecond
}

// Features tells what the queue can do, as it was when it was opened.
func (t *Transport) Features() broker.TransportFeatures { return t.facts }

// Close sends the deletions that still gather, ends what is under way, and gives
// back what a receive brings that nobody waits for.
func (t *Transport) Close() error {
	t.once.Do(func() {
		if t.acks != nil {
			t.acks.close()
		}
		open := t.polls.close()
		t.halt()
		t.polls.all.Wait()
		t.calls.close()
		for _, p := range open {
			t.giveBack(p.ds)
		}
	})
	return nil
}
