package worker_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// gauge is an SDK that keeps what it is told.
type gauge struct {
	spans   *tracetest.SpanRecorder
	tracing *sdktrace.TracerProvider
	reader  *metric.ManualReader
	metrics *metric.MeterProvider
}

// gauged gives the queue an SDK.
func (s *scene) gauged() *gauge {
	g := &gauge{spans: tracetest.NewSpanRecorder(), reader: metric.NewManualReader()}
	g.tracing = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(g.spans))
	g.metrics = metric.NewMeterProvider(metric.WithReader(g.reader))
	s.q.Tracing, s.q.Metrics = g.tracing, g.metrics
	return g
}

// on makes the worker tell the SDK, too.
func (g *gauge) on(w *worker.Worker[ask, int]) *worker.Worker[ask, int] {
	w.Tracing, w.Metrics = g.tracing, g.metrics
	return w
}

// processed are the spans of handlers.
func (g *gauge) processed() (spans []sdktrace.ReadOnlySpan) {
	for _, s := range g.spans.Ended() {
		if s.SpanKind() == trace.SpanKindConsumer {
			spans = append(spans, s)
		}
	}
	return spans
}

func attributes(s sdktrace.ReadOnlySpan) map[string]any {
	all := map[string]any{}
	for _, a := range s.Attributes() {
		all[string(a.Key)] = a.Value.AsInterface()
	}
	return all
}

func TestHandlersSpanIsLinkedToItsProducers(t *testing.T) {
	play(t, func(s *scene) {
		g := s.gauged()
		var inside trace.SpanContext
		s.start(g.on(s.worker(func(ctx context.Context, job *queue.Job[ask]) (int, error) {
			inside = trace.SpanContextFromContext(ctx)
			time.Sleep(time.Minute)
			return answer(ctx, job)
		})))
		ctx, request := g.tracing.Tracer("portal").Start(s.Context(), "POST /settings")
		ticket, err := s.q.Enqueue(ctx, ask{21})
		match(s, err, nil)
		request.End()
		pass(time.Hour)
		spans := g.processed()
		if len(spans) != 1 {
			s.Fatalf("%d spans", len(spans))
		}
		span := spans[0]
		if span.Name() != "process answers" || span.SpanKind() != trace.SpanKindConsumer || span.Parent().IsValid() {
			t.Errorf("span %q, %v, parent %v", span.Name(), span.SpanKind(), span.Parent())
		}
		if d := span.EndTime().Sub(span.StartTime()); d != time.Minute || span.SpanContext().SpanID() != inside.SpanID() {
			t.Errorf("it took %v; the handler saw %v", d, inside)
		}
		links := span.Links()
		if len(links) != 1 || links[0].SpanContext.TraceID() != request.SpanContext().TraceID() || span.SpanContext().TraceID() == request.SpanContext().TraceID() {
			t.Errorf("links %+v", links)
		}
		want := map[string]any{
			"messaging.system": "leat", "messaging.destination.name": "answers",
			"messaging.operation.name": "process", "messaging.operation.type": "process",
			"messaging.message.id": ticket.ID, "messaging.message.body.size": int64(len(`{"N":21}`)),
			"leat.job.kind": "", "leat.job.attempt": int64(1), "leat.job.outcome": "succeeded",
		}
		if diff := cmp.Diff(want, attributes(span)); diff != "" {
			t.Errorf("want -, got +\n%s", diff)
		}
	})
}

