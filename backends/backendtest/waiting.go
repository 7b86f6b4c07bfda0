package backendtest

import (
	"context"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
)

// Calls that block, and those who wait for them.

// claimed is what a Claim came to.
type claimed struct {
	leases []*backends.Lease
	err    error
}

// claiming starts a Claim in the background and lets it come to rest.
func (e *env) claiming(ctx context.Context, req backends.ClaimRequest) <-chan claimed {
	out := make(chan claimed, 1)
	go func() {
		leases, err := e.B.Claim(ctx, req)
		out <- claimed{leases, err}
	}()
	e.rest()
	return out
}

// timeout is a context that ends after n units.
func (e *env) timeout(n float64) context.Context {
	ctx, cancel := context.WithTimeout(e.Context(), e.span(n))
	e.Cleanup(cancel)
	return ctx
}

// looked is what a Lookup came to.
type looked struct {
	record *backends.Record
	err    error
}

// looking starts a Lookup in the background and lets it come to rest.
func (e *env) looking(ctx context.Context, ref backends.Ref, since uint64) <-chan looked {
	out := make(chan looked, 1)
	go func() {
		r, err := e.B.Lookup(ctx, ref, since)
		out <- looked{r, err}
	}()
	e.rest()
	return out
}

// rest lets everything happen that happens without time going by.
func (e *env) rest() {
	if e.h.Virtual {
		synctest.Wait()
		return
	}
	e.pass(0.25)
}

// await expects that c yields within 60 units.
func await[T any](e *env, c <-chan T) T {
	e.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(60 * e.unit):
		e.Fatalf("still blocked after 60 units")
		panic("unreachable")
	}
}

// awaitLease expects that a Claim in the background gets exactly one lease.
func (e *env) awaitLease(c <-chan claimed) *backends.Lease {
	e.Helper()
	got := await(e, c)
	if got.err != nil || len(got.leases) != 1 {
		e.Fatalf("Claim gave %d leases, error %v; want one", len(got.leases), got.err)
	}
	return got.leases[0]
}

// expectWait expects that n units have gone by since start, and hardly more:
// things happen at their time, neither early nor at some poll.
func (e *env) expectWait(start time.Time, n float64) {
	e.Helper()
	slack := 2*e.unit + e.f.Tick
	switch {
	case !e.f.Prompt:
		slack = 20 * e.unit
	case e.h.Virtual:
		slack = e.unit/10 + e.f.Tick
	}
	took := time.Since(start)
	if took < e.span(n)-e.unit/10 || took > e.span(n)+slack {
		e.Fatalf("came after %v, want %v", took, e.span(n))
	}
}

// expectSpan expects n units from one time of the store to another.
func (e *env) expectSpan(what string, from, to time.Time, n float64) {
	e.Helper()
	if d := to.Sub(from); d < e.span(n)-e.unit/10 || d > e.span(n)+2*e.unit {
		e.Fatalf("%s: %v, want %v", what, d, e.span(n))
	}
}
