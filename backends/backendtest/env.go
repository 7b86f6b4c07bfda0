package backendtest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/leat-go/leat/backends"
)

// The names that cases use unless they need others.
const (
	theQueue = "whatif"
	theKind  = "optimise"
)

// env is what a case works with: one Backend, and verbs that fail the test
// where the case expects them to succeed.
type env struct {
	*testing.T
	h      Harness
	B      backends.Backend
	f      backends.Features
	unit   time.Duration
	policy *backends.Policy
}

// job makes a valid job with a fresh id; edit changes it.
func job(tenant string, edit ...func(*backends.Job)) backends.Job {
	j := backends.Job{
		Ref:     backends.Ref{Tenant: tenant, ID: uuid.NewString()},
		Kind:    theKind,
		Payload: []byte(`{"sku":"22423"}`),
	}
	for _, f := range edit {
		f(&j)
	}
	return j
}

// enqueue creates jobs and expects that each is new and well.
func (e *env) enqueue(jobs ...backends.Job) []backends.Enqueued {
	e.Helper()
	out := e.tryEnqueue(jobs...)
	for i, o := range out {
		if o.Err != nil || o.Duplicate {
			e.Fatalf("Enqueue of job %d: %+v", i, o)
		}
	}
	return out
}

// tryEnqueue creates jobs and expects only that the call as a whole is well.
func (e *env) tryEnqueue(jobs ...backends.Job) []backends.Enqueued {
	e.Helper()
	out, err := e.B.Enqueue(e.Context(), backends.EnqueueRequest{Queue: theQueue, Policy: e.policy, Jobs: jobs})
	if err != nil {
		e.Fatalf("Enqueue: %v", err)
	}
	if len(out) != len(jobs) {
		e.Fatalf("Enqueue of %d jobs gave %d outcomes", len(jobs), len(out))
	}
	return out
}

// request is a claim of up to n jobs for ten units, by a worker that announces
// nothing.
func (e *env) request(n int) backends.ClaimRequest {
	return backends.ClaimRequest{Queue: theQueue, Policy: e.policy, Max: n, Lease: 10 * e.unit}
}

// claim expects exactly one job.
func (e *env) claim() *backends.Lease {
	e.Helper()
	return e.claimBy(e.request(1))[0]
}

// claimBy expects at least one lease within 60 units.
func (e *env) claimBy(req backends.ClaimRequest) []*backends.Lease {
	e.Helper()
	ctx, cancel := context.WithTimeout(e.Context(), 60*e.unit)
	defer cancel()
	leases, err := e.B.Claim(ctx, req)
	if err != nil {
		e.Fatalf("Claim: %v", err)
	}
	if len(leases) == 0 || len(leases) > req.Max {
		e.Fatalf("Claim of %d gave %d leases", req.Max, len(leases))
	}
	return leases
}

// claimNone expects that nothing can be claimed for half a unit.
func (e *env) claimNone(req backends.ClaimRequest) {
	e.Helper()
	ctx, cancel := context.WithTimeout(e.Context(), e.unit/2)
	defer cancel()
	leases, err := e.B.Claim(ctx, req)
	if len(leases) > 0 || !errors.Is(err, context.DeadlineExceeded) {
		e.Fatalf("Claim should find nothing: got %d leases, error %v", len(leases), err)
	}
}

// settle settles one lease and returns its outcome.
func (e *env) settle(s backends.Settlement) error {
	e.Helper()
	errs, err := e.B.Settle(e.Context(), []backends.Settlement{s})
	if err != nil {
		e.Fatalf("Settle: %v", err)
	}
	return first(errs)
}

// commit ends a lease as succeeded and expects that it is well.
func (e *env) commit(l *backends.Lease) {
	e.Helper()
	e.mustSettle(backends.Settlement{Lease: l, Verb: backends.Commit, Outcome: backends.Succeeded})
}

func (e *env) mustSettle(s backends.Settlement) {
	e.Helper()
	if err := e.settle(s); err != nil {
		e.Fatalf("%v: %v", s.Verb, err)
	}
}

// extend renews one lease for d and returns its outcome.
func (e *env) extend(l *backends.Lease, d time.Duration) error {
	e.Helper()
	errs, err := e.B.Extend(e.Context(), d, []backends.Beat{{Lease: l}})
	if err != nil {
		e.Fatalf("Extend: %v", err)
	}
	return first(errs)
}

// lookup expects that the record is there.
func (e *env) lookup(ref backends.Ref) *backends.Record {
	e.Helper()
	r, err := e.B.Lookup(e.Context(), ref, 0)
	if err != nil {
		e.Fatalf("Lookup: %v", err)
	}
	return r
}

// expectState expects that the record is in that state.
func (e *env) expectState(ref backends.Ref, want backends.State) *backends.Record {
	e.Helper()
	r := e.lookup(ref)
	if r.State != want {
		e.Fatalf("job is %v, want %v", r.State, want)
	}
	return r
}

// expect expects err to match want; a nil want expects none.
func (e *env) expect(err, want error) {
	e.Helper()
	if !errors.Is(err, want) {
		e.Fatalf("got error %v, want %v", err, want)
	}
}

// pass lets n units of time go by: for spans in which nothing may happen. To
// wait for something, block in Claim or Lookup.
func (e *env) pass(n float64) {
	select {
	case <-time.After(time.Duration(n * float64(e.unit))):
	case <-e.Context().Done():
	}
}

// operator is the Operator of the Backend.
func (e *env) operator() backends.Operator {
	e.Helper()
	op, ok := backends.As[backends.Operator](e.B)
	if !ok {
		e.Skipf("%s has no Operator", e.f.Name)
	}
	return op
}

// first is the outcome of a call with one item.
func first(errs []error) error {
	if len(errs) == 0 {
		return nil
	}
	return errs[0]
}

func records(f backends.Features) bool { return f.Records }
