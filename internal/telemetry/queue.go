package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/leat-go/leat/backends"
)

// Queue is what there is to tell of a queue.
type Queue struct {
	backends.Stats
	Desired int
}

// ObserveQueue has read called once per collection, until stop. No Queue and no error: there is
// nothing to tell. They are gauges, as all who look at a queue see the same.
func ObserveQueue(mp metric.MeterProvider, name string, read func(context.Context) (*Queue, error)) (stop func()) {
	m := meter(mp)
	gauge := func(name, unit, text string) metric.Int64ObservableGauge {
		return must(m.Int64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(text)))
	}
	depth := gauge("leat.queue.depth", "{job}", "Jobs that wait.")
	inFlight := gauge("leat.queue.in_flight", "{job}", "Jobs that are leased.")
	desired := gauge("leat.queue.desired", "{replica}", "Replicas that do in time what is due.")
	oldest := must(m.Float64ObservableGauge("leat.queue.oldest_age", metric.WithUnit("s"),
		metric.WithDescription("Time since the oldest job that waits was due.")))
	of := destination.String(name)
	plain := metric.WithAttributeSet(attribute.NewSet(system, of))
	in := func(state string) metric.MeasurementOption {
		return metric.WithAttributeSet(attribute.NewSet(system, of, jobState.String(state)))
	}
	queued, scheduled, held := in("queued"), in("scheduled"), in("held")
	return observe(m, func(ctx context.Context, o metric.Observer) error {
		q, err := read(ctx)
		if q == nil {
			return err
		}
		o.ObserveInt64(depth, int64(q.Queued), queued)
		o.ObserveInt64(depth, int64(q.Scheduled), scheduled)
		o.ObserveInt64(depth, int64(q.Held), held)
		o.ObserveInt64(inFlight, int64(q.Running), plain)
		o.ObserveInt64(desired, int64(q.Desired), plain)
		o.ObserveFloat64(oldest, q.Oldest.Seconds(), plain)
		return nil
	}, depth, inFlight, desired, oldest)
}
