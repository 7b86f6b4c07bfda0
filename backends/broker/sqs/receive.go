package sqs

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/leat-go/leat/backends/broker"
)

var errClosed = errors.New("sqs: transport is closed")

// receipt is the handle of a delivery.
type receipt struct {
	handle string
	at     time.Time // when it was asked for: 12 h from then on it can't be hidden any longer

	borrowed bool // somebody else received it, and counts on an Ack being one
}

// Receive asks by long polling for at most ten messages; of a FIFO queue for one, as a
// request for more would bring several of a group, which would run side by side. When ctx ends,
// the poll stays open for the next Receive, so that a caller who asks again and again
// costs one request per Wait. What it brings when nobody asks goes back at once; only
// Close breaks polls off, and what SQS leased to them meanwhile lapses.
//
// While SQS says that too many messages are in flight, or too many requests made,
// Receive waits, and asks again ever more rarely.
func (t *Transport) Receive(ctx context.Context, limit int, lease time.Duration) ([]*broker.Delivery, error) {
	if err := t.rights.check(ctx, t); err != nil {
		return nil, err
	}
	for {
		t.pressure.wait(ctx, t.stop)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		ds, err := t.poll(ctx, min(limit, t.facts.ClaimBatch), lease)
		switch {
		case len(ds) > 0:
			t.pressure.felt(false)
			return ds, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case t.stop.Err() != nil:
			return nil, errClosed
		case err != nil && !busy(err):
			return nil, explain(t.url, "ReceiveMessage", err)
		}
		t.pressure.felt(err != nil)
	}
}

// ask is one request.
func (t *Transport) ask(ctx context.Context, limit int, lease time.Duration) ([]*broker.Delivery, error) {
	ctx, cancel := context.WithTimeout(ctx, t.opts.Wait+answerTime) // a connection may be dead
	defer cancel()
	now := time.Now()
	out, err := t.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &t.url, MaxNumberOfMessages: int32(limit),
		WaitTimeSeconds: seconds(t.opts.Wait), VisibilityTimeout: seconds(lease),
		MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{
			types.MessageSystemAttributeNameApproximateReceiveCount, types.MessageSystemAttributeNameSentTimestamp,
		},
	})
	if err != nil {
		return nil, err
	}
	ds := make([]*broker.Delivery, len(out.Messages))
	for i := range out.Messages {
		ds[i] = t.delivery(&out.Messages[i], now)
	}
	return ds, nil
}

// Delivered is the delivery of a message of this queue that somebody else received, as
// the event source mapping of a Lambda function does, no later than at. It can be
// settled as one of the Transport's own; its Ack is never early.
func (t *Transport) Delivered(m *types.Message, at time.Time) *broker.Delivery {
	d := t.delivery(m, at)
	d.Handle.(*receipt).borrowed = true
	return d
}

// ARN names the queue, as events do.
func (t *Transport) ARN() string { return t.arn }

func (t *Transport) delivery(m *types.Message, now time.Time) *broker.Delivery {
	d := &broker.Delivery{
		ID: aws.ToString(m.MessageId), Headers: headersOf(m.MessageAttributes),
		Handle: &receipt{handle: aws.ToString(m.ReceiptHandle), at: now},
	}
	if d.Body = []byte(aws.ToString(m.Body)); !t.opts.Raw {
		d.Body, d.Headers = unwrap(d.Body, m.MessageAttributes, d.Headers)
	}
	d.Receives, _ = strconv.Atoi(m.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)])
	if ms, err := strconv.ParseInt(m.Attributes[string(types.MessageSystemAttributeNameSentTimestamp)], 10, 64); err == nil {
		d.Sent = time.UnixMilli(ms)
	}
	return d
}

// seconds rounds up: a lease never ends before it was promised to, a message
// never comes before its time.
func seconds(d time.Duration) int32 {
	return int32((max(0, d) + time.Second - 1) / time.Second)
}
