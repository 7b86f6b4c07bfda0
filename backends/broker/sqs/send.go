package sqs

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"

	"github.com/leat-go/leat/backends/broker"
)

// sendWidth is how many requests one commit makes at a time; on FIFO queues one,
// which keeps the order.
const sendWidth = 8

// Send hands messages over in tens, and by the bytes that a request takes;
// concurrent calls share requests. A message that SQS would refuse gets its error
// (backends.ErrTooLarge, *backends.InvalidError) and is not sent.
func (t *Transport) Send(ctx context.Context, messages []broker.Message) ([]error, error) {
	errs := make([]error, len(messages))
	var good []*outgoing
	var of []int
	for i := range messages {
		o, err := t.prepare(&messages[i])
		if errs[i] = err; err == nil {
			good, of = append(good, o), append(of, i)
		}
	}
	sent, err := together(ctx, &t.calls, &t.sends, good)
	if err != nil {
		return nil, err
	}
	for k, i := range of {
		errs[i] = sent[k]
	}
	return errs, nil
}

func (t *Transport) sendAll(ctx context.Context, all []*outgoing) []error {
	width := sendWidth
	if t.facts.FIFO {
		width = 1
	}
	return inBatches(all, width, func(o *outgoing) int { return o.bytes }, func(some []*outgoing) []error {
		return t.sendBatch(ctx, some)
	})
}

func (t *Transport) sendBatch(ctx context.Context, some []*outgoing) []error {
	entries := make([]types.SendMessageBatchRequestEntry, len(some))
	for i, o := range some {
		entries[i] = o.entry
		entries[i].Id = aws.String(strconv.Itoa(i))
	}
	out, err := t.client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &t.url, Entries: entries})
	if err != nil {
		return all(len(some), explain(t.url, "SendMessage", err))
	}
	ok := make([]*string, len(out.Successful))
	for i := range out.Successful {
		ok[i] = out.Successful[i].Id
	}
	return outcomes(len(some), ok, out.Failed)
}

// inBatches cuts a list in tens and by bytes, and has each batch answered.
func inBatches[T any](list []T, width int, bytes func(T) int, do func([]T) []error) []error {
	errs := make([]error, len(list))
	var g errgroup.Group
	g.SetLimit(width)
	for from := 0; from < len(list); {
		to, sum := from, 0
		for to < len(list) && to-from < perRequest && (to == from || sum+bytes(list[to]) <= requestBytes) {
			sum += bytes(list[to])
			to++
		}
		some, out := list[from:to], errs[from:to]
		g.Go(func() error { copy(out, do(some)); return nil })
		from = to
	}
	_ = g.Wait() // they answer for each item
	return errs
}

// EntryError is what SQS says of one entry of a batch.
type EntryError struct {
	Code, Message string
	SenderFault   bool // repeating it is pointless
}

func (e *EntryError) Error() string { return fmt.Sprintf("sqs: %s: %s", e.Code, e.Message) }

var errNoAnswer = errors.New("sqs: no answer for the entry of a batch")

// outcomes puts the answers of a batch, whose ids are indexes, into a list.
func outcomes(n int, ok []*string, failed []types.BatchResultErrorEntry) []error {
	errs := all(n, errNoAnswer)
	put := func(id *string, err error) {
		if i, bad := strconv.Atoi(aws.ToString(id)); bad == nil && 0 <= i && i < n {
			errs[i] = err
		}
	}
	for _, id := range ok {
		put(id, nil)
	}
	for _, f := range failed {
		put(f.Id, &EntryError{aws.ToString(f.Code), aws.ToString(f.Message), f.SenderFault})
	}
	return errs
}

// all is the same outcome for each of n.
func all(n int, err error) []error {
	errs := make([]error, n)
	for i := range errs {
		errs[i] = err
	}
	return errs
}
