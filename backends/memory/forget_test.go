package memory_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/memory"
)

// TestRule_R11_ATenantThatWasForgottenGetsNoFreshBucket: the store forgets the
// tenant that rested longest, but not one whose rate still holds it back.
func TestRule_R11_ATenantThatWasForgottenGetsNoFreshBucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := memory.New(memory.Options{})
		defer b.Close()
		policy := &backends.Policy{
			Retention: -1,
			Tenants:   map[string]backends.Tenancy{"slow": {Cap: backends.Cap{Rate: 1.0 / 3600}}},
		}
		run := func(tenant string) error {
			enqueue(t, b, policy, tenant, "job")
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			leases, err := b.Claim(ctx, backends.ClaimRequest{Queue: "q", Policy: policy, Max: 1, Lease: time.Minute})
			if err != nil {
				return err
			}
			_, err = b.Settle(ctx, []backends.Settlement{{Lease: leases[0], Verb: backends.Commit, Outcome: backends.Succeeded}})
			return err
		}
		if err := run("slow"); err != nil {
			t.Fatal(err)
		}
		for i := range 3000 {
			if err := run(fmt.Sprint("tenant-", i)); err != nil {
				t.Fatal(err)
			}
		}
		if err := run("slow"); err == nil {
			t.Error("two claims in one hour of one an hour")
		}
	})
}

func enqueue(t *testing.T, b backends.Backend, p *backends.Policy, tenant string, ids ...string) {
	t.Helper()
	var jobs []backends.Job
	for _, id := range ids {
		jobs = append(jobs, backends.Job{Ref: backends.Ref{Tenant: tenant, ID: id}})
	}
	out, err := b.Enqueue(t.Context(), backends.EnqueueRequest{Queue: "q", Policy: p, Jobs: jobs})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range out {
		if o.Err != nil || o.Duplicate {
			t.Fatalf("%+v", o)
		}
	}
}
