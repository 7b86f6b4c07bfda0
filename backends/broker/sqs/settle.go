package sqs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/broker"
)

// Ack deletes in tens; concurrent calls share requests. A receipt that is no
// longer good is no error: the message was deleted, or is with somebody else.
func (t *Transport) Ack(ctx context.Context, deliveries []*broker.Delivery) ([]error, error) {
	rs, early := make([]*receipt, len(deliveries)), true
	for i, d := range deliveries {
		rs[i] = d.Handle.(*receipt)
		early = early && !rs[i].borrowed
	}
	if early && t.acks.take(rs) {
		return nil, nil
	}
	errs, err := together(ctx, &t.calls, &t.deletes, rs)
	t.acks.heard(errs, err)
	return errs, err
}

// Nack makes messages visible after their delays, in whole seconds, rounded up. A
// message that was received stays hidden for at most 12 h in all; then it comes
// earlier. A receipt that is no longer good is no error: it has gone back.
func (t *Transport) Nack(ctx context.Context, nacks []broker.Nack) ([]error, error) {
	hs := make([]hiding, len(nacks))
	for i, n := range nacks {
		hs[i] = hiding{n.Handle.(*receipt), n.Delay}
	}
	errs, err := together(ctx, &t.calls, &t.hides, hs)
	return forgiven(errs), err
}

// Extend makes leases end d from now. One that was lost is backends.ErrLost.
func (t *Transport) Extend(ctx context.Context, d time.Duration, deliveries []*broker.Delivery) ([]error, error) {
	hs := make([]hiding, len(deliveries))
	for i, x := range deliveries {
		hs[i] = hiding{x.Handle.(*receipt), d}
	}
	return together(ctx, &t.calls, &t.hides, hs)
}

// forgiven takes a lost lease for success.
func forgiven(errs []error) []error {
	for i, err := range errs {
		if errors.Is(err, backends.ErrLost) {
			errs[i] = nil
		}
	}
	return errs
}

func (t *Transport) deleteAll(ctx context.Context, all []*receipt) []error {
	return forgiven(inBatches(all, sendWidth, weightless, func(some []*receipt) []error { return t.deleteBatch(ctx, some) }))
}

func (t *Transport) deleteBatch(ctx context.Context, some []*receipt) []error {
	entries := make([]types.DeleteMessageBatchRequestEntry, len(some))
	for i, r := range some {
		entries[i] = types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: &r.handle}
	}
	out, err := t.client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &t.url, Entries: entries})
	if err != nil {
		return all(len(some), explain(t.url, "DeleteMessage", err))
	}
	ok := make([]*string, len(out.Successful))
	for i := range out.Successful {
		ok[i] = out.Successful[i].Id
	}
	return lost(outcomes(len(some), ok, out.Failed))
}

// hiding makes a message invisible from now on, or visible.
type hiding struct {
	*receipt
	span time.Duration
}

func (t *Transport) hideAll(ctx context.Context, all []hiding) []error {
	return inBatches(all, sendWidth, weightless, func(some []hiding) []error { return t.hideBatch(ctx, some) })
}

func (t *Transport) hideBatch(ctx context.Context, some []hiding) []error {
	now := time.Now()
	entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, len(some))
	for i, h := range some {
		entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), ReceiptHandle: &h.handle, VisibilityTimeout: h.seconds(now),
		}
	}
	out, err := t.client.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &t.url, Entries: entries})
	if err != nil {
		return all(len(some), explain(t.url, "ChangeMessageVisibility", err))
	}
	ok := make([]*string, len(out.Successful))
	for i := range out.Successful {
		ok[i] = out.Successful[i].Id
	}
	return lost(outcomes(len(some), ok, out.Failed))
}

// seconds is at most what is left of the twelve hours; SQS refuses more.
func (h *hiding) seconds(now time.Time) int32 {
	left := int32((maxHidden - now.Sub(h.at)) / time.Second)
	return max(0, min(seconds(h.span), left))
}

// lost marks those whose receipt is no longer good.
func lost(errs []error) []error {
	for i, err := range errs {
		var entry *EntryError
		if errors.As(err, &entry) && stale(entry.Code) {
			errs[i] = fmt.Errorf("%w: %w", backends.ErrLost, err)
		}
	}
	return errs
}

func weightless[T any](T) int { return 0 }
