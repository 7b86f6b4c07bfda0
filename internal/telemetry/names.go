// Package telemetry is the one place for the names of spans, metrics and their
// attributes. They are those of OpenTelemetry's semantic conventions for
// messaging; what those have no word for begins with "leat.".
//
// Where the program has installed no SDK, OpenTelemetry's own no-op does the
// work, and an instrument that isn't enabled costs a branch.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/leat-go/leat/backends"
)

// scope names the instrumentation.
const scope = "github.com/leat-go/leat"

var (
	system      = attribute.String("messaging.system", "leat")
	destination = attribute.Key("messaging.destination.name")
	operation   = attribute.Key("messaging.operation.name")
	opType      = attribute.Key("messaging.operation.type")
	messageID   = attribute.Key("messaging.message.id")
	bodySize    = attribute.Key("messaging.message.body.size")
	batchCount  = attribute.Key("messaging.batch.message_count")
	errorType   = attribute.Key("error.type")

	jobKind    = attribute.Key("leat.job.kind")
	jobAttempt = attribute.Key("leat.job.attempt")
	jobOutcome = attribute.Key("leat.job.outcome")
	jobState   = attribute.Key("leat.job.state")
)

// seconds are the bounds of histograms: a queue's handlers take from microseconds
// to an hour.
var seconds = metric.WithExplicitBucketBoundaries(
	0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600,
)

// spans makes tracers of a provider; nil is the global one.
type spans struct{ provider trace.TracerProvider }

// tracer is nil where nobody listens: the placeholder that stands until a program
// installs an SDK makes spans, too, at a price that a queue in memory would feel.
func (s spans) tracer() trace.Tracer {
	p := s.provider
	if p == nil {
		if p = otel.GetTracerProvider(); reflect.TypeOf(p).String() == "*global.tracerProvider" {
			return nil
		}
	}
	return p.Tracer(scope)
}

// nowhere is a span that records nothing.
var nowhere = trace.SpanFromContext(context.Background())

func meter(p metric.MeterProvider) metric.Meter {
	if p == nil {
		p = otel.GetMeterProvider()
	}
	return p.Meter(scope)
}

// observe registers a callback that reads instruments. One that can't be has nobody to
// read it.
func observe(m metric.Meter, read metric.Callback, what ...metric.Observable) (stop func()) {
	r, err := m.RegisterCallback(read, what...)
	if err != nil {
		return func() {}
	}
	return func() { _ = r.Unregister() }
}

// must drops the error of a new instrument: only a bad name has one, and the
// instrument is a no-op then.
func must[T any](instrument T, _ error) T { return instrument }

// TypeOf is a word of few values for an error, which may go into an attribute: its
// text may not. The methods of a user's error may panic.
func TypeOf(err error) (word string) {
	defer func() {
		if recover() != nil {
			word = fmt.Sprintf("%T", err)
		}
	}()
	for _, known := range [...]struct {
		err  error
		name string
	}{
		{backends.ErrBacklogFull, "backlog_full"},
		{backends.ErrKeyReused, "key_reused"},
		{backends.ErrTooLarge, "too_large"},
		{backends.ErrInvalid, "invalid"},
		{backends.ErrLost, "lost"},
		{backends.ErrCancelled, "cancelled"},
		{backends.ErrSuperseded, "superseded"},
		{backends.ErrClosed, "closed"},
		{errors.ErrUnsupported, "unsupported"},
		{context.Canceled, "canceled"}, // last: they come beside the cause
		{context.DeadlineExceeded, "timeout"},
	} {
		if errors.Is(err, known.err) {
			return known.name
		}
	}
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return fmt.Sprintf("%T", err)
}
