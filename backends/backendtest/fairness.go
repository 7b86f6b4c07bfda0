package backendtest

import (
	"slices"

	"github.com/leat-go/leat/backends"
)

var fairnessCases = slices.Concat(roundCases, turnCases, priorityCases, crossCases)

// flood is the tenant with more jobs than anybody can run.
const flood = "flood"

// flooded enqueues a flood, then one job of each of n other tenants.
func (e *env) flooded(n int, edit ...func(*backends.Job)) (tenants []string) {
	e.Helper()
	e.enqueue(crowd(10*n, flood, edit...)...)
	tenants = tenantNames(n)
	for _, t := range tenants {
		e.enqueue(job(t, edit...))
	}
	return tenants
}

// expectAll expects that each of the tenants is among the leases.
func (e *env) expectAll(leases []*backends.Lease, tenants []string) {
	e.Helper()
	got := byTenant(leases)
	for _, t := range tenants {
		if got[t] == 0 {
			e.Fatalf("%s got nothing in %d claims: %v", t, len(leases), got)
		}
	}
}

// expectShare expects that tenant got about so many of the leases.
func (e *env) expectShare(leases []*backends.Lease, tenant string, want, slack int) {
	e.Helper()
	got := byTenant(leases)
	if off := got[tenant] - want; off > slack || off < -slack {
		e.Fatalf("%s got %d of %d claims, want %d ± %d: %v", tenant, got[tenant], len(leases), want, slack, got)
	}
}

// roundCases: everybody's turn comes within a round.
var roundCases = []testCase{
	{
		"R11", "EveryTenantComesWithinARound", "one partner's flood delays all the others",
		isFair,
		func(e *env) {
			others := e.flooded(10)
			e.expectAll(e.claimTotal(e.request(1), 11), others)
		},
	},
	{
		"R11", "RoundHoldsInTheMiddleOfAFlood", "a partner who comes during a flood waits for its end",
		isFair,
		func(e *env) {
			e.enqueue(crowd(60, flood)...)
			e.claimTotal(e.request(1), 7)
			others := tenantNames(10)
			for _, t := range others {
				e.enqueue(job(t))
			}
			e.expectAll(e.claimTotal(e.request(1), 11), others)
		},
	},
	{
		"R11", "RoundHoldsWhenOneClaimTakesMany", "workers with many slots fill them from the flood",
		isFair,
		func(e *env) {
			others := e.flooded(10)
			e.expectAll(e.claimTotal(e.request(11), 11), others)
			e.claimRest(e.request(20))
		},
	},
	{
		"R11", "ManyAtATimeShareEvenly", "with batched claims one of two equal partners gets nearly everything",
		isFair,
		func(e *env) {
			for _, t := range []string{"zeta", "eta", "theta"} {
				e.enqueue(crowd(40, t)...)
			}
			for _, n := range []int{3, 4, 7, 10} { // not multiples of a round
				got := e.claimTotal(e.request(n), 30)
				for _, t := range []string{"zeta", "eta", "theta"} {
					e.expectShare(got, t, 10, 2)
				}
				for _, l := range got {
					e.mustSettle(release(l))
				}
			}
		},
	},
	{
		"R11", "ManyTenantsEachComeOnce", "among a thousand partners some are passed over",
		isFair,
		func(e *env) {
			tenants := tenantNames(e.scale(1000, 100))
			var jobs []backends.Job
			for _, t := range tenants {
				jobs = append(jobs, job(t), job(t))
			}
			e.enqueue(jobs...)
			for t, n := range byTenant(e.claimTotal(e.request(16), len(tenants))) {
				if n != 1 {
					e.Fatalf("%s had %d turns in one round", t, n)
				}
			}
		},
	},
	{
		"R11", "RoundsAreEachQueuesOwn", "a flood in one queue delays its tenant in another, or pays for it there",
		all(isFair, queues),
		func(e *env) {
			e.enqueue(crowd(40, "zeta")...)
			e.claimTotal(e.request(1), 30)
			e.enqueueIn(otherQueue, crowd(20, "zeta")...)
			e.enqueueIn(otherQueue, crowd(20, "eta")...)
			got := e.claimTotal(e.requestIn(otherQueue, 1), 20)
			e.expectShare(got, "zeta", 10, 1)
		},
	},
}

