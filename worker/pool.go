package worker

import (
	"log/slog"
	"runtime"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/queue"
)

// The defaults of a worker.
const (
	DefaultLease      = 30 * time.Second
	DefaultBeat       = 2 * time.Second // at most a third of the lease
	DefaultRunLimit   = time.Hour
	DefaultGrace      = 20 * time.Second
	DefaultKill       = time.Second
	DefaultBackoff    = time.Second
	DefaultMaxBackoff = 15 * time.Minute
)

// Pool is the facts of a process that works: they may differ between two that
// share a queue. It is part of a [Worker] and of a [Mux].
type Pool struct {
	// Concurrency is how many handlers run at a time; 0 = 2 × GOMAXPROCS.
	Concurrency int

	// Limiter moves how many of them run, between 1 and Concurrency, where what they use
	// is throttled: &AIMD{}, say; nil = Concurrency.
	Limiter Limiter

	// Lease is how long a job stays this worker's without a sign of life; 0 = 30 s.
	// The jobs of a process that was killed run elsewhere that much later.
	Lease time.Duration

	// Beat is how often leases are renewed, progress leaves and a cancel is
	// noticed; 0 = 2 s, or a third of the lease where that is less or where
	// renewing costs.
	Beat time.Duration

	// Grace is how long handlers may go on when the worker stops, and how long
	// after the end of its context a handler may take to return; 0 = 20 s.
	Grace time.Duration

	// Kill is how long handlers may take to return when the grace is over; 0 = 1 s.
	Kill time.Duration

	// Margin is how long before the deadline of Run's context the drain begins;
	// 0 = Grace + Kill + 1 s. It must be above 0 and leave time to work.
	Margin time.Duration

	// Resources caps what jobs of several queues use up (queue.Uses), by name;
	// across processes where the backend shares its caps.
	Resources []queue.Resource

	Logger  *slog.Logger         // nil = slog.Default
	Tracing trace.TracerProvider // nil = the global one
	Metrics metric.MeterProvider // nil = the global one

	// LogErrors writes the texts of handlers' errors into logs. They may hold what
	// the args hold, so that by default only their types are written; the texts are
	// in the job's record.
	LogErrors bool

	health *health // shared by the copies
}

// shortestLease is one that a beat can still renew. A shorter one is a number without
// a unit.
const shortestLease = 10 * time.Millisecond

func newPool() Pool { return Pool{health: &health{}} }

// filled returns p with the defaults in place of zeros, or what makes no sense.
func (p *Pool) filled(f backends.Features) (Pool, error) {
	c := *p
	bad := func(field, reason string) (Pool, error) {
		return c, &queue.InvalidError{Field: field, Reason: reason}
	}
	switch {
	case c.health == nil:
		return bad("Pool", "of a worker that was not made with New")
	case c.Concurrency < 0:
		return bad("Pool.Concurrency", "must not be negative")
	case c.Lease != 0 && c.Lease < shortestLease:
		return bad("Pool.Lease", "must be at least "+shortestLease.String()+"; is its unit missing?")
	}
	for _, d := range [...]struct {
		field string
		span  time.Duration
	}{{"Pool.Beat", c.Beat}, {"Pool.Grace", c.Grace}, {"Pool.Kill", c.Kill}, {"Pool.Margin", c.Margin}} {
		if d.span < 0 {
			return bad(d.field, "must not be negative")
		}
	}
	orDefault(&c.Concurrency, 2*runtime.GOMAXPROCS(0))
	orDefault(&c.Lease, DefaultLease)
	if f.MaxLease > 0 && p.Lease == 0 {
		c.Lease = min(c.Lease, f.MaxLease)
	}
	if c.Beat == 0 {
		c.Beat = c.Lease / 3
		if f.CheapExtend {
			c.Beat = min(c.Beat, DefaultBeat)
		}
	}
	if c.Beat >= c.Lease {
		return bad("Pool.Beat", "must be shorter than Lease")
	}
	orDefault(&c.Grace, DefaultGrace)
	orDefault(&c.Kill, DefaultKill)
	c.Grace, c.Kill = min(c.Grace, longestDelay), min(c.Kill, longestDelay) // their sum is a span
	orDefault(&c.Margin, c.Grace+c.Kill+lastSettle)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c, backends.CheckLease(c.Lease, f)
}

func orDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}
