package telemetry

import (
	"context"
	"slices"
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
	well  metric.MeasurementOption // attrs as a set
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
	p.well = metric.WithAttributeSet(p.set())
	p.start = []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(p.attrs...), trace.WithAttributes(opType.String("send")),
	}
	return p
}

// Sending is an enqueue of n jobs on its way. It is a value, and End a method, so
// that nobody who has no SDK pays for it.
type Sending struct {
	p     *Producer
	span  trace.Span
	begun time.Time
	n     int
}

// Send begins an enqueue of n jobs, to be made with the context that it returns.
func (p *Producer) Send(ctx context.Context, n int) (context.Context, Sending) {
	s := Sending{p, nowhere, time.Now(), n}
	if tracer := p.spans.tracer(); tracer != nil {
		ctx, s.span = tracer.Start(ctx, p.name, p.start...)
	}
	return ctx, s
}

// End says what came of it, and which job it was if it was one. The context is
// the one of Send.
func (s Sending) End(ctx context.Context, id string, err error) {
	if s.span.IsRecording() {
		if s.n > 1 {
			s.span.SetAttributes(batchCount.Int(s.n))
		} else if id != "" {
			s.span.SetAttributes(messageID.String(id))
		}
		if err != nil {
			s.span.SetStatus(codes.Error, TypeOf(err))
			s.span.SetAttributes(errorType.String(TypeOf(err)))
		}
	}
	s.span.End()
	s.measure(ctx, err)
}

func (s Sending) measure(ctx context.Context, err error) {
	p := s.p
	if !p.took.Enabled(ctx) && !p.sent.Enabled(ctx) {
		return
	}
	with := p.well
	if err != nil {
		with = metric.WithAttributeSet(p.set(errorType.String(TypeOf(err))))
	}
	p.took.Record(ctx, time.Since(s.begun).Seconds(), with)
	p.sent.Add(ctx, int64(s.n), with)
}

// set is the attributes with more of them. NewSet sorts what it gets, so it gets
// a copy.
func (p *Producer) set(more ...attribute.KeyValue) attribute.Set {
	return attribute.NewSet(slices.Concat(p.attrs, more)...)
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
