package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/leat-go/leat/backends"
)

// Consumer watches the workers of one queue.
type Consumer struct {
	spans   spans
	process metric.Float64Histogram
	op      metric.Float64Histogram
	handled metric.Int64Counter
	meter   metric.Meter
	limit   metric.Int64ObservableUpDownCounter
	busy    metric.Int64ObservableUpDownCounter

	name  string
	start []trace.SpanStartOption
	attrs []attribute.KeyValue
}

// NewConsumer watches a queue; nil providers are the global ones.
func NewConsumer(tp trace.TracerProvider, mp metric.MeterProvider, queue string) *Consumer {
	m := meter(mp)
	c := &Consumer{
		spans: spans{tp},
		process: must(m.Float64Histogram("messaging.process.duration", metric.WithUnit("s"), seconds,
			metric.WithDescription("Duration of one run of a handler."))),
		op: must(m.Float64Histogram("messaging.client.operation.duration", metric.WithUnit("s"), seconds,
			metric.WithDescription("Duration of an operation on the queue."))),
		handled: must(m.Int64Counter("messaging.client.consumed.messages", metric.WithUnit("{message}"),
			metric.WithDescription("Jobs that were handed to a handler."))),
		meter: m,
		limit: must(m.Int64ObservableUpDownCounter("leat.worker.limit", metric.WithUnit("{slot}"),
			metric.WithDescription("Handlers that may run at a time now."))),
		busy: must(m.Int64ObservableUpDownCounter("leat.worker.busy", metric.WithUnit("{slot}"),
			metric.WithDescription("Handlers that run."))),
		name:  "process " + queue,
		attrs: []attribute.KeyValue{system, destination.String(queue)},
	}
	c.start = []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindConsumer), trace.WithNewRoot(),
		trace.WithAttributes(c.attrs...), trace.WithAttributes(operation.String("process"), opType.String("process")),
	}
	return c
}

// OtherKind stands for the kinds that no worker knows: what comes off a queue may name
// any. It is the word of OpenTelemetry's conventions.
const OtherKind = "_OTHER"

// Begin opens the span of one run of a handler. It is the root of a trace of its
// own, linked to that of the producer: a job may run an hour later, and often.
func (c *Consumer) Begin(ctx context.Context, j *backends.Job, attempt int) (context.Context, trace.Span) {
	tracer := c.spans.tracer()
	if tracer == nil {
		return ctx, nowhere
	}
	start := c.start
	if origin := Origin(j.Headers); origin.IsValid() {
		start = append(start[:len(start):len(start)], trace.WithLinks(trace.Link{SpanContext: origin}))
	}
	ctx, span := tracer.Start(ctx, c.name, start...)
	if span.IsRecording() {
		span.SetAttributes(
			messageID.String(j.ID), bodySize.Int(len(j.Payload)), jobKind.String(j.Kind), jobAttempt.Int(attempt),
		)
	}
	return ctx, span
}

// End closes it. Kind and outcome are words of few values, as each makes a time series;
// err is the handler's.
func (c *Consumer) End(ctx context.Context, span trace.Span, kind, outcome string, took time.Duration, err error) {
	if span.IsRecording() {
		span.SetAttributes(jobOutcome.String(outcome))
		if err != nil {
			span.SetStatus(codes.Error, TypeOf(err))
			span.SetAttributes(errorType.String(TypeOf(err)))
		}
	}
	span.End()
	if !c.process.Enabled(ctx) && !c.handled.Enabled(ctx) {
		return
	}
	attrs := append(c.attrs[:len(c.attrs):len(c.attrs)],
		operation.String("process"), jobKind.String(kind), jobOutcome.String(outcome))
	if err != nil {
		attrs = append(attrs, errorType.String(TypeOf(err)))
	}
	with := metric.WithAttributeSet(attribute.NewSet(attrs...))
	c.process.Record(ctx, took.Seconds(), with)
	c.handled.Add(ctx, 1, with)
}

// Operation measures a call that carries jobs: settle, announce.
func (c *Consumer) Operation(name string, took time.Duration, err error) {
	ctx := context.Background()
	if !c.op.Enabled(ctx) {
		return
	}
	attrs := append(c.attrs[:len(c.attrs):len(c.attrs)], operation.String(name), opType.String("settle"))
	if err != nil {
		attrs = append(attrs, errorType.String(TypeOf(err)))
	}
	c.op.Record(ctx, took.Seconds(), metric.WithAttributeSet(attribute.NewSet(attrs...)))
}

// Slots has read called whenever metrics are collected, until stop. Those of several
// workers of a queue add up.
func (c *Consumer) Slots(read func() (limit, busy int)) (stop func()) {
	with := metric.WithAttributeSet(attribute.NewSet(c.attrs...))
	return observe(c.meter, func(_ context.Context, o metric.Observer) error {
		limit, busy := read()
		o.ObserveInt64(c.limit, int64(limit), with)
		o.ObserveInt64(c.busy, int64(busy), with)
		return nil
	}, c.limit, c.busy)
}
