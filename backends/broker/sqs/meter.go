package sqs

import (
	"context"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/middleware"

	"github.com/leat-go/leat/backends/broker"
)

var _ broker.Meter = (*Transport)(nil)

// Requests implements [broker.Meter]: all that were sent to SQS, those that the SDK
// repeated too, and what opening asked.
func (t *Transport) Requests() int64 { return t.requests.Load() }

// metered is a copy of the client that counts.
func metered(client *sqs.Client, count *atomic.Int64) *sqs.Client {
	return sqs.New(client.Options(), func(o *sqs.Options) {
		o.APIOptions = append(o.APIOptions[:len(o.APIOptions):len(o.APIOptions)], func(s *middleware.Stack) error {
			return s.Finalize.Insert(counter(count), "Retry", middleware.After) // so that each attempt passes
		})
	})
}

func counter(count *atomic.Int64) middleware.FinalizeMiddleware {
	return middleware.FinalizeMiddlewareFunc("leat.count", func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
		count.Add(1)
		return next.HandleFinalize(ctx, in)
	})
}
