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

// expectDuplicate expects that got says: there already, as first.
func (e *env) expectDuplicate(got, first backends.Enqueued) {
	e.Helper()
	first.Duplicate = true
	if got != first {
		e.Fatalf("got %+v, want %+v", got, first)
	}
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

// claimOwed expects a lease for announcing only.
func (e *env) claimOwed() *backends.Lease {
	e.Helper()
	l := e.claimBy(e.announcer())[0]
	if l.Outcome == nil {
		e.Fatalf("a handler would run the ended job once more: %+v", l)
	}
	return l
}

// tryClaim claims what is there within half a unit.
func (e *env) tryClaim(req backends.ClaimRequest) ([]*backends.Lease, error) {
	ctx, cancel := context.WithTimeout(e.Context(), e.unit/2)
	defer cancel()
	return e.B.Claim(ctx, req)
}

// claimNone expects that nothing can be claimed for half a unit.
func (e *env) claimNone(req backends.ClaimRequest) {
	e.Helper()
	leases, err := e.tryClaim(req)
	if len(leases) > 0 || !errors.Is(err, context.DeadlineExceeded) {
		e.Fatalf("Claim should find nothing: got %d leases, error %v", len(leases), err)
	}
}

// span is n units.
func (e *env) span(n float64) time.Duration { return time.Duration(n * float64(e.unit)) }

// requestFor is a request of one job for n units.
func (e *env) requestFor(n float64) backends.ClaimRequest {
	req := e.request(1)
	req.Lease = e.span(n)
	return req
}

// announcer is a request of one job by a worker that announces everything.
func (e *env) announcer() backends.ClaimRequest {
	req := e.request(1)
	req.CanAnnounce = backends.Event | backends.WriteBack
	return req
}

// claimFor expects exactly one job, leased for n units.
func (e *env) claimFor(n float64) *backends.Lease {
	e.Helper()
	return e.claimBy(e.requestFor(n))[0]
}

// claimMany claims until it has n leases.
func (e *env) claimMany(n int) []*backends.Lease {
	e.Helper()
	var all []*backends.Lease
	for len(all) < n {
		all = append(all, e.claimBy(e.request(n-len(all)))...)
	}
	return all
}

// start enqueues one job and claims it for n units.
func (e *env) start(n float64, edit ...func(*backends.Job)) *backends.Lease {
	e.Helper()
	e.enqueue(job("zeta", edit...))
	return e.claimFor(n)
}

// stolen is a job whose first holder fell silent: his lease, and the one that
// took it over.
func (e *env) stolen() (old, current *backends.Lease) {
	e.Helper()
	old = e.start(1)
	return old, e.claim()
}

// owing is a lease, for n units, of a job that has succeeded and still owes that.
func (e *env) owing(d backends.Debt, units float64) *backends.Lease {
	e.Helper()
	l := e.start(units)
	s := commitAs(l, backends.Succeeded)
	s.Result, s.Owes = []byte("plan"), d
	e.mustSettle(s)
	e.expect(e.extend(l, e.span(units)), nil) // the commit may have lengthened it
	return l
}

// expectJob expects that l is a lease of that job.
func (e *env) expectJob(l *backends.Lease, want backends.Job) {
	e.Helper()
	if l.Job.Ref != want.Ref {
		e.Fatalf("got job %v, want %v", l.Job.Ref, want.Ref)
	}
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

// expectErrs expects one outcome for each of several items.
func (e *env) expectErrs(got []error, want ...error) {
	e.Helper()
	if len(got) != len(want) {
		e.Fatalf("got %d outcomes (%v), want %d", len(got), got, len(want))
	}
	for i := range want {
		if !errors.Is(got[i], want[i]) {
			e.Fatalf("item %d: got error %v, want %v", i, got[i], want[i])
		}
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

// cancel cancels one job and returns the outcome.
func (e *env) cancel(ref backends.Ref) error {
	e.Helper()
	errs, err := e.operator().Cancel(e.Context(), []backends.Ref{ref})
	if err != nil {
		e.Fatalf("Cancel: %v", err)
	}
	return first(errs)
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
