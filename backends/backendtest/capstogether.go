package backendtest

import "github.com/leat-go/leat/backends"

var capTogetherCases = []testCase{
	{
		"R11", "CapOfATenantSparesOthers", "a tenant at its limit holds up everybody behind it",
		sharesCaps,
		func(e *env) {
			e.policy = &backends.Policy{Tenants: map[string]backends.Tenancy{"zeta": {Cap: backends.Cap{InFlight: 1}}}}
			e.enqueue(crowd(30, "zeta")...)
			e.enqueue(crowd(3, "eta")...)
			got := byTenant(e.claimRest(e.request(2)))
			if got["zeta"] != 1 || got["eta"] != 3 {
				e.Fatalf("claimed %v, want 1 of zeta and 3 of eta", got)
			}
		},
	},
	{
		"R11", "CapOfATenantIsReplacedWhole", "an exception for one tenant keeps limits of the rule that it replaces",
		sharesCaps,
		func(e *env) {
			e.policy = &backends.Policy{
				Tenant:  backends.Tenancy{Cap: backends.Cap{InFlight: 1}},
				Tenants: map[string]backends.Tenancy{"zeta": {Weight: 2}},
			}
			e.enqueue(crowd(4, "zeta")...)
			e.enqueue(crowd(4, "eta")...)
			got := byTenant(e.claimRest(e.request(10)))
			if got["zeta"] != 4 || got["eta"] != 1 {
				e.Fatalf("claimed %v, want all 4 of zeta and 1 of eta", got)
			}
		},
	},
	{
		"R11", "CapsHoldTogether", "of two limits only one is kept",
		sharesCaps,
		func(e *env) {
			e.policy = &backends.Policy{
				Cap:    backends.Cap{InFlight: 3},
				Tenant: backends.Tenancy{Cap: backends.Cap{InFlight: 2}},
			}
			e.enqueue(crowd(5, "zeta")...)
			if got := e.claimRest(e.request(10)); len(got) != 2 {
				e.Fatalf("%d jobs of one tenant run, its cap is 2", len(got))
			}
			e.enqueue(crowd(5, "eta")...)
			if got := e.claimRest(e.request(10)); len(got) != 1 {
				e.Fatalf("%d more jobs run, the queue's cap has room for 1", len(got))
			}
		},
	},
	{
		"R11", "RateOfATenantSparesOthers", "a tenant that waits for a token holds up everybody behind it",
		sharesCaps,
		func(e *env) {
			slow := backends.Cap{Rate: 1 / e.span(100).Seconds(), Burst: 1}
			e.policy = &backends.Policy{Tenants: map[string]backends.Tenancy{"zeta": {Cap: slow}}}
			e.enqueue(crowd(10, "zeta")...)
			e.enqueue(crowd(5, "eta")...)
			got := byTenant(e.claimRest(e.request(3)))
			if got["zeta"] != 1 || got["eta"] != 5 {
				e.Fatalf("claimed %v, want 1 of zeta and 5 of eta", got)
			}
		},
	},
	{
		"R11", "RenewedAfterLapseCountsAgain", "a holder that was slow once runs beside the cap from then on",
		sharesCaps,
		func(e *env) {
			e.policy = &backends.Policy{Cap: backends.Cap{InFlight: 2}}
			e.enqueue(job("zeta"))
			slow := e.claimFor(1)
			e.pass(1.5)
			e.expect(e.extend(slow, e.span(100)), nil) // nobody took it
			e.enqueue(crowd(3, "zeta")...)
			if got := e.claimRest(e.request(5)); len(got) != 1 {
				e.Fatalf("%d jobs run beside the renewed one under a cap of 2", len(got))
			}
			e.commit(slow)
			e.claim()
			e.claimNone(e.request(1))
		},
	},
	{
		"R11", "RaisedCapWakesABlockedClaim", "after a deploy that raises a limit workers sleep until something else happens",
		sharesCaps,
		func(e *env) {
			e.policy = &backends.Policy{Version: 1, Cap: backends.Cap{InFlight: 1}}
			e.enqueue(crowd(2, "zeta")...)
			e.claim()
			blocked := e.blocked(e.request(1))
			e.policy = &backends.Policy{Version: 2, Cap: backends.Cap{InFlight: 2}}
			e.enqueue(job("zeta", dueIn(e.span(100)))) // brings the new policy
			e.wakes(blocked)
		},
	},
	{
		"R11", "CapOfAnotherQueueIsItsOwn", "one queue's limit stops another queue",
		all(sharesCaps, queues),
		func(e *env) {
			e.policy = &backends.Policy{Cap: backends.Cap{InFlight: 1}}
			e.enqueue(crowd(2, "zeta")...)
			e.claim()
			e.enqueueIn(otherQueue, crowd(1, "zeta")...)
			e.claimBy(e.requestIn(otherQueue, 1))
		},
	},
}

