package backendtest

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/leat-go/leat/backends"
)

// The scenes that several files set up: crowds of jobs, claimers that block,
// holders that crash, ends of every kind.

// otherQueue is a second queue of the same store.
const otherQueue = "nightly"

// scale is many where waiting is free, else few.
func (e *env) scale(many, few int) int {
	if e.h.Virtual {
		return many
	}
	return few
}

// crowd makes n jobs of one tenant.
func crowd(n int, tenant string, edit ...func(*backends.Job)) []backends.Job {
	jobs := make([]backends.Job, n)
	for i := range jobs {
		jobs[i] = job(tenant, edit...)
	}
	return jobs
}

// refsOf lists the refs of jobs.
func refsOf(jobs []backends.Job) []backends.Ref {
	refs := make([]backends.Ref, len(jobs))
	for i := range jobs {
		refs[i] = jobs[i].Ref
	}
	return refs
}

// dueIn makes a job wait for d first.
func dueIn(d time.Duration) func(*backends.Job) {
	return func(j *backends.Job) { j.Delay = d }
}

// expiring gives a job a deadline.
func expiring(d time.Duration) func(*backends.Job) {
	return func(j *backends.Job) { j.Expiry = d }
}

// inPlace makes a job compete for a place (R13).
func inPlace(key string) func(*backends.Job) {
	return func(j *backends.Job) { j.Supersede = key }
}

// trailing is inPlace that lets a running one finish.
func trailing(key string) func(*backends.Job) {
	return func(j *backends.Job) { j.Supersede, j.Trailing = key, true }
}

// using makes a job use up a resource.
func using(resource string) func(*backends.Job) {
	return func(j *backends.Job) { j.Resource = resource }
}

// enqueueIn creates jobs in another queue than the usual one.
func (e *env) enqueueIn(queue string, jobs ...backends.Job) {
	e.Helper()
	out, err := e.B.Enqueue(e.Context(), backends.EnqueueRequest{Queue: queue, Policy: e.policy, Jobs: jobs})
	if err != nil {
		e.Fatalf("Enqueue: %v", err)
	}
	for i, o := range out {
		if o.Err != nil || o.Duplicate {
			e.Fatalf("Enqueue of job %d: %+v", i, o)
		}
	}
}

// requestIn is request for another queue.
func (e *env) requestIn(queue string, n int) backends.ClaimRequest {
	req := e.request(n)
	req.Queue = queue
	return req
}

// announcing is request by a worker that announces everything.
func (e *env) announcing(n int) backends.ClaimRequest {
	req := e.announcer()
	req.Max = n
	return req
}

// crash claims one job and lets its lease lapse.
func (e *env) crash() *backends.Lease {
	e.Helper()
	l := e.claimFor(1)
	e.pass(1.5)
	return l
}

// claimTotal claims n jobs, at most req.Max at a time.
func (e *env) claimTotal(req backends.ClaimRequest, n int) []*backends.Lease {
	e.Helper()
	most := req.Max
	var all []*backends.Lease
	for len(all) < n {
		req.Max = min(most, n-len(all))
		all = append(all, e.claimBy(req)...)
	}
	return all
}

// claimRest claims until nothing is left to claim.
func (e *env) claimRest(req backends.ClaimRequest) []*backends.Lease {
	e.Helper()
	var all []*backends.Lease
	for {
		leases, err := e.tryClaim(req)
		if err != nil {
			e.expect(err, context.DeadlineExceeded)
			return all
		}
		all = append(all, leases...)
	}
}

// claimThe expects that the next job is that one.
func (e *env) claimThe(ref backends.Ref) *backends.Lease {
	e.Helper()
	l := e.claim()
	if l.Job.Ref != ref {
		e.Fatalf("claimed %v, want %v", l.Job.Ref, ref)
	}
	return l
}

// blocked starts a Claim in the background and expects that it blocks.
func (e *env) blocked(req backends.ClaimRequest) <-chan claimed {
	e.Helper()
	c := e.claiming(e.Context(), req)
	e.stillBlocked(c)
	return c
}

// stillBlocked expects that a Claim in the background got nothing yet.
func (e *env) stillBlocked(c <-chan claimed) {
	e.Helper()
	e.rest()
	select {
	case got := <-c:
		e.Fatalf("Claim should block: got %d leases, error %v", len(got.leases), got.err)
	default:
	}
}