// turnCases: how much a turn is worth.
var turnCases = []testCase{
	{
		"R11", "WeightIsJobsPerTurn", "a partner who pays for three shares gets one",
		isFair,
		func(e *env) {
			e.policy = &backends.Policy{Tenants: map[string]backends.Tenancy{"zeta": {Weight: 3}}}
			for _, t := range []string{"zeta", "eta", "theta"} {
				e.enqueue(crowd(100, t)...)
			}
			for _, n := range []int{1, 8} {
				got := e.claimTotal(e.request(n), 50)
				e.expectShare(got, "zeta", 30, 3)
				e.expectShare(got, "eta", 10, 2)
				e.expectShare(got, "theta", 10, 2)
			}
		},
	},
	{
		"R11", "NewTenantIsNotStarved", "a partner who was never here waits until the others caught up with its past",
		isFair,
		func(e *env) {
			for _, t := range []string{"zeta", "eta"} {
				e.enqueue(crowd(100, t)...)
			}
			e.claimTotal(e.request(1), 90)
			e.enqueue(crowd(20, "theta")...)
			got := e.claimTotal(e.request(1), 30)
			e.expectAll(got[:3], []string{"theta"})
			e.expectShare(got, "theta", 10, 1)
		},
	},
	{
		"R11", "IdleTimeGivesNoCredit", "a partner who slept all night shuts the others out in the morning",
		isFair,
		func(e *env) {
			e.enqueue(job("theta"))
			e.commit(e.claim())
			for _, t := range []string{"zeta", "eta"} {
				e.enqueue(crowd(100, t)...)
			}
			e.claimTotal(e.request(1), 90)
			e.enqueue(crowd(60, "theta")...)
			got := e.claimTotal(e.request(1), 30)
			e.expectShare(got, "theta", 10, 1)
			e.expectShare(got[:9], "theta", 3, 1)
		},
	},
	{
		"R11", "ShortVisitsGiveNoCredit", "a partner who comes with one job at a time gets more, or less, than its turn",
		isFair,
		func(e *env) {
			e.enqueue(crowd(100, "zeta")...)
			e.enqueue(crowd(100, "eta")...)
			e.enqueue(job("theta"))
			theta := 0
			for range 60 {
				l := e.claim()
				if l.Job.Tenant == "theta" {
					theta++
					e.enqueue(job("theta"))
				}
				e.commit(l)
			}
			if theta < 15 || theta > 30 {
				e.Fatalf("who always had one job waiting got %d of 60 claims, want about 20", theta)
			}
		},
	},
	{
		"R11", "RetriesTakeNoTurnOfOthers", "jobs that fail again and again take their tenant's neighbours' turns",
		isFair,
		func(e *env) {
			e.enqueue(crowd(5, flood)...)
			e.enqueue(crowd(20, "zeta")...)
			var got []*backends.Lease
			for range 30 {
				l := e.claim()
				got = append(got, l)
				if l.Job.Tenant == flood {
					e.mustSettle(retry(l, 0))
				} else {
					e.commit(l)
				}
			}
			e.expectShare(got, "zeta", 15, 2)
		},
	},
	{
		"R11", "CappedTenantKeepsItsTurn", "a tenant that was held back by its cap is forgotten, or catches up at the others' cost",
		all(isFair, sharesCaps),
		func(e *env) {
			e.policy = &backends.Policy{Tenants: map[string]backends.Tenancy{"zeta": {Cap: backends.Cap{InFlight: 1}}}}
			e.enqueue(crowd(100, "zeta")...)
			e.enqueue(crowd(100, "eta")...)
			held := e.claimTotal(e.request(1), 30)
			e.expectShare(held, "zeta", 1, 0)
			var got []*backends.Lease
			for _, l := range held {
				e.commit(l)
			}
			for range 30 {
				l := e.claim()
				got = append(got, l)
				e.commit(l)
			}
			e.expectShare(got, "zeta", 15, 1)
		},
	},
}
