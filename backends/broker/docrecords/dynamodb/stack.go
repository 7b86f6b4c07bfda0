package dynamodb

import (
	"context"

	dyn "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"
)

// with adds steps to every call of a client.
func with(steps ...func(*middleware.Stack) error) func(*dyn.Options) {
	return func(o *dyn.Options) {
		o.APIOptions = append(o.APIOptions[:len(o.APIOptions):len(o.APIOptions)], steps...)
	}
}

// explained has errors say what to do, after the last retry.
func (p place) explained(s *middleware.Stack) error {
	return s.Initialize.Add(middleware.InitializeMiddlewareFunc("leat: explain",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			out, meta, err := next.HandleInitialize(ctx, in)
			return out, meta, p.told(ctx, middleware.GetOperationName(ctx), err)
		}), middleware.Before)
}

// wholeReads makes a read that DynamoDB left undone an error that the SDK
// retries: docstore would take it for an absent document.
func wholeReads(s *middleware.Stack) error {
	return s.Finalize.Insert(middleware.FinalizeMiddlewareFunc("leat: whole reads",
		func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
			out, meta, err := next.HandleFinalize(ctx, in)
			if read, ok := out.Result.(*dyn.BatchGetItemOutput); ok && err == nil && len(read.UnprocessedKeys) > 0 {
				text := "the read was left undone"
				err = &types.ProvisionedThroughputExceededException{Message: &text}
			}
			return out, meta, err
		}), "Retry", middleware.After)
}

// remembered answers DescribeTable without asking.
func remembered(t *types.TableDescription) func(*middleware.Stack) error {
	return func(s *middleware.Stack) error {
		return s.Initialize.Add(middleware.InitializeMiddlewareFunc("leat: remember",
			func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (out middleware.InitializeOutput, meta middleware.Metadata, err error) {
				if _, ok := in.Parameters.(*dyn.DescribeTableInput); ok {
					out.Result = &dyn.DescribeTableOutput{Table: t}
					return out, meta, nil
				}
				return next.HandleInitialize(ctx, in)
			}), middleware.Before)
	}
}
