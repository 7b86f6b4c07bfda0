package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Producer watches the enqueues of one queue.
type Producer struct {
	spans spans
	took  metric.Float64Histogram
	sent  metric.Int64Counter

	name  string
	start []trace.SpanStartOption
	attrs []attribute.KeyValue
}

// NewProducer watches a queue; nil providers are the global ones.
func NewProducer(tp trace.TracerProvider, mp metric.MeterProvider, queue, kind string) *Producer {
	m := meter(mp)
	p := &Producer{
		spans: spans{tp},
		took: must(m.Float64Histogram("messaging.client.operation.duration", metric.WithUnit("s"), seconds,
			metric.WithDescription("Duration of an operation on the queue."))),
		sent: must(m.Int64Counter("messaging.client.sent.messages", metric.WithUnit("{message}"),
			metric.WithDescription("Jobs that were enqueued, or were to be."))),
		name:  "send " + queue,
		attrs: []attribute.KeyValue{system, operation.String("send"), destination.String(queue), jobKind.String(kind)},
	}
	p.start = []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(p.attrs...), trace.WithAttributes(opType.String("send")),
	}
	return p
}

// Send begins an enqueue of n jobs; end says what came of it, and which job it was
// if it was one.
func (p *Producer) Send(ctx context.Context, n int) (_ context.Context, end func(id string, err error)) {
	begun, span := time.Now(), nowhere
	if tracer := p.spans.tracer(); tracer != nil {
		ctx, span = tracer.Start(ctx, p.name, p.start...)
	}
	return ctx, func(id string, err error) {
		if span.IsRecording() {
			if n > 1 {
				span.SetAttributes(batchCount.Int(n))
			} else if id != "" {
				span.SetAttributes(messageID.String(id))
			}
			if err != nil {
				span.SetStatus(codes.Error, TypeOf(err))
				span.SetAttributes(errorType.String(TypeOf(err)))
			}
		}
		span.End()
		p.measure(ctx, n, begun, err)
	}
}

func (p *Producer) measure(ctx context.Context, n int, begun time.Time, err error) {
	if !p.took.Enabled(ctx) && !p.sent.Enabled(ctx) {
		return
	}
	attrs := p.attrs
	if err != nil {
		attrs = append(attrs[:len(attrs):len(attrs)], errorType.String(TypeOf(err)))
	}
	with := metric.WithAttributeSet(attribute.NewSet(attrs...))
	p.took.Record(ctx, time.Since(begun).Seconds(), with)
	p.sent.Add(ctx, int64(n), with)
}

var w3c propagation.TraceContext

// Inject puts the trace of ctx into the headers of a job, if there is one: as W3C
// trace context, whatever the program uses elsewhere. It returns the headers.
func Inject(ctx context.Context, headers map[string]string) map[string]string {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return headers
	}
	if headers == nil {
		headers = make(map[string]string, 1)
	}
	w3c.Inject(ctx, propagation.MapCarrier(headers))
	return headers
}

// Origin is the trace that a job's headers speak of; not valid if they don't.
func Origin(headers map[string]string) trace.SpanContext {
	if headers["traceparent"] == "" {
		return trace.SpanContext{}
	}
	return trace.SpanContextFromContext(w3c.Extract(context.Background(), propagation.MapCarrier(headers)))
}
