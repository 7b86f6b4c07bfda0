package backends

import (
	"math"
	"time"
)

// Policy is the facts of one queue. It travels with each call, and shared
// stores keep the newest by Version, so that two binaries can't disagree
// silently: a higher version replaces what is stored; an equal version with
// other content keeps the stored one and warns once. Where no store is shared,
// what later steps need of it (Owes, retention, crashes) is kept with the job. A
// Policy must not change after it was first passed. The zero value means the
// defaults.
type Policy struct {
	Version int

	Backlog int // most waiting jobs in the queue; beyond, ErrBacklogFull. 0 = unlimited
	Cap     Cap // of the whole queue

	Tenant  Tenancy            // every tenant's share
	Tenants map[string]Tenancy // exceptions by name; they replace Tenant whole

	MaxAttempts  int           // 0 = DefaultMaxAttempts; Job.MaxAttempts goes first. The worker holds it: it commits Dead
	MaxCrashes   int           // 0 = DefaultMaxCrashes, at most 32,767: so many lapsed leases end the job Dead. The store holds it
	UnknownAfter time.Duration // 0 = DefaultUnknownAfter; how long a job waits though nobody who knows its kind is there (ClaimRequest.Kinds)

	// Retention is how long an ended job is kept; 0 = DefaultRetention. Negative
	// = not at all: it goes as soon as nothing is owed, and with it the memory
	// of its id, so that a repeated Enqueue creates it again and a repeated
	// Settle finds nothing.
	Retention     time.Duration
	DeadRetention time.Duration // of dead letters; 0 = DefaultDeadRetention, negative = none
	Keep          int           // most ended records besides dead letters; those that closed first go first. 0 = the store's default; where Features.Lists is false nobody counts, and Retention alone bounds them

	// Owes is what every end owes, whoever writes it: Event if the queue
	// announces, else 0.
	Owes Debt
}

// Tenancy is one tenant's share of a queue.
type Tenancy struct {
	Weight  int // jobs per turn; 0 = 1
	Backlog int // most waiting jobs; 0 = unlimited
	Cap     Cap
}

// Cap bounds what runs. The zero value bounds nothing.
type Cap struct {
	InFlight int     // most leased jobs at a time; a lapsed lease doesn't count
	Rate     float64 // most claims per second, on average
	Burst    int     // claims at once after a pause; 0 = max(1, Rate)
}

// Resource caps one name that jobs of several queues use, "the small database".
type Resource struct {
	Name    string
	Version int // as Policy.Version
	Cap     Cap
}

// The defaults, all in one place.
const (
	DefaultMaxAttempts   = 5
	DefaultMaxCrashes    = 3
	DefaultUnknownAfter  = time.Hour
	DefaultRetention     = 24 * time.Hour
	DefaultDeadRetention = 14 * 24 * time.Hour
)

// Filled returns p with the defaults in place of zeros; nil is all defaults.
func (p *Policy) Filled() *Policy {
	var f Policy
	if p != nil {
		f = *p
	}
	orDefault(&f.MaxAttempts, DefaultMaxAttempts)
	orDefault(&f.MaxCrashes, DefaultMaxCrashes)
	orDefault(&f.UnknownAfter, DefaultUnknownAfter)
	orDefault(&f.Retention, DefaultRetention)
	orDefault(&f.DeadRetention, DefaultDeadRetention)
	return &f
}

// Check refuses a policy that makes no sense; nil is well.
func (p *Policy) Check() error {
	if p == nil {
		return nil
	}
	for _, n := range [...]struct {
		field string
		value int
	}{
		{"Policy.Backlog", p.Backlog},
		{"Policy.MaxAttempts", p.MaxAttempts},
		{"Policy.MaxCrashes", p.MaxCrashes},
		{"Policy.Keep", p.Keep},
	} {
		if n.value < 0 {
			return invalid(n.field, "must not be negative")
		}
	}
	switch {
	case p.MaxCrashes > math.MaxInt16:
		return invalid("Policy.MaxCrashes", "must be at most 32767")
	case p.UnknownAfter < 0 || p.UnknownAfter > maxSpan:
		return invalid("Policy.UnknownAfter", "must be from 0 to 150 years")
	case p.Retention > maxSpan || p.DeadRetention > maxSpan:
		return invalid("Policy.Retention or DeadRetention", "must be at most 150 years")
	case !p.Owes.In(Event):
		return invalid("Policy.Owes", "may be Event only")
	}
	if err := p.Cap.check("Policy.Cap"); err != nil {
		return err
	}
	if err := p.Tenant.check("Policy.Tenant"); err != nil {
		return err
	}
	for name, t := range p.Tenants {
		if err := checkName("Policy.Tenants", name, false); err != nil {
			return err
		}
		if err := t.check("Policy.Tenants"); err != nil {
			return err
		}
	}
	return nil
}

func (t Tenancy) check(field string) error {
	if t.Weight < 0 || t.Backlog < 0 {
		return invalid(field, "must not be negative")
	}
	return t.Cap.check(field)
}

func (c Cap) check(field string) error {
	finite := c.Rate >= 0 && c.Rate <= math.MaxInt32
	if c.InFlight < 0 || c.Burst < 0 || !finite {
		return invalid(field, "must not be negative, and a rate must be below 2^31")
	}
	return nil
}

// Of returns the share of one tenant. The policy must not be nil.
func (p *Policy) Of(tenant string) Tenancy {
	t, ok := p.Tenants[tenant]
	if !ok {
		t = p.Tenant
	}
	orDefault(&t.Weight, 1)
	return t
}

// Keeps returns how long a record stays after this end; 0 = not at all. The
// policy must be Filled.
func (p *Policy) Keeps(end State) time.Duration {
	if end == Dead {
		return max(0, p.DeadRetention)
	}
	return max(0, p.Retention)
}

// Bucket returns the cap's rate as a token bucket: tokens per second and size.
func (c Cap) Bucket() (rate, size float64) {
	if c.Burst > 0 {
		return c.Rate, float64(c.Burst)
	}
	return c.Rate, max(1, c.Rate)
}

func orDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}
