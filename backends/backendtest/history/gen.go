package history

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"github.com/leat-go/leat/backends"
)

// odd keeps the end of a wait apart from all that comes due in whole seconds:
// else it is chance who is first, and a seed no longer makes one history.
const odd = 77_777 * time.Nanosecond

// Names are few, so that calls meet.
var (
	queues    = rapid.SampledFrom([]string{"whatif", "nightly"})
	tenants   = rapid.SampledFrom([]string{"zeta", "eta"})
	kinds     = rapid.SampledFrom([]string{"optimise", "report"})
	resources = rapid.SampledFrom([]string{"", "", "database"})
	keys      = rapid.SampledFrom([]string{"", "", "screen-1", "screen-2"})

	delays  = rapid.SampledFrom([]time.Duration{0, 0, time.Second, 7 * time.Second, time.Minute})
	terms   = rapid.SampledFrom([]time.Duration{5 * time.Second, 30 * time.Second, 31 * time.Second})
	expiry  = rapid.SampledFrom([]time.Duration{0, 0, 0, 3 * time.Second, 20 * time.Second})
	spans   = rapid.SampledFrom([]time.Duration{time.Second, 4 * time.Second, 10 * time.Second, time.Minute, time.Hour})
	blink   = rapid.SampledFrom([]time.Duration{1, 1, 1, 2*time.Second + odd, 2*time.Minute + odd})
	percent = rapid.SampledFrom([]float64{0, 12.5, 100})
	debts   = rapid.SampledFrom([]backends.Debt{0, backends.Event, backends.WriteBack, backends.Event | backends.WriteBack})
	limits  = rapid.SampledFrom([]int{0, 0, 0, 1, 4})
)

// facts are what all policies of one history agree on, because the contract
// doesn't say from when on a new one counts.
var facts = rapid.Custom(func(t *rapid.T) backends.Policy {
	retention := rapid.SampledFrom([]time.Duration{time.Hour, 30 * time.Second, -1})
	return backends.Policy{
		Retention:     retention.Draw(t, "retention"),
		DeadRetention: retention.Draw(t, "dead retention"),
		Keep:          rapid.SampledFrom([]int{0, 0, 3}).Draw(t, "keep"),
	}
})

// policy is the next version of a queue's, or one that changes nothing.
func (m *machine) policy(t *rapid.T, queue string) *backends.Policy {
	p := m.base
	switch n := rapid.IntRange(0, 9).Draw(t, "policy"); {
	case n == 9 || n < 8 && m.versions[queue] == 0:
		m.versions[queue]++
		p.Version = m.versions[queue]
	case n == 8: // as old as the newest, or older: must not win
		p.Version = max(0, m.versions[queue]-rapid.IntRange(0, 1).Draw(t, "older by"))
	default:
		return nil
	}
	p.Owes = rapid.SampledFrom([]backends.Debt{0, backends.Event}).Draw(t, "owes")
	p.MaxCrashes = rapid.SampledFrom([]int{0, 1, 2}).Draw(t, "max crashes")
	p.UnknownAfter = rapid.SampledFrom([]time.Duration{0, 10 * time.Second}).Draw(t, "unknown after")
	p.Backlog = limits.Draw(t, "backlog")
	p.Cap = m.cap(t)
	p.Tenant = m.share(t)
	if rapid.Bool().Draw(t, "exception") {
		p.Tenants = map[string]backends.Tenancy{"eta": m.share(t)}
	}
	return &p
}

func (m *machine) share(t *rapid.T) backends.Tenancy {
	return backends.Tenancy{
		Weight: rapid.IntRange(0, 3).Draw(t, "weight"), Backlog: limits.Draw(t, "tenant backlog"), Cap: m.cap(t),
	}
}

func (m *machine) cap(t *rapid.T) backends.Cap {
	return backends.Cap{
		InFlight: limits.Draw(t, "in flight"),
		Rate:     rapid.SampledFrom([]float64{0, 0, 0.25, 2}).Draw(t, "rate"),
		Burst:    rapid.IntRange(0, 2).Draw(t, "burst"),
	}
}

