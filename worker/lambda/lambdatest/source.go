// Package lambdatest stands in for AWS Lambda in tests: [Source] is the event source
// mapping, which receives from an SQS queue and deletes by what a function answers,
// [Runtime] the runtime API, which drives a real handler binary.
//
//	      Source.Next                     Runtime.Invoke
//	queue ───────────▶ events.SQSEvent ──────────────────▶ function
//	  ▲                                                       │
//	  └────────────── Source.Settle ◀── SQSEventResponse ─────┘
//
// It is what AWS's documentation says of them, no more: there is no scaling, no
// throttling, no batching window.
package lambdatest

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Source is an event source mapping.
type Source struct {
	Client *sqs.Client
	Queue  string // URL

	Reports bool // the mapping has the response type ReportBatchItemFailures
	Batch   int  // messages of an event, at most 10; 0 = 10
	Wait    int  // seconds on an empty queue

	arn string
}

// Next receives one event. It has no records if there was no message.
func (s *Source) Next(ctx context.Context) (events.SQSEvent, error) {
	if err := s.find(ctx); err != nil {
		return events.SQSEvent{}, err
	}
	n := s.Batch
	if n == 0 {
		n = 10
	}
	out, err := s.Client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &s.Queue, MaxNumberOfMessages: int32(n), WaitTimeSeconds: int32(s.Wait),
		MessageAttributeNames:       []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if err != nil {
		return events.SQSEvent{}, err
	}
	var e events.SQSEvent
	for i := range out.Messages {
		e.Records = append(e.Records, s.record(&out.Messages[i]))
	}
	return e, nil
}

func (s *Source) find(ctx context.Context) error {
	if s.arn != "" {
		return nil
	}
	out, err := s.Client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &s.Queue, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
	})
	if err != nil {
		return err
	}
	s.arn = out.Attributes[string(types.QueueAttributeNameQueueArn)]
	return nil
}

func (s *Source) record(m *types.Message) events.SQSMessage {
	r := events.SQSMessage{
		MessageId: aws.ToString(m.MessageId), ReceiptHandle: aws.ToString(m.ReceiptHandle), Body: aws.ToString(m.Body),
		Attributes: m.Attributes, MessageAttributes: map[string]events.SQSMessageAttribute{},
		EventSource: "aws:sqs", EventSourceARN: s.arn,
	}
	for k, v := range m.MessageAttributes {
		r.MessageAttributes[k] = events.SQSMessageAttribute{
			DataType: aws.ToString(v.DataType), StringValue: v.StringValue, BinaryValue: v.BinaryValue,
		}
	}
	return r
}

// Settle deletes what Lambda deletes when a function has answered: nothing after an
// error, everything without Reports, else what isn't reported. An answer that reports
// what isn't in the event, or nothing by name, keeps everything.
func (s *Source) Settle(ctx context.Context, e events.SQSEvent, out events.SQSEventResponse, failed error) error {
	if failed != nil {
		return nil
	}
	in := map[string]bool{}
	for _, r := range e.Records {
		in[r.MessageId] = true
	}
	if s.Reports {
		for _, f := range out.BatchItemFailures {
			if f.ItemIdentifier == "" || !in[f.ItemIdentifier] {
				return nil
			}
		}
		for _, f := range out.BatchItemFailures {
			in[f.ItemIdentifier] = false
		}
	}
	var entries []types.DeleteMessageBatchRequestEntry
	for i, r := range e.Records {
		if in[r.MessageId] {
			entries = append(entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(r.ReceiptHandle)})
		}
	}
	if len(entries) == 0 {
		return nil
	}
	deleted, err := s.Client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &s.Queue, Entries: entries})
	if err != nil {
		return err
	}
	var bad error
	for _, f := range deleted.Failed { // a receipt of before: the message comes again
		bad = errors.Join(bad, fmt.Errorf("lambdatest: %s: %s", aws.ToString(f.Code), aws.ToString(f.Message)))
	}
	return bad
}
