package lambda

import (
	"context"
	"slices"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// Mappings returns the function response types of the event source mapping that
// brings the messages of a queue to a function, both by ARN. It is a call of
// lambda:ListEventSourceMappings, a right that the function's role needs:
//
//	func(ctx context.Context, function, queue string) ([]string, error) {
//		out, err := client.ListEventSourceMappings(ctx, &lambda.ListEventSourceMappingsInput{
//			FunctionName: &function, EventSourceArn: &queue,
//		})
//		if err != nil || len(out.EventSourceMappings) != 1 {
//			return nil, err
//		}
//		var all []string
//		for _, t := range out.EventSourceMappings[0].FunctionResponseTypes {
//			all = append(all, string(t))
//		}
//		return all, nil
//	}
//
// The SDK's client isn't one of this package's dependencies, as most functions know
// their mapping.
type Mappings func(ctx context.Context, functionARN, queueARN string) (responseTypes []string, err error)

const reportsFailures = "ReportBatchItemFailures"

// doesReport says whether Lambda reads what the answer reports. Mappings is asked
// once, but for errors.
func (h *Handler) doesReport(ctx context.Context, queueARN string) bool {
	if h.Mappings == nil {
		return h.Report
	}
	h.mu.Lock()
	known, ok := h.reports[queueARN]
	h.mu.Unlock()
	if ok {
		return known
	}
	var function string
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		function = lc.InvokedFunctionArn
	}
	all, err := h.Mappings(ctx, function, queueARN)
	if err != nil {
		h.logger().WarnContext(ctx, "lambda: the event source mapping can't be looked at; this event is settled strictly", "error", err)
		return false
	}
	known = slices.Contains(all, reportsFailures)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.reports == nil {
		h.reports = map[string]bool{}
	}
	h.reports[queueARN] = known
	return known
}
