package backendtest

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/leat-go/leat/backends"
)

// refusesClaim expects that a claim is refused at once.
func (e *env) refusesClaim(what string, req backends.ClaimRequest) {
	e.Helper()
	leases, err := e.B.Claim(e.timeout(2), req)
	if leases != nil || !errors.Is(err, backends.ErrInvalid) {
		e.Fatalf("%s: %d leases, error %v", what, len(leases), err)
	}
}

// badClaimCases: what workers ask for that makes no sense.
var badClaimCases = []testCase{
	{
		"R8", "BadClaimsAreRefused", "a worker that is set up wrong takes jobs that it can't hold",
		nil,
		func(e *env) {
			e.enqueue(job("zeta"))
			for what, edit := range map[string]func(*backends.ClaimRequest){
				"max 0": func(r *backends.ClaimRequest) { r.Max = 0 }, "max -1": func(r *backends.ClaimRequest) { r.Max = -1 },
				"no lease": func(r *backends.ClaimRequest) { r.Lease = 0 }, "negative lease": func(r *backends.ClaimRequest) { r.Lease = -time.Second },
				"absurd lease": func(r *backends.ClaimRequest) { r.Lease = math.MaxInt64 }, "grace": func(r *backends.ClaimRequest) { r.Grace = -1 },
				"run limit":               func(r *backends.ClaimRequest) { r.RunLimit = -1 },
				"resource without a name": func(r *backends.ClaimRequest) { r.Resources = []backends.Resource{{}} },
				"resource with NUL":       func(r *backends.ClaimRequest) { r.Resources = []backends.Resource{{Name: "\x00"}} },
				"cap of a resource": func(r *backends.ClaimRequest) {
					r.Resources = []backends.Resource{{Name: "db", Cap: backends.Cap{InFlight: -1}}}
				},
				"longer than MaxLease": func(r *backends.ClaimRequest) { r.Lease = longerThan(e.f.MaxLease) },
			} {
				req := e.request(1)
				edit(&req)
				e.refusesClaim(what, req)
			}
			if l := e.claim(); e.f.Records && l.Attempt != 1 {
				e.Fatalf("a refused claim counted: attempt %d", l.Attempt)
			}
		},
	},
	{
		"R11", "BadPoliciesAreRefused", "a mistyped limit stops a queue, and nobody knows why",
		nil,
		func(e *env) {
			for what, p := range map[string]backends.Policy{
				"backlog": {Backlog: -1}, "attempts": {MaxAttempts: -1}, "crashes": {MaxCrashes: -1}, "overflown crashes": {MaxCrashes: 1 << 16},
				"keep": {Keep: -1}, "unknown": {UnknownAfter: -1}, "long unknown": {UnknownAfter: math.MaxInt64},
				"retention": {Retention: math.MaxInt64}, "retention of the dead": {DeadRetention: math.MaxInt64},
				"write-back by all": {Owes: backends.WriteBack}, "debt 4": {Owes: 4},
				"in flight": {Cap: backends.Cap{InFlight: -1}}, "rate": {Cap: backends.Cap{Rate: -1}}, "NaN": {Cap: backends.Cap{Rate: math.NaN()}},
				"infinite": {Cap: backends.Cap{Rate: math.Inf(1)}}, "burst": {Cap: backends.Cap{Burst: -1}},
				"weight": {Tenant: backends.Tenancy{Weight: -1}}, "backlog of a tenant": {Tenant: backends.Tenancy{Backlog: -1}},
				"one tenant": {Tenants: map[string]backends.Tenancy{"zeta": {Cap: backends.Cap{Rate: -1}}}},
			} {
				p.Version = 1
				out, err := e.B.Enqueue(e.Context(), backends.EnqueueRequest{Queue: theQueue, Policy: &p, Jobs: []backends.Job{job("zeta")}})
				if out != nil || !errors.Is(err, backends.ErrInvalid) {
					e.Fatalf("Enqueue with %s: %v, error %v", what, out, err)
				}
				req := e.request(1)
				req.Policy = &p
				e.refusesClaim(what, req)
			}
			e.claimNone(e.request(1))
			e.accepts("after all that", job("zeta"))
		},
	},
	{
		"R10", "OddKindsDoNoHarm", "a worker with one mistyped kind gets nothing at all",
		kinds,
		func(e *env) {
			j := job("zeta")
			e.enqueue(j)
			for _, kind := range append(slices.Clone(oddNames), badNames(true)...) {
				req := e.request(1)
				req.Kinds = []string{kind}
				if leases, err := e.tryClaim(req); len(leases) > 0 || !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, backends.ErrInvalid) {
					e.Fatalf("kind %q: %d leases, error %v", kind, len(leases), err)
				}
			}
			req := e.request(1)
			req.Kinds = append(slices.Clone(oddNames), theKind)
			e.expectJob(e.claimBy(req)[0], j)
		},
	},
	{
		"R1", "BadRefsFindNothing", "a URL typed by hand breaks the page behind it",
		records,
		func(e *env) {
			e.enqueue(job("zeta"))
			for _, name := range badNames(true) {
				for _, ref := range []backends.Ref{{ID: name}, {Tenant: name, ID: "x"}, {Tenant: "zeta", ID: name}} {
					r, err := e.B.Lookup(e.timeout(1), ref, 1)
					if r != nil || !errors.Is(err, backends.ErrNotFound) && !errors.Is(err, backends.ErrInvalid) {
						e.Fatalf("Lookup of %.40q: %v, error %v", ref, r, err)
					}
				}
			}
		},
	},
}
