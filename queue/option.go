package queue

import (
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/internal/seam"
)

// Option says something of one job; the functions of this package make them.
// Options of one call are taken in order, a later one of a kind wins, and the zero
// Option says nothing.
type Option struct {
	about about
	text  string
	value string // of a header
	n     int64  // a number, or a span
	at    time.Time
	batch *backends.Batch
}

// about is what an Option speaks of. A switch on it, unlike an interface, costs no
// allocation.
type about uint8

const (
	aboutNothing about = iota
	aboutTenant
	aboutKey
	aboutPlace
	aboutTrailing
	aboutPriority
	aboutDelay
	aboutDue
	aboutExpiry
	aboutAttempts
	aboutRunLimit
	aboutResource
	aboutHeader
	aboutRoom
	aboutBatch
)

func (o *Option) apply(d *draft) {
	j := d.job
	switch o.about {
	case aboutNothing:
	case aboutTenant:
		j.Tenant = o.text
	case aboutKey:
		d.key = o.text
	case aboutPlace:
		j.Supersede, j.Trailing = o.text, false
	case aboutTrailing:
		j.Supersede, j.Trailing = o.text, true
	case aboutPriority:
		j.Priority = d.small("Job.Priority", o.n)
	case aboutDelay:
		j.Delay = time.Duration(o.n)
	case aboutDue:
		j.Due = o.at
	case aboutExpiry:
		j.Expiry = time.Duration(o.n)
	case aboutAttempts:
		j.MaxAttempts = d.small("Job.MaxAttempts", o.n)
	case aboutRunLimit:
		j.RunLimit = time.Duration(o.n)
	case aboutResource:
		j.Resource = o.text
	case aboutHeader:
		d.header(o.text, o.value)
	case aboutRoom:
		d.wait = true
	case aboutBatch:
		j.ID, j.Batch = o.text, o.batch
	}
}

// Tenant says whose job it is: claims go round the tenants that have work, limits
// and keys are theirs, and nobody reads another's. The default is "", a tenant
// like any other. Whoever looks for the job needs the tenant too: keep the Ref of
// the Ticket. As all names it has at most 256 bytes of UTF-8, without NUL.
func Tenant(name string) Option { return Option{about: aboutTenant, text: name} }

// Key names a request: a job with the same key, in the same queue and for the
// same tenant, is not created again, and the caller gets the first one's Ticket.
// With other args, or for another kind, it is ErrKeyReused. The key is held until
// the retention of the job ends, whatever became of it. "" is none.
func Key(key string) Option { return Option{about: aboutKey, text: key} }

// Supersede names a place that only the newest job holds, scoped by tenant and
// queue: older ones that wait end as superseded, and a running one is told to
// stop.
func Supersede(place string) Option { return Option{about: aboutPlace, text: place} }

// Trailing is Supersede that lets a running job finish; the newest follows it.
func Trailing(place string) Option { return Option{about: aboutTrailing, text: place} }

// Priority orders jobs inside their tenant, higher first. It never pushes another
// tenant aside. The default is 0.
func Priority(n int) Option { return Option{about: aboutPriority, n: int64(n)} }

// Delay keeps the job from starting for d, by the store's clock; with At, for d
// after that time.
func Delay(d time.Duration) Option { return Option{about: aboutDelay, n: int64(d)} }

// At keeps the job from starting before t.
func At(t time.Time) Option { return Option{about: aboutDue, at: t} }

// Expiry sets a deadline d from now: a job that still waits then ends as expired,
// and a running one's context ends. 0 is none.
func Expiry(d time.Duration) Option { return Option{about: aboutExpiry, n: int64(d)} }

// MaxAttempts is how often the job is tried; 0 = the queue's.
func MaxAttempts(n int) Option { return Option{about: aboutAttempts, n: int64(n)} }

// RunLimit bounds one attempt; 0 = the worker's.
func RunLimit(d time.Duration) Option { return Option{about: aboutRunLimit, n: int64(d)} }

// Uses names what the job uses up, "the small database": workers of several
// queues share one cap on the name (worker.Pool.Resources).
func Uses(resource string) Option { return Option{about: aboutResource, text: resource} }

// Header travels with the job; 16 KiB in all. Names that begin with "leat-", and
// those of the W3C trace context, are the library's.
func Header(name, value string) Option {
	return Option{about: aboutHeader, text: name, value: value}
}

// WaitForRoom makes Enqueue wait, until its context ends, where it would answer
// ErrBacklogFull. Inside a View it doesn't: a transaction that is held open makes
// no room.
func WaitForRoom() Option { return Option{about: aboutRoom} }

// Tie is for package batch: it ties the job to a batch, and gives it an id ("" = as usual).
func Tie(_ seam.Key, id string, b *backends.Batch) Option {
	return Option{about: aboutBatch, text: id, batch: b}
}
