package lambda

import (
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/broker/inbox"
)

// Queue is the SQS queue that triggers the function: a *sqs.Transport of
// backends/broker/sqs.
type Queue interface {
	broker.Transport

	// Delivered is the delivery of a message that the event source mapping received. Its
	// Ack has deleted it when it returns: later the process may be frozen.
	Delivered(m *types.Message, at time.Time) *broker.Delivery

	// ARN names the queue, as events do; "" = it isn't known.
	ARN() string
}

// Trigger is a queue whose messages come as events of the function. It is the
// [broker.Transport] of the function's Backend, stands from the cold start on, and is
// told of each event by its [Handler]. Make it with [NewTrigger].
type Trigger struct {
	*inbox.Transport
	queue Queue
}

// NewTrigger makes the Trigger of a queue. It sends what is sent, renews leases, sets
// the delays of retries and deletes by it; closing the Trigger closes it.
//
// nil does without SQS's API, and so without those rights: nothing can be sent, a
// message that must come again comes when the queue's visibility timeout is over, and
// a [Handler] that settles strictly fails the whole event if one message must stay.
func NewTrigger(q Queue) *Trigger {
	if q == nil {
		return &Trigger{Transport: inbox.New(nil, bare)}
	}
	return &Trigger{Transport: inbox.New(q, broker.TransportFeatures{}), queue: q}
}

// bare is what is known of a queue of which only events are seen.
var bare = broker.TransportFeatures{
	Name: "sqs", Durability: backends.Replicated, Tick: time.Second, MaxMessage: 256 << 10,
	Fair: true, Counts: true, SharedQueues: true,
}

// batch is what an event brings. strict deletes what is done ourselves.
func (t *Trigger) batch(records []events.SQSMessage, strict bool, settled func()) *inbox.Batch {
	now := time.Now()
	messages := make([]inbox.Message, len(records))
	for i := range records {
		messages[i] = inbox.Message{Delivery: t.delivery(&records[i], now), Group: records[i].Attributes["MessageGroupId"]}
	}
	return inbox.NewBatch(messages, inbox.Options{
		Ordered: strings.HasSuffix(records[0].EventSourceARN, ".fifo"), Remove: strict, Settled: settled,
	})
}

func (t *Trigger) delivery(m *events.SQSMessage, now time.Time) *broker.Delivery {
	if t.queue != nil {
		return t.queue.Delivered(asReceived(m), now)
	}
	d := &broker.Delivery{ID: m.MessageId, Body: []byte(m.Body)}
	for k, v := range m.MessageAttributes {
		if v.StringValue == nil {
			continue
		}
		if d.Headers == nil {
			d.Headers = map[string]string{}
		}
		d.Headers[k] = *v.StringValue
	}
	d.Receives, _ = strconv.Atoi(m.Attributes["ApproximateReceiveCount"])
	if ms, err := strconv.ParseInt(m.Attributes["SentTimestamp"], 10, 64); err == nil {
		d.Sent = time.UnixMilli(ms)
	}
	return d
}

// asReceived is the message as ReceiveMessage returns it.
func asReceived(m *events.SQSMessage) *types.Message {
	out := &types.Message{MessageId: &m.MessageId, ReceiptHandle: &m.ReceiptHandle, Body: &m.Body, Attributes: m.Attributes}
	for k, v := range m.MessageAttributes {
		if out.MessageAttributes == nil {
			out.MessageAttributes = map[string]types.MessageAttributeValue{}
		}
		out.MessageAttributes[k] = types.MessageAttributeValue{
			DataType: &v.DataType, StringValue: v.StringValue, BinaryValue: v.BinaryValue,
		}
	}
	return out
}
