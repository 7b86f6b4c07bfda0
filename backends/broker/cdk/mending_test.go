package cdk_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/broker/cdk"
)

// A worker claims, and stands errors as workers do; the connection is lost in the
// middle of every fifth job, and what is out comes again.
func TestMending_NoJobIsLostOrDoneTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newTray()
		y.lapse = true
		b := broker.New(cdk.New(y.options(cdk.Hooks{})), backendtest.NewShelf(), broker.Options{Logger: slog.New(slog.DiscardHandler)})
		defer b.Close()
		const n = 100
		refs := enqueue(t, b, n)
		commits := 0
		for run := 0; commits < n; run++ {
			l := claim(t, b)
			if run%5 == 4 {
				y.breakNow()
			}
			errs, err := b.Settle(t.Context(), []backends.Settlement{{Lease: l, Verb: backends.Commit, Outcome: backends.Succeeded}})
			if err != nil {
				t.Fatal(err)
			}
			if len(errs) == 0 || errs[0] == nil {
				commits++
			}
		}
		for _, ref := range refs {
			if r, err := b.Lookup(t.Context(), ref, 0); err != nil || r.State != backends.Succeeded {
				t.Fatalf("job %v is %+v, error %v", ref, r, err)
			}
		}
		drained(t, b, y)
	})
}

func enqueue(t *testing.T, b backends.Backend, n int) (refs []backends.Ref) {
	t.Helper()
	req := backends.EnqueueRequest{Queue: "whatif", Jobs: make([]backends.Job, n)}
	for i := range req.Jobs {
		req.Jobs[i] = backends.Job{Ref: backends.Ref{ID: fmt.Sprint("job ", i)}, Kind: "optimise"}
		refs = append(refs, req.Jobs[i].Ref)
	}
	out, err := b.Enqueue(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range out {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
	}
	return refs
}

// claim claims one job, within an hour.
func claim(t *testing.T, b backends.Backend) *backends.Lease {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	for {
		leases, err := b.Claim(ctx, backends.ClaimRequest{Queue: "whatif", Max: 1, Lease: time.Minute})
		if err == nil {
			return leases[0]
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

// drained expects that messages of ended jobs come to nothing, and are gone.
func drained(t *testing.T, b backends.Backend, y *tray) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	for ctx.Err() == nil {
		if leases, err := b.Claim(ctx, backends.ClaimRequest{Queue: "whatif", Max: 1, Lease: time.Minute}); err == nil {
			t.Fatalf("job %v was run again", leases[0].Job.Ref)
		}
	}
	if ready, out := y.counts(); ready+out > 0 {
		t.Fatalf("%d messages are ready and %d out", ready, out)
	}
}

// Without records the message alone knows how often a job was tried.
func TestWithoutRecords_AttemptsCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newTray()
		b := broker.New(cdk.New(y.options(cdk.Hooks{})), nil, broker.Options{})
		defer b.Close()
		enqueue(t, b, 1)
		for attempt := 1; attempt <= 4; attempt++ {
			l := claim(t, b)
			if l.Attempt != attempt {
				t.Fatalf("attempt %d, want %d", l.Attempt, attempt)
			}
			errs, err := b.Settle(t.Context(), []backends.Settlement{{Lease: l, Verb: backends.Retry, Delay: time.Minute}})
			if err != nil || len(errs) > 0 && errs[0] != nil {
				t.Fatal(err, errs)
			}
		}
	})
}
