package backendtest

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/leat-go/leat/backends"
)

var capCases = slices.Concat(capsOf("Queue"), capsOf("Tenant"), capsOf("Resource"), capTogetherCases, resourceCases)

// theResource is what a Resource cap of the cases bounds.
const theResource = "the-small-database"

// capped bounds one scope and returns a request under that cap.
func (e *env) capped(scope string, c backends.Cap) backends.ClaimRequest {
	e.policy = &backends.Policy{Version: 1}
	switch scope {
	case "Queue":
		e.policy.Cap = c
	case "Tenant":
		e.policy.Tenant.Cap = c
	}
	req := e.request(1)
	if scope == "Resource" {
		req.Resources = []backends.Resource{{Name: theResource, Version: 1, Cap: c}}
	}
	return req
}

// capsOf are the cases that hold for each scope alike: one tenant, one queue,
// one resource, of which one is bounded.
func capsOf(scope string) []testCase {
	var cases []testCase
	for _, c := range []struct {
		name, why string
		needs     func(backends.Features) bool
		run       func(e *env, scope string)
	}{
		{"CapBoundsWhatRuns", "a burst starts more jobs than the database behind them bears", sharesCaps, (*env).capBoundsWhatRuns},
		{"CapOfOneLetsARescueIn", "a crashed holder of the only slot blocks its own rescue, and the queue stands still for ever", sharesCaps, (*env).capOfOneLetsARescueIn},
		{"CapLapseWakesABlockedClaim", "rescue under a cap waits for the next enqueue instead of the end of the lease", sharesCaps, (*env).capLapseWakesABlockedClaim},
		{"CapIsFreedByARaise", "a raised limit takes effect only when something else happens", sharesCaps, (*env).capIsFreedByARaise},
		{"RateIsATokenBucket", "claims come faster than the rate, or the rate is left unused while jobs wait", sharesCaps, (*env).tokenBucket},
		{"RateWakesABlockedClaim", "a claim that waits for a token sleeps on, and the rate is lost", sharesCaps, (*env).rateWakesABlockedClaim},
		{"RateOfNextToNothingIsHeld", "a rate so low that its wait overflows is none, or has the store spin", sharesCaps, (*env).rateOfNextToNothingIsHeld},
		{"CapHoldsForOtherProcesses", "every process that is started runs as many more as the limit says", all(sharesCaps, isShared), (*env).capHoldsElsewhere},
		{"RateHoldsForOtherProcesses", "every process that is started brings the rate once more", all(sharesCaps, isShared), (*env).rateHoldsElsewhere},
		{"CapSparesAnnouncing", "a full cap holds back the events of jobs that have ended", all(sharesCaps, records), (*env).capSparesAnnouncing},
	} {
		cases = append(cases, testCase{"R11", scope + c.name, c.why, c.needs, func(e *env) { c.run(e, scope) }})
	}
	for _, way := range waysToFree {
		cases = append(cases, testCase{
			"R11", scope + "CapIsFreedBy" + way.name, "slots leak, and the queue slows down until it stands still",
			sharesCaps,
			func(e *env) { e.capIsFreed(scope, way) },
		})
	}
	return cases
}

func (e *env) capBoundsWhatRuns(scope string) {
	req := e.capped(scope, backends.Cap{InFlight: 3})
	e.enqueue(crowd(8, "zeta", using(theResource))...)
	req.Max = 10
	if got := e.claimRest(req); len(got) != 3 {
		e.Fatalf("%d jobs run under a cap of 3", len(got))
	}
}

func (e *env) capOfOneLetsARescueIn(scope string) {
	req := e.capped(scope, backends.Cap{InFlight: 1})
	req.Lease = e.unit
	e.enqueue(crowd(2, "zeta", using(theResource))...)
	crashed := e.claimBy(req)[0]
	e.pass(1.5)
	req.Lease, req.Max = 10*e.unit, 5
	runs := map[backends.Ref]int{}
	for range 2 {
		leases := e.claimRest(req)
		if len(leases) != 1 {
			e.Fatalf("%d jobs run under a cap of 1", len(leases))
		}
		runs[leases[0].Job.Ref] += leases[0].Crashes + 1
		e.commit(leases[0])
	}
	if len(runs) != 2 || runs[crashed.Job.Ref] != 2 {
		e.Fatalf("after the crash of %v these ran: %v", crashed.Job.Ref, runs)
	}
}

func (e *env) capLapseWakesABlockedClaim(scope string) {
	req := e.capped(scope, backends.Cap{InFlight: 1})
	req.Lease = e.unit
	e.enqueue(crowd(2, "zeta", using(theResource))...)
	e.claimBy(req)
	e.wakes(e.blocked(req))
}

func (e *env) capIsFreedByARaise(scope string) {
	req := e.capped(scope, backends.Cap{InFlight: 1})
	e.enqueue(crowd(4, "zeta", using(theResource))...)
	e.claimBy(req)
	e.claimNone(req)
	raised := e.capped(scope, backends.Cap{InFlight: 3})
	e.policy.Version = 2
	for i := range raised.Resources {
		raised.Resources[i].Version = 2
	}
	raised.Max = 5
	if got := e.claimRest(raised); len(got) != 2 {
		e.Fatalf("%d more jobs run after the cap rose from 1 to 3", len(got))
	}
}

