package memory_test

import (
	"context"
	"fmt"
	"time"

	"github.com/leat-go/leat/backends"
	_ "github.com/leat-go/leat/backends/memory"
)

// A job's whole way: created, claimed, committed, read.
func Example() {
	ctx := context.Background()
	b, err := backends.Open(ctx, "memory://?queue=whatif")
	if err != nil {
		panic(err)
	}
	defer b.Close()

	ref := backends.Ref{Tenant: "zeta", ID: "req-42"}
	_, err = b.Enqueue(ctx, backends.EnqueueRequest{
		Queue: "whatif",
		Jobs:  []backends.Job{{Ref: ref, Kind: "optimise", Payload: []byte(`{"sku":"22423"}`)}},
	})
	if err != nil {
		panic(err)
	}

	leases, err := b.Claim(ctx, backends.ClaimRequest{Queue: "whatif", Max: 16, Lease: 30 * time.Second})
	if err != nil {
		panic(err)
	}
	for _, l := range leases {
		fmt.Printf("attempt %d of %s: %s\n", l.Attempt, l.Job.ID, l.Job.Payload)
		errs, err := b.Settle(ctx, []backends.Settlement{{
			Lease: l, Verb: backends.Commit, Outcome: backends.Succeeded, Result: []byte(`{"reorder":12}`),
		}})
		fmt.Println("settled:", errs, err)
	}

	rec, err := b.Lookup(ctx, ref, 0)
	fmt.Printf("%v: %s %v\n", rec.State, rec.Result, err)
	// Output:
	// attempt 1 of req-42: {"sku":"22423"}
	// settled: [] <nil>
	// succeeded: {"reorder":12} <nil>
}
