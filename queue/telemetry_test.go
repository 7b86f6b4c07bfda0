package queue_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/internal/telemetry"
	"github.com/leat-go/leat/queue"
)

// watched is a queue whose spans and metrics are kept.
func watched(t testing.TB, q *whatIf) (*tracetest.SpanRecorder, *metric.ManualReader) {
	spans, reader := tracetest.NewSpanRecorder(), metric.NewManualReader()
	traces := trace.NewTracerProvider(trace.WithSpanProcessor(spans))
	meters := metric.NewMeterProvider(metric.WithReader(reader))
	q.Tracing, q.Metrics = traces, meters
	t.Cleanup(func() {
		_ = traces.Shutdown(context.Background())
		_ = meters.Shutdown(context.Background())
	})
	return spans, reader
}

func attributes(kv []attribute.KeyValue) map[string]any {
	m := map[string]any{}
	for _, a := range kv {
		m[string(a.Key)] = a.Value.AsInterface()
	}
	return m
}

func TestEnqueueIsASpanOfAProducer(t *testing.T) {
	q := newWhatIf(store())
	spans, _ := watched(t, q)
	one := enqueue(t, q, ask, queue.Tenant("zeta"))
	if _, err := q.EnqueueAll(t.Context(), items(3)); err != nil {
		t.Fatal(err)
	}
	matches(t, "invalid", second(q.Enqueue(t.Context(), ask, queue.Tenant(canary+"\x00"))), queue.ErrInvalid)

	base := map[string]any{
		"messaging.system": "leat", "messaging.destination.name": "whatif",
		"messaging.operation.name": "send", "messaging.operation.type": "send", "leat.job.kind": "",
	}
	for i, c := range []struct {
		more   map[string]any
		status trace.Status
	}{
		{map[string]any{"messaging.message.id": one.ID}, trace.Status{}},
		{map[string]any{"messaging.batch.message_count": int64(3)}, trace.Status{}},
		{map[string]any{"error.type": "invalid"}, trace.Status{Code: codes.Error, Description: "invalid"}},
	} {
		want := map[string]any{}
		for _, m := range []map[string]any{base, c.more} {
			for k, v := range m {
				want[k] = v
			}
		}
		span := spans.Ended()[i]
		if diff := cmp.Diff(want, attributes(span.Attributes())); diff != "" {
			t.Errorf("span %d: %s", i, diff)
		}
		if span.Name() != "send whatif" || span.SpanKind() != oteltrace.SpanKindProducer || span.Status() != c.status || len(span.Events()) != 0 {
			t.Errorf("span %d: %s, %v, %+v", i, span.Name(), span.SpanKind(), span.Status())
		}
	}
	if n := len(spans.Ended()); n != 3 || len(spans.Started()) != n {
		t.Errorf("%d spans ended of %d", n, len(spans.Started()))
	}
}

// The trace travels with the job, as W3C trace context, whoever began it.
func TestTheTraceTravelsWithTheJob(t *testing.T) {
	s := &spy{Backend: store()}
	q := newWhatIf(s)
	spans, _ := watched(t, q)
	ctx, parent := q.Tracing.Tracer("test").Start(t.Context(), "request")
	if _, err := q.Enqueue(ctx, ask, queue.Header("from", "portal")); err != nil {
		t.Fatal(err)
	}
	parent.End()
	sent := spans.Ended()[0]
	headers := s.job(t).Headers
	want := "00-" + sent.SpanContext().TraceID().String() + "-" + sent.SpanContext().SpanID().String() + "-01"
	if diff := cmp.Diff(map[string]string{"from": "portal", "traceparent": want}, headers); diff != "" {
		t.Error(diff)
	}
	if sent.Parent().SpanID() != parent.SpanContext().SpanID() {
		t.Errorf("the parent is %v", sent.Parent())
	}
	if origin := telemetry.Origin(headers); !origin.IsRemote() || origin.SpanID() != sent.SpanContext().SpanID() {
		t.Errorf("the worker sees %+v", origin)
	}
}

// A program without an SDK still hands on a trace that came to it.
func TestWithoutSDKAForeignTraceIsHandedOn(t *testing.T) {
	remote := oteltrace.NewSpanContext(oteltrace.SpanContextConfig{TraceID: oteltrace.TraceID{1}, SpanID: oteltrace.SpanID{2}, Remote: true})
	s := &spy{Backend: store()}
	_, err := newWhatIf(s).Enqueue(oteltrace.ContextWithSpanContext(t.Context(), remote), ask)
	if got := s.job(t).Headers["traceparent"]; err != nil || got != "00-01000000000000000000000000000000-0200000000000000-00" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestWithoutSDKThereAreNoHeadersAndFewAllocations(t *testing.T) {
	s := &spy{Backend: store()}
	enqueue(t, newWhatIf(s), ask)
	if h := s.job(t).Headers; h != nil {
		t.Errorf("headers %v", h)
	}

	q := newWhatIf(store())
	tenant := queue.Tenant(strings.Repeat("z", 9))
	got := testing.AllocsPerRun(1000, func() { _, _ = q.Enqueue(t.Context(), ask, tenant) })
	if most := 7.0; got > most { // 6, and one more under the race detector
		t.Errorf("%v allocations, of which the store makes 2; want at most %v", got, most)
	}
}

// Metrics have few values: no tenant, no id, no text of an error.
func TestEnqueueIsMeasured(t *testing.T) {
	faulty := backendtest.NewFaulty(store())
	q := newWhatIf(faulty)
	_, reader := watched(t, q)
	var wg sync.WaitGroup
	for range 8 { // at once, as requests do
		wg.Go(func() {
			for range 5 {
				_, _ = q.Enqueue(context.Background(), ask, queue.Tenant("zeta"))
				_, _ = q.Enqueue(context.Background(), ask, queue.Delay(-1))
			}
		})
	}
	wg.Wait()
	if _, err := q.EnqueueAll(t.Context(), items(60)); err != nil {
		t.Fatal(err)
	}

	type counted struct {
		Attributes map[string]any
		N          int64
	}
	base := func(more ...string) map[string]any {
		m := map[string]any{
			"messaging.system": "leat", "messaging.destination.name": "whatif",
			"messaging.operation.name": "send", "leat.job.kind": "",
		}
		for i := 0; i < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return m
	}
	var got metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &got); err != nil {
		t.Fatal(err)
	}
	byName := map[string][]counted{}
	for _, scope := range got.ScopeMetrics {
		if scope.Scope.Name != "github.com/leat-go/leat" {
			t.Errorf("scope %s", scope.Scope.Name)
		}
		for _, m := range scope.Metrics {
			name := m.Name + " " + m.Unit
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					byName[name] = append(byName[name], counted{attributes(p.Attributes.ToSlice()), p.Value})
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					byName[name] = append(byName[name], counted{attributes(p.Attributes.ToSlice()), int64(p.Count)})
				}
			}
		}
	}
	failed := base("error.type", "invalid")
	want := map[string][]counted{
		"messaging.client.sent.messages {message}": {{base(), 100}, {failed, 40}},
		"messaging.client.operation.duration s":    {{base(), 41}, {failed, 40}},
	}
	sorted := cmp.Transformer("byFailure", func(c []counted) map[bool]counted {
		m := map[bool]counted{}
		for _, x := range c {
			_, failed := x.Attributes["error.type"]
			m[failed] = x
		}
		return m
	})
	if diff := cmp.Diff(want, byName, sorted); diff != "" {
		t.Error(diff)
	}
}