// Every way an attempt ends has a word, in its span and in the metrics.
func TestOutcomesHaveWords(t *testing.T) {
	play(t, func(s *scene) {
		g := s.gauged()
		s.q.Announce = &topic{}
		complete := s.completes(worker.Settled)
		w := g.on(s.worker(func(ctx context.Context, job *queue.Job[ask]) (int, error) {
			switch job.Tenant {
			case "dead":
				return 0, worker.Permanent(errSad)
			case "retry":
				return 0, worker.RetryAfter(100*time.Hour, errSad)
			case "snooze":
				return 0, worker.Snooze(100 * time.Hour)
			case "panic":
				panic("oh")
			case "settled":
				return complete(ctx, job)
			case "succeeded":
				return answer(ctx, job)
			case "lost":
				if job.Attempt > 1 {
					return answer(ctx, job)
				}
			}
			<-ctx.Done()
			return 0, context.Cause(ctx)
		}))
		w.Concurrency = 20
		sh := s.start(w)
		tenants := []string{"dead", "retry", "snooze", "panic", "settled", "succeeded", "cancelled", "superseded", "expired", "release"}
		refs := map[string]queue.Ref{}
		for _, tenant := range tenants {
			opts := []queue.Option{queue.Tenant(tenant), queue.MaxAttempts(2), queue.Supersede("place")}
			if tenant == "expired" {
				opts = append(opts, queue.Expiry(time.Minute))
			}
			if tenant == "panic" {
				opts = append(opts, queue.MaxAttempts(1))
			}
			refs[tenant] = s.enqueue(1, opts...)
		}
		pass(time.Second)
		match(s, s.q.Cancel(s.Context(), refs["cancelled"]), nil)
		s.enqueue(1, queue.Tenant("superseded"), queue.Supersede("place"), queue.Delay(time.Hour))
		pass(2 * time.Minute)
		sh.clean()
		want := map[string]string{
			"dead": "dead", "retry": "retry", "snooze": "snooze", "panic": "dead", "settled": "succeeded", "succeeded": "succeeded",
			"cancelled": "cancelled", "superseded": "superseded", "expired": "expired", "release": "release",
		}
		got := map[string]string{}
		for _, span := range g.processed() {
			a := attributes(span)
			for tenant, ref := range refs {
				if ref.ID == a["messaging.message.id"] {
					got[tenant] = a["leat.job.outcome"].(string)
				}
			}
			if failed := a["leat.job.outcome"] != "succeeded"; failed != (span.Status().Code == codes.Error) || failed != (a["error.type"] != nil) {
				t.Errorf("%v: status %v, error type %v", a["leat.job.outcome"], span.Status(), a["error.type"])
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("want -, got +\n%s", diff)
		}
	})
}

func TestLostAttemptHasAWord(t *testing.T) {
	play(t, func(s *scene) {
		g := s.gauged()
		w, way := s.cutOff(untilDone)
		s.start(g.on(w))
		s.enqueue(21)
		pass(time.Second)
		way.Inject(backendtest.Fault{})
		s.work(answer)
		pass(time.Minute)
		way.Lift()
		pass(5 * time.Second)
		spans := g.processed()
		if len(spans) != 1 || attributes(spans[0])["leat.job.outcome"] != "lost" {
			t.Errorf("%d spans, %v", len(spans), attributes(spans[0]))
		}
	})
}

// The metrics are those of OpenTelemetry's messaging conventions.
func TestMetricsHaveTheirNames(t *testing.T) {
	play(t, func(s *scene) {
		g := s.gauged()
		s.q.Announce = &topic{}
		s.start(g.on(s.worker(fails(2, worker.RetryAfter(time.Second, errSad)))))
		s.enqueue(21)
		pass(time.Minute)
		var got []string
		for name, points := range g.collect(s) {
			for _, p := range points {
				got = append(got, name+" "+p)
			}
		}
		slices.Sort(got)
		want := []string{
			"leat.worker.busy 0   ",
			"leat.worker.limit 1   ",
			"messaging.client.consumed.messages 1 process succeeded ",
			"messaging.client.consumed.messages 2 process retry *errors.errorString",
			"messaging.client.operation.duration 1 announce  ",
			"messaging.client.operation.duration 1 send  ",
			"messaging.client.operation.duration 4 settle  ", // two retries, the commit, the event
			"messaging.client.sent.messages 1 send  ",
			"messaging.process.duration 1 process succeeded ",
			"messaging.process.duration 2 process retry *errors.errorString",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("want -, got +\n%s", diff)
		}
	})
}

// The slots of all workers of a queue add up, and are gone with them.
func TestMetricsOfSlotsLiveAsLongAsTheWorkers(t *testing.T) {
	play(t, func(s *scene) {
		g := s.gauged()
		expect := func(limit, busy string) {
			t.Helper()
			if m := g.collect(s); fmt.Sprint(m["leat.worker.limit"], m["leat.worker.busy"]) != limit+" "+busy {
				t.Errorf("limit %q, busy %q, want %s and %s", m["leat.worker.limit"], m["leat.worker.busy"], limit, busy)
			}
		}
		one, two := g.on(s.worker(waits(10*time.Second))), g.on(s.worker(waits(10*time.Second)))
		one.Concurrency, one.Limiter, two.Concurrency = 8, &told{limit: 2}, 3
		first := s.start(one)
		s.start(two)
		expect("[5   ]", "[0   ]")
		s.enqueueAll(9)
		pass(time.Second)
		expect("[5   ]", "[5   ]")
		first.clean()
		pass(time.Second)
		expect("[3   ]", "[3   ]")
	})
}

// What comes off a queue may name any kind: it must not make a time series of each.
func TestRow_G1_UnknownKindsAreOneInMetrics(t *testing.T) {
	play(t, func(s *scene) {
		g := s.gauged()
		store := s.store
		s.q = queue.New[ask, int](blind{store}, "answers")
		s.q.UnknownAfter = time.Minute
		s.start(g.on(s.worker(answer)))
		s.enqueue(21)
		for i := range 20 {
			_, err := queue.View[ask, int](s.q, fmt.Sprint("kind-", i)).Enqueue(s.Context(), ask{1})
			match(s, err, nil)
		}
		pass(time.Hour)
		kinds := map[string]bool{}
		var all metricdata.ResourceMetrics
		match(s, g.reader.Collect(s.Context(), &all), nil)
		for _, scope := range all.ScopeMetrics {
			for _, m := range scope.Metrics {
				if data, ok := m.Data.(metricdata.Sum[int64]); ok && m.Name == "messaging.client.consumed.messages" {
					for _, p := range data.DataPoints {
						kind, _ := p.Attributes.Value("leat.job.kind")
						kinds[kind.AsString()] = true
					}
				}
			}
		}
		if diff := cmp.Diff(map[string]bool{"": true, "_OTHER": true}, kinds); diff != "" {
			t.Errorf("want -, got +\n%s", diff)
		}
	})
}

// collect reads the metrics: their count, operation, outcome and error.
func (g *gauge) collect(s *scene) map[string][]string {
	var all metricdata.ResourceMetrics
	match(s, g.reader.Collect(s.Context(), &all), nil)
	out := map[string][]string{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					out[m.Name] = append(out[m.Name], fmt.Sprint(p.Count, " ", words(p.Attributes)))
				}
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					out[m.Name] = append(out[m.Name], fmt.Sprint(p.Value, " ", words(p.Attributes)))
				}
			}
		}
	}
	return out
}

func words(set attribute.Set) string {
	word := func(key attribute.Key) string {
		v, _ := set.Value(key)
		return v.AsString()
	}
	return word("messaging.operation.name") + " " + word("leat.job.outcome") + " " + word("error.type")
}
