package backendtest

import (
	"time"

	"github.com/leat-go/leat/backends"
)

// Settlements, and the beats before them.

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
	e.mustSettle(commitAs(l, backends.Succeeded))
}

func commitAs(l *backends.Lease, end backends.State) backends.Settlement {
	return backends.Settlement{Lease: l, Verb: backends.Commit, Outcome: end}
}

func retry(l *backends.Lease, d time.Duration) backends.Settlement {
	return backends.Settlement{Lease: l, Verb: backends.Retry, Delay: d}
}

func snooze(l *backends.Lease, d time.Duration) backends.Settlement {
	return backends.Settlement{Lease: l, Verb: backends.Snooze, Delay: d}
}

func release(l *backends.Lease) backends.Settlement {
	return backends.Settlement{Lease: l, Verb: backends.Release}
}

func announced(l *backends.Lease) backends.Settlement {
	return backends.Settlement{Lease: l, Verb: backends.Announced}
}

func (e *env) mustSettle(s backends.Settlement) {
	e.Helper()
	if err := e.settle(s); err != nil {
		e.Fatalf("%v: %v", s.Verb, err)
	}
}

// report extends a lease by ten units with a progress, and expects that it is well.
func (e *env) report(l *backends.Lease, p backends.Progress) {
	e.Helper()
	errs, err := e.B.Extend(e.Context(), 10*e.unit, []backends.Beat{{Lease: l, Progress: &p}})
	if err != nil || first(errs) != nil {
		e.Fatalf("Extend with progress: %v, %v", err, first(errs))
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
