package queue

import (
	"time"
)

// Option says something of one job. Options of one call are taken in order; a
// later one of a kind wins.
type Option interface{ apply(*draft) }

type option[V any] struct {
	value V
	set   func(*draft, V)
}

func (o option[V]) apply(d *draft) { o.set(d, o.value) }

// Tenant says whose job it is: claims go round the tenants that have work, limits
// and keys are theirs, and nobody reads another's. The default is "", a tenant
// like any other.
func Tenant(name string) Option { return tenantOption(name) }

type tenantOption string

func (o tenantOption) apply(d *draft) { d.job.Tenant = string(o) }

// Key names a request: a job with the same key, in the same queue and for the
// same tenant, is not created again, and the caller gets the first one's Ticket.
// With other args it is ErrKeyReused. The key is held until the retention of the
// job ends, whatever became of it. "" is none.
func Key(key string) Option { return keyOption(key) }

type keyOption string

func (o keyOption) apply(d *draft) { d.key = string(o) }

// Supersede names a place that only the newest job holds, scoped by tenant and
// queue: older ones that wait end as superseded, and a running one is told to
// stop.
func Supersede(place string) Option {
	return option[string]{place, func(d *draft, v string) { d.job.Supersede, d.job.Trailing = v, false }}
}

// Trailing is Supersede that lets a running job finish; the newest follows it.
func Trailing(place string) Option {
	return option[string]{place, func(d *draft, v string) { d.job.Supersede, d.job.Trailing = v, true }}
}

// Priority orders jobs inside their tenant, higher first. It never pushes another
// tenant aside. The default is 0.
func Priority(n int32) Option {
	return option[int32]{n, func(d *draft, v int32) { d.job.Priority = v }}
}

// Delay keeps the job from starting for d, by the store's clock.
func Delay(d time.Duration) Option {
	return option[time.Duration]{d, func(j *draft, v time.Duration) { j.job.Delay = v }}
}

// At keeps the job from starting before t.
func At(t time.Time) Option {
	return option[time.Time]{t, func(d *draft, v time.Time) { d.job.Due = v }}
}

// Expiry sets a deadline d from now: a job that still waits then ends as expired,
// and a running one's context ends.
func Expiry(d time.Duration) Option {
	return option[time.Duration]{d, func(j *draft, v time.Duration) { j.job.Expiry = v }}
}

// MaxAttempts is how often the job is tried; the default is the queue's.
func MaxAttempts(n int32) Option {
	return option[int32]{n, func(d *draft, v int32) { d.job.MaxAttempts = v }}
}

// RunLimit bounds one attempt; the default is the worker's.
func RunLimit(d time.Duration) Option {
	return option[time.Duration]{d, func(j *draft, v time.Duration) { j.job.RunLimit = v }}
}

// Uses names what the job uses up, "the small database": workers of several
// queues share one cap on the name (worker.Pool.Resources).
func Uses(resource string) Option {
	return option[string]{resource, func(d *draft, v string) { d.job.Resource = v }}
}

// Header travels with the job; 16 KiB in all. Names that begin with "leat-", and
// those of the W3C trace context, are the library's.
func Header(name, value string) Option {
	return option[[2]string]{[2]string{name, value}, (*draft).header}
}

// WaitForRoom makes Enqueue wait, until its context ends, where it would answer
// ErrBacklogFull.
func WaitForRoom() Option { return waitForRoom{} }

type waitForRoom struct{}

func (waitForRoom) apply(d *draft) { d.wait = true }
