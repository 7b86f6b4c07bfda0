package backendtest

import (
	"time"

	"github.com/leat-go/leat/backends"
)

// dueCases: when a job may first be claimed, and who goes first.
var dueCases = []testCase{
	{
		"R9", "DelayedJobWaits", "a reminder for tomorrow goes out at once, or never",
		nil,
		func(e *env) {
			start := time.Now()
			e.enqueue(job("zeta", func(j *backends.Job) { j.Delay = 3 * e.unit }))
			e.claimNone(e.request(1))
			e.claim()
			e.expectWait(start, 3)
		},
	},
	{
		"R9", "DueTimeIsKept", "a job planned for a moment runs before it",
		nil,
		func(e *env) {
			start := time.Now()
			e.enqueue(job("zeta", func(j *backends.Job) { j.Due = start.Add(3 * e.unit) }))
			e.claimNone(e.request(1))
			e.claim()
			e.expectWait(start, 3)
		},
	},
	{
		"R9", "DelayIsAddedToDue", "a job with both runs at the earlier of two times",
		nil,
		func(e *env) {
			start := time.Now()
			e.enqueue(job("zeta", func(j *backends.Job) { j.Due, j.Delay = start.Add(2*e.unit), e.unit }))
			e.claim()
			e.expectWait(start, 3)
		},
	},
	{
		"R9", "PastDueIsNow", "a producer's wrong clock, or a missed tick, hides a job or lets it jump the line",
		nil,
		func(e *env) {
			now := time.Now()
			for _, due := range []time.Time{now.Add(-time.Hour), time.Unix(0, 1), time.Unix(0, 0)} {
				start := time.Now()
				e.enqueue(job("zeta", func(j *backends.Job) { j.Due, j.Delay = due, e.unit }))
				l := e.claim()
				e.expectWait(start, 1)
				e.commit(l)
			}
		},
	},
	{
		"R9", "FarPastIsNow", "a zero time of another system (year 1, year 1601) becomes a job of the next century",
		nil,
		func(e *env) {
			for _, year := range []int{1, 1000, 1500, 1601, 1677, 1678, 1900} {
				due := time.Date(year, 1, 1, 0, 0, 0, 1, time.UTC)
				j := job("zeta", func(j *backends.Job) { j.Due = due })
				e.enqueue(j)
				got, err := e.tryClaim(e.request(1))
				if err != nil {
					e.Errorf("due in the year %d: not claimable now: %v", year, err)
				}
				for _, l := range got {
					e.commit(l)
				}
			}
		},
	},
	{
		"R11", "DueThenOrder", "jobs of one tenant overtake each other",
		func(f backends.Features) bool { return f.Ordered },
		func(e *env) {
			last := job("zeta", func(j *backends.Job) { j.Delay = 2 * e.unit })
			first := job("zeta", func(j *backends.Job) { j.Delay = e.unit })
			e.enqueue(last, first)
			e.pass(3)
			then := []backends.Job{job("zeta"), job("zeta"), job("zeta")}
			e.enqueue(then...)
			for _, want := range append([]backends.Job{first, last}, then...) {
				e.expectJob(e.claim(), want)
			}
		},
	},
	{
		"R11", "PriorityGoesFirstInsideATenant", "the urgent job of a customer waits behind the nightly ones",
		func(f backends.Features) bool { return f.Priority },
		func(e *env) {
			with := func(p int32) backends.Job {
				return job("zeta", func(j *backends.Job) { j.Priority = p })
			}
			low, normal, high, least, most := with(-1), with(0), with(1), with(-1<<31), with(1<<31-1)
			e.enqueue(low, normal, high, least, most)
			for _, want := range []backends.Job{most, high, normal, low, least} {
				e.expectJob(e.claim(), want)
			}
		},
	},
	{
		"R11", "PriorityDoesNotWakeADelayedJob", "an urgent job for tomorrow blocks today's, or runs today",
		func(f backends.Features) bool { return f.Priority },
		func(e *env) {
			later := job("zeta", func(j *backends.Job) { j.Priority, j.Delay = 9, e.unit })
			now := job("zeta")
			e.enqueue(later, now)
			e.expectJob(e.claim(), now)
			e.expectJob(e.claim(), later)
		},
	},
	{
		"R11", "PriorityNeverCrossesTenants", "a tenant that calls everything urgent starves the others",
		func(f backends.Features) bool { return f.Priority && f.Fair },
		func(e *env) {
			urgent := func(j *backends.Job) { j.Priority = 1000 }
			e.enqueue(job("zeta", urgent), job("zeta", urgent), job("zeta", urgent), job("eta"))
			tenants := map[string]bool{}
			for _, l := range e.claimMany(2) {
				tenants[l.Job.Tenant] = true
			}
			if !tenants["eta"] {
				e.Fatal("two turns went to the tenant with priority")
			}
		},
	},
}
