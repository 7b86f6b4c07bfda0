package backends

import (
	"time"
)

// Policy is the facts of one queue. It travels with each call, and shared
// stores keep the newest by Version, so that two binaries can't disagree
// silently: a higher version replaces what is stored; an equal version with
// other content keeps the stored one and warns once. A Policy must not change
// after it was first passed. The zero value means the defaults.
type Policy struct {
	Version int

	Backlog int // most waiting jobs in the queue; beyond, ErrBacklogFull. 0 = unlimited
	Cap     Cap // of the whole queue

	Tenant  Tenancy            // every tenant's share
	Tenants map[string]Tenancy // exceptions by name; they replace Tenant whole

	MaxAttempts  int           // 0 = DefaultMaxAttempts; Job.MaxAttempts goes first
	MaxCrashes   int           // 0 = DefaultMaxCrashes: the handler starts so often in processes that die
	UnknownAfter time.Duration // 0 = DefaultUnknownAfter; how long a job of a kind that its claimers don't know waits

	Retention     time.Duration // of ended jobs; 0 = DefaultRetention, negative = none: a record goes as soon as nothing is owed
	DeadRetention time.Duration // of dead letters; 0 = DefaultDeadRetention, negative = none
	Keep          int           // most ended records besides dead letters; the oldest go first. 0 = the store's default

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
	InFlight int     // most leased jobs at a time
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

// Of returns the share of one tenant.
func (p *Policy) Of(tenant string) Tenancy {
	t, ok := p.Tenants[tenant]
	if !ok {
		t = p.Tenant
	}
	orDefault(&t.Weight, 1)
	return t
}

// Keeps returns how long a record stays after this end; 0 = not at all.
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
