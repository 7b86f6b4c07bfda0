// Package byhand is the worker's side of a queue, one step at a time: for tests of what
// those see who wait for its results.
package byhand

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/internal/seam"
)

// Worker works on one queue. A step that the store refuses ends the test.
type Worker struct {
	Test  testing.TB
	Store backends.Backend
	Queue interface {
		Inside(seam.Key) (*seam.Queue, error)
	}
}

// Inside is what the queue knows.
func (w *Worker) Inside() *seam.Queue {
	w.Test.Helper()
	in, err := w.Queue.Inside(seam.Key{})
	if err != nil {
		w.Test.Fatal(err)
	}
	return in
}

// Claim leases one job for an hour.
func (w *Worker) Claim() *backends.Lease {
	w.Test.Helper()
	in := w.Inside()
	leases, err := w.Store.Claim(w.Test.Context(), backends.ClaimRequest{Queue: in.Name, Policy: in.Policy, Max: 1, Lease: time.Hour})
	if err != nil {
		w.Test.Fatal(err)
	}
	return leases[0]
}

// Settle ends an attempt.
func (w *Worker) Settle(s backends.Settlement) {
	w.Test.Helper()
	errs, err := w.Store.Settle(w.Test.Context(), []backends.Settlement{s})
	if err = errors.Join(append(errs, err)...); err != nil {
		w.Test.Fatal(err)
	}
}

// Succeed commits a result.
func (w *Worker) Succeed(l *backends.Lease, result any) {
	w.Test.Helper()
	data, err := json.Marshal(result)
	if err != nil {
		w.Test.Fatal(err)
	}
	inline, stored, err := w.Inside().Pack(w.Test.Context(), l, data)
	if err != nil {
		w.Test.Fatal(err)
	}
	w.Settle(backends.Settlement{Lease: l, Verb: backends.Commit, Outcome: backends.Succeeded, Result: inline, Stored: stored})
}

// Retry gives a job back after a failure.
func (w *Worker) Retry(l *backends.Lease, after time.Duration, why string) {
	w.Test.Helper()
	w.Settle(backends.Settlement{Lease: l, Verb: backends.Retry, Delay: after, Error: why})
}

// Die commits a dead letter.
func (w *Worker) Die(l *backends.Lease, why string) {
	w.Test.Helper()
	w.Settle(backends.Settlement{Lease: l, Verb: backends.Commit, Outcome: backends.Dead, Reason: why, Error: why})
}

// Report stores progress, and renews the lease.
func (w *Worker) Report(l *backends.Lease, percent float64, text string) {
	w.Test.Helper()
	beat := backends.Beat{Lease: l, Progress: &backends.Progress{Percent: percent, Text: text}}
	errs, err := w.Store.Extend(w.Test.Context(), time.Hour, []backends.Beat{beat})
	if err = errors.Join(append(errs, err)...); err != nil {
		w.Test.Fatal(err)
	}
}
