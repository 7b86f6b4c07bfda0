package sqs

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/broker"
)

// attributes are the facts of a queue that matter here.
type attributes struct {
	fifo       bool
	retention  time.Duration
	maxMessage int
	dead       string // ARN of its dead-letter queue
	arn        string
}

// rightRegion refuses a client that would ask in another region than the queue's.
func rightRegion(o sqs.Options, queueURL string) error {
	want := regionOf(queueURL)
	//lint:ignore SA1019 this is where the Go CDK puts an endpoint
	custom := o.BaseEndpoint != nil || o.EndpointResolver != nil
	switch {
	case o.Region == "":
		return &Error{Action: "open", Queue: queueURL, Kind: ErrRegion, Advice: "give the parameter region, or set AWS_REGION"}
	case want != "" && want != o.Region && !custom:
		return &Error{
			Action: "open", Queue: queueURL, Kind: ErrRegion,
			Advice: "the client is for " + o.Region + ", the queue is in " + want,
		}
	}
	return nil
}

// inspect reads the queue's attributes. A queue that isn't there is created if
// that was asked for.
func inspect(ctx context.Context, client *sqs.Client, queueURL string, mayCreate bool) (attributes, error) {
	a, err := read(ctx, client, queueURL)
	if mayCreate && errors.Is(err, ErrNoQueue) {
		if err := create(ctx, client, queueURL); err != nil {
			return attributes{}, err
		}
		return read(ctx, client, queueURL)
	}
	return a, err
}

func read(ctx context.Context, client *sqs.Client, queueURL string) (attributes, error) {
	out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &queueURL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		return attributes{}, explain(queueURL, "GetQueueAttributes", err)
	}
	number := func(name types.QueueAttributeName) int {
		n, _ := strconv.Atoi(out.Attributes[string(name)])
		return n
	}
	a := attributes{
		fifo:       fifo(queueURL),
		retention:  time.Duration(number(types.QueueAttributeNameMessageRetentionPeriod)) * time.Second,
		maxMessage: number(types.QueueAttributeNameMaximumMessageSize),
		arn:        out.Attributes[string(types.QueueAttributeNameQueueArn)],
	}
	if a.maxMessage <= 0 {
		a.maxMessage = 256 << 10 // what every queue takes
	}
	var redrive struct {
		Target string `json:"deadLetterTargetArn"`
	}
	if policy := out.Attributes[string(types.QueueAttributeNameRedrivePolicy)]; policy != "" {
		_ = json.Unmarshal([]byte(policy), &redrive) // SQS wrote it
	}
	a.dead = redrive.Target
	return a, nil
}

func (a *attributes) features() broker.TransportFeatures {
	f := broker.TransportFeatures{
		Name: "sqs", Durability: backends.Replicated,
		MaxDelay: maxDelay, MaxNack: maxHidden, MaxLease: maxHidden, Tick: time.Second,
		MaxBatch: perRequest, ClaimBatch: perRequest, MaxMessage: a.maxMessage, Retention: a.retention,
		FIFO: a.fifo, Fair: true, HardLease: true, Counts: true, SharedQueues: true,
	}
	if f.FIFO {
		f.Name, f.MaxDelay, f.ClaimBatch = "sqs.fifo", 0, 1
	}
	return f
}

// DeadLetters opens the queue that SQS moves messages to by itself, after as many
// receives as the redrive policy allows; nil if the queue names none. Close it.
func (t *Transport) DeadLetters(ctx context.Context) (*Transport, error) {
	if t.dead == "" {
		return nil, nil
	}
	account, name := ofARN(t.dead)
	out, err := t.client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name, QueueOwnerAWSAccountId: account})
	if err != nil {
		return nil, explain(t.dead, "GetQueueUrl", err)
	}
	o := t.opts
	o.Create = false
	return New(ctx, t.client, aws.ToString(out.QueueUrl), o)
}