// wakes expects that a Claim in the background gets one lease, within two units
// where the Backend is prompt.
func (e *env) wakes(c <-chan claimed) *backends.Lease {
	e.Helper()
	patience := 60.0
	if e.f.Prompt {
		patience = 2
	}
	select {
	case got := <-c:
		if got.err != nil || len(got.leases) != 1 {
			e.Fatalf("Claim gave %d leases, error %v; want one", len(got.leases), got.err)
		}
		return got.leases[0]
	case <-time.After(e.span(patience)):
		e.Fatalf("blocked Claim was not woken within %v units", patience)
		return nil
	}
}

// pool runs n workers of one slot until stop is called, or the case ends.
func (e *env) pool(n int, req backends.ClaimRequest, work func(slot int, l *backends.Lease)) (stop func()) {
	ctx, cancel := context.WithCancel(e.Context())
	req.Max = 1
	var workers sync.WaitGroup
	for slot := range n {
		workers.Go(func() {
			for ctx.Err() == nil {
				leases, err := e.B.Claim(ctx, req)
				if err != nil && !errors.Is(err, context.Canceled) {
					e.Errorf("Claim: %v", err)
					return
				}
				for _, l := range leases {
					work(slot, l)
				}
			}
		})
	}
	stop = func() { cancel(); workers.Wait() }
	e.Cleanup(stop)
	return stop
}

// attempt settles one lease in a goroutine of a pool, where no test may fail
// at once.
func (e *env) attempt(s backends.Settlement) error {
	errs, err := e.B.Settle(context.WithoutCancel(e.Context()), []backends.Settlement{s})
	return cmp.Or(err, first(errs))
}

// elsewhere goes on as another process would, until back is called.
func (e *env) elsewhere() (back func()) {
	here, there := e.B, e.h.Again(e.T, e.B)
	e.Cleanup(func() { e.expect(there.Close(), nil) })
	e.B = there
	return func() { e.B = here }
}

// end commits an end and expects that it is well.
func (e *env) end(l *backends.Lease, s backends.State) {
	e.Helper()
	c := commitAs(l, s)
	if s == backends.Dead {
		c.Error = "boom"
	}
	e.mustSettle(c)
}

// ended makes one job and brings it to that end.
func (e *env) ended(s backends.State, tenant string, edit ...func(*backends.Job)) backends.Ref {
	e.Helper()
	j := job(tenant, edit...)
	e.enqueue(j)
	e.end(e.claimThe(j.Ref), s)
	return j.Ref
}

// settleAs settles l by verb: a commit succeeds, a wait is of one unit.
func (e *env) settleAs(l *backends.Lease, v backends.Verb) error {
	e.Helper()
	s := backends.Settlement{Lease: l, Verb: v}
	switch v {
	case backends.Commit:
		s.Outcome, s.Result = backends.Succeeded, []byte("result")
	case backends.Retry, backends.Snooze:
		s.Delay = e.unit
	}
	return e.settle(s)
}

// mustCancel cancels jobs and expects that it is well.
func (e *env) mustCancel(refs ...backends.Ref) {
	e.Helper()
	errs, err := e.operator().Cancel(e.Context(), refs)
	e.expect(errors.Join(append(errs, err)...), nil)
}

// expectGone expects that there is no record.
func (e *env) expectGone(ref backends.Ref) {
	e.Helper()
	if r, err := e.B.Lookup(e.Context(), ref, 0); !errors.Is(err, backends.ErrNotFound) {
		e.Fatalf("Lookup: got %+v, error %v; want %v", r, err, backends.ErrNotFound)
	}
}

// byTenant counts leases by tenant.
func byTenant(leases []*backends.Lease) map[string]int {
	n := map[string]int{}
	for _, l := range leases {
		n[l.Job.Tenant]++
	}
	return n
}

// has reports whether one of the leases is of ref.
func has(leases []*backends.Lease, ref backends.Ref) bool {
	return slices.ContainsFunc(leases, func(l *backends.Lease) bool { return l.Job.Ref == ref })
}

// tenantNames are n names.
func tenantNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = "tenant-" + strconv.Itoa(i)
	}
	return names
}