// resource is a request under a cap of theResource.
func (e *env) resource(queue string, version, inFlight int) backends.ClaimRequest {
	req := e.requestIn(queue, 10)
	req.Resources = []backends.Resource{{Name: theResource, Version: version, Cap: backends.Cap{InFlight: inFlight}}}
	return req
}

var resourceCases = []testCase{
	{
		"R11", "ResourceSparesOtherJobsOfTheTenant", "jobs that need a busy resource hold up jobs of the same tenant that don't",
		sharesCaps,
		func(e *env) {
			e.enqueue(crowd(20, "zeta", using(theResource))...)
			free := crowd(2, "zeta", using("idle"))
			e.enqueue(free...)
			got := e.claimRest(e.resource(theQueue, 1, 1))
			if len(got) != 3 || !has(got, free[0].Ref) || !has(got, free[1].Ref) {
				e.Fatalf("claimed %d jobs, want 1 of the busy resource and 2 others", len(got))
			}
		},
	},
	{
		"R11", "ResourceIsSharedByQueues", "two queues together overload the database that each alone spares",
		all(sharesCaps, queues),
		func(e *env) {
			e.enqueue(job("zeta", using(theResource)))
			e.enqueueIn(otherQueue, job("eta", using(theResource)))
			l := e.claimBy(e.resource(theQueue, 1, 1))[0]
			blocked := e.blocked(e.resource(otherQueue, 1, 1))
			e.commit(l)
			e.wakes(blocked)
		},
	},
	{
		"R11", "ResourceRateIsSharedByQueues", "two queues together exceed the rate that each alone keeps",
		all(sharesCaps, queues),
		func(e *env) {
			slow := backends.Cap{Rate: 1 / e.span(4).Seconds(), Burst: 1}
			resources := []backends.Resource{{Name: theResource, Cap: slow}}
			e.enqueue(job("zeta", using(theResource)))
			e.enqueueIn(otherQueue, job("eta", using(theResource)))
			here, there := e.request(1), e.requestIn(otherQueue, 1)
			here.Resources, there.Resources = resources, resources
			start := e.claimBy(here)[0].Until
			if waited := e.claimBy(there)[0].Until.Sub(start); waited < e.span(3.9) {
				e.Fatalf("the other queue's claim came after %v, the token after %v", waited, e.span(4))
			}
		},
	},
	{
		"R11", "ResourceKeepsTheNewestVersion", "an old binary undoes a limit that the new one set",
		sharesCaps,
		func(e *env) {
			e.enqueue(crowd(8, "zeta", using(theResource))...)
			running := len(e.claimRest(e.resource(theQueue, 2, 2)))
			for _, stale := range []backends.ClaimRequest{
				e.resource(theQueue, 1, 5), e.resource(theQueue, 2, 5), e.request(10),
			} {
				running += len(e.claimRest(stale))
			}
			if running != 2 {
				e.Fatalf("%d jobs run, version 2 allows 2", running)
			}
			if more := e.claimRest(e.resource(theQueue, 3, 3)); len(more) != 1 {
				e.Fatalf("%d more jobs run, version 3 has room for 1", len(more))
			}
		},
	},
	{
		"R11", "ResourceWithoutCapIsUnlimited", "a job that names what nobody bounded never starts",
		sharesCaps,
		func(e *env) {
			e.enqueue(crowd(4, "zeta", using("never-heard-of"))...)
			if got := e.claimRest(e.resource(theQueue, 1, 1)); len(got) != 4 {
				e.Fatalf("claimed %d of 4 jobs", len(got))
			}
		},
	},
}