// job is a new job. The first id is 1, and so on: a list of calls is read more
// easily than one of uuids.
func (m *machine) job(t *rapid.T) backends.Job {
	j := backends.Job{
		Ref:         backends.Ref{Tenant: tenants.Draw(t, "tenant"), ID: fmt.Sprint(len(m.jobs) + 1)},
		Kind:        kinds.Draw(t, "kind"),
		Payload:     []byte(`{"sku":"22423"}`),
		Fingerprint: rapid.Uint64Range(0, 2).Draw(t, "fingerprint"),
		Delay:       delays.Draw(t, "delay"),
		Expiry:      expiry.Draw(t, "expiry"),
		Priority:    rapid.Int32Range(-1, 1).Draw(t, "priority"),
		Resource:    resources.Draw(t, "resource"),
		Supersede:   keys.Draw(t, "supersede"),
	}
	if j.Supersede != "" {
		j.Trailing = rapid.Bool().Draw(t, "trailing")
	}
	if rapid.IntRange(0, 9).Draw(t, "due") == 9 {
		j.Due = time.Now().Add(delays.Draw(t, "due in") - time.Second)
	}
	j.Batch = m.batch(t)
	if j.Batch != nil && j.Batch.Hold > 0 {
		m.held = append(m.held, j.Ref)
	}
	m.jobs = append(m.jobs, j)
	return j
}

// batch makes one job in five a collation job, and two a member of one.
func (m *machine) batch(t *rapid.T) *backends.Batch {
	role := rapid.IntRange(0, 9).Draw(t, "batch")
	var b backends.Batch
	if role >= 8 {
		b.Hold = 1
		b.Tolerate = rapid.Int32Range(-1, 1).Draw(t, "tolerate")
	}
	if len(m.held) > 0 && role >= 4 && role <= 8 {
		b.Member = rapid.SampledFrom(m.held).Draw(t, "member of")
	}
	if b == (backends.Batch{}) {
		return nil
	}
	return &b
}

// lease is one that was given out: the newest, or any.
func (m *machine) lease(t *rapid.T) *backends.Lease {
	if len(m.leases) == 0 {
		t.Skip("no lease yet")
	}
	back := rapid.IntRange(0, min(len(m.leases), 12)-1).Draw(t, "lease, from the newest")
	return m.leases[len(m.leases)-1-back]
}

func (m *machine) someJob(t *rapid.T) backends.Job {
	if len(m.jobs) == 0 {
		t.Skip("no job yet")
	}
	back := rapid.IntRange(0, len(m.jobs)-1).Draw(t, "job, from the newest")
	return m.jobs[len(m.jobs)-1-back]
}

func (m *machine) settlement(t *rapid.T) backends.Settlement {
	l := m.lease(t)
	s := backends.Settlement{Lease: l, Verb: rapid.SampledFrom([]backends.Verb{
		backends.Commit, backends.Commit, backends.Retry, backends.Snooze, backends.Release, backends.Announced,
	}).Draw(t, "verb")}
	switch s.Verb {
	case backends.Commit:
		s.Outcome = rapid.SampledFrom([]backends.State{
			backends.Succeeded, backends.Succeeded, backends.Dead, backends.Cancelled, backends.Superseded, backends.Expired,
		}).Draw(t, "outcome")
		s.Owes = debts.Draw(t, "owes")
		if s.Outcome == backends.Succeeded {
			s.Result = fmt.Appendf(nil, "result of token %d", l.Token)
			s.Stored = rapid.SampledFrom([]string{"", "bucket/1"}).Draw(t, "stored")
			break
		}
		s.Reason = "as the handler says"
		if s.Outcome == backends.Dead {
			s.Error = "no luck"
		}
	case backends.Retry:
		s.Error = "not yet"
		s.Delay = delays.Draw(t, "delay")
		s.Owes = debts.Draw(t, "owes")
	case backends.Snooze:
		s.Delay = delays.Draw(t, "delay")
		s.Owes = debts.Draw(t, "owes")
	case backends.Release, backends.Announced:
		s.Owes = debts.Draw(t, "owes")
	}
	return s
}