func (e *env) rateWakesABlockedClaim(scope string) {
	req := e.capped(scope, backends.Cap{Rate: 1 / e.span(4).Seconds(), Burst: 1})
	e.enqueue(crowd(2, "zeta", using(theResource))...)
	start := e.claimBy(req)[0].Until
	waited := e.claimBy(req)[0].Until.Sub(start)
	if waited < e.span(3.9) || waited > e.span(5) {
		e.Fatalf("the second claim came after %v, the token after %v", waited, e.span(4))
	}
}

func (e *env) rateOfNextToNothingIsHeld(scope string) {
	for i, rate := range [...]float64{1e-8, 1e-12, math.SmallestNonzeroFloat64} {
		req := e.capped(scope, backends.Cap{Rate: rate, Burst: 1})
		e.policy.Version += i
		if scope == "Resource" {
			req.Resources[0].Version += i
		}
		e.enqueue(job("zeta", using(theResource)), job("zeta", using(theResource)))
		if i == 0 {
			e.commit(e.claimBy(req)[0])
		}
		_, err := e.B.Claim(e.timeout(3), req)
		e.expect(err, context.DeadlineExceeded)
	}
}

func (e *env) capHoldsElsewhere(scope string) {
	req := e.capped(scope, backends.Cap{InFlight: 3})
	e.enqueue(crowd(8, "zeta", using(theResource))...)
	two := req
	two.Max = 2
	held := e.claimBy(two)
	back := e.elsewhere()
	if got := e.claimRest(req); len(got) != 1 {
		e.Fatalf("beside the 2 of another process %d jobs run under a cap of 3", len(got))
	}
	blocked := e.blocked(req)
	back()
	e.commit(held[0])
	e.wakes(blocked)
}

func (e *env) rateHoldsElsewhere(scope string) {
	req := e.capped(scope, backends.Cap{Rate: 1 / e.span(4).Seconds(), Burst: 1})
	e.enqueue(crowd(2, "zeta", using(theResource))...)
	start := e.claimBy(req)[0].Until
	defer e.elsewhere()()
	if waited := e.claimBy(req)[0].Until.Sub(start); waited < e.span(3.9) {
		e.Fatalf("the other process's claim came after %v, the token after %v", waited, e.span(4))
	}
}

func (e *env) capSparesAnnouncing(scope string) {
	req := e.capped(scope, backends.Cap{InFlight: 1, Rate: 1 / e.span(1000).Seconds(), Burst: 2})
	e.policy.Owes = backends.Event
	e.enqueue(crowd(2, "zeta", using(theResource))...)
	l := e.claimBy(req)[0]
	e.commit(l)
	e.mustSettle(release(l))
	e.claimBy(req) // the slot and the rate are used up
	req.Max, req.CanAnnounce = 5, backends.Event
	if got := e.claimBy(req); len(got) != 1 || got[0].Outcome == nil {
		e.Fatalf("got %d leases, the first %+v: want one for announcing", len(got), got[0])
	}
}

// waysToFree are the settlements that end a run. One that leaves an event owed
// keeps the lease, but not the slot: announcing is not capped.
var waysToFree = []wayToFree{
	{"Commit", backends.Commit, 0},
	{"CommitThatOwes", backends.Commit, backends.Event},
	{"Retry", backends.Retry, 0},
	{"Snooze", backends.Snooze, 0},
	{"Release", backends.Release, 0},
}

type wayToFree struct {
	name string
	verb backends.Verb
	owes backends.Debt
}

func (e *env) capIsFreed(scope string, way wayToFree) {
	req := e.capped(scope, backends.Cap{InFlight: 1})
	e.policy.Owes = way.owes
	e.enqueue(crowd(2, "zeta", using(theResource))...)
	l := e.claimBy(req)[0]
	blocked := e.blocked(req)
	s := backends.Settlement{Lease: l, Verb: way.verb}
	switch way.verb {
	case backends.Commit:
		s.Outcome = backends.Succeeded
	case backends.Retry, backends.Snooze:
		s.Delay = e.span(100) // longer than the other job waits
	}
	e.mustSettle(s)
	e.wakes(blocked)
}

// The bucket that the cases hold claims against.
const (
	ratePerUnit = 4
	burst       = 6
)

// tokenBucket claims for five units from more jobs than the rate allows, lets
// the bucket fill and overflow, and claims for five units more.
func (e *env) tokenBucket(scope string) {
	c := backends.Cap{Rate: ratePerUnit / e.unit.Seconds(), Burst: burst}
	req := e.capped(scope, c)
	e.enqueue(crowd(100, "zeta", using(theResource))...)

	all := e.claimSteadily(req, 5)
	e.pass(4)
	all = append(all, e.claimSteadily(req, 5)...)
	for i := range all {
		for j := i; j < len(all); j++ {
			window := all[j].Sub(all[i])
			if most := burst + c.Rate*window.Seconds(); float64(j-i+1) > most+0.1 {
				e.Fatalf("%d claims within %v, at most %.1f are allowed", j-i+1, window, most)
			}
		}
	}
}

// claimSteadily claims for so many units, one and many at a time, and returns
// when the leases began by the store's clock. A full bucket must be used up.
func (e *env) claimSteadily(req backends.ClaimRequest, units float64) []time.Time {
	e.Helper()
	var at []time.Time
	for n := 0; len(at) == 0 || at[len(at)-1].Sub(at[0]) < e.span(units); n++ {
		req.Max = 1 + n%3
		for _, l := range e.claimBy(req) {
			at = append(at, l.Until.Add(-req.Lease))
			e.commit(l)
		}
	}
	if least := burst + ratePerUnit*int(units) - 1; e.h.Virtual && len(at) < least {
		e.Fatalf("%d claims within %v units, the bucket held at least %d", len(at), units, least)
	}
	return at
}
