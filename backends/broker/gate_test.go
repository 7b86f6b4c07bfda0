package broker_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
)

// capped plays on a queue with eight jobs and that cap, with records and without.
func capped(t *testing.T, c backends.Cap, play func(w *world, claim func(lease, patience time.Duration) []*backends.Lease)) {
	for name, records := range map[string]bool{"with records": true, "without records": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &world{T: t, setup: opened(standardFacts(), records), promised: map[backends.Ref]bool{}}
				defer w.Close()
				policy := &backends.Policy{Cap: c}
				req := backends.EnqueueRequest{Queue: theQueue, Policy: policy}
				for i := range 8 {
					req.Jobs = append(req.Jobs, plainJob(fmt.Sprint(i)))
				}
				if _, err := w.Enqueue(t.Context(), req); err != nil {
					t.Fatal(err)
				}
				play(w, func(lease, patience time.Duration) (all []*backends.Lease) {
					ctx, cancel := context.WithTimeout(t.Context(), patience)
					defer cancel()
					for {
						leases, err := w.Claim(ctx, backends.ClaimRequest{Queue: theQueue, Policy: policy, Max: 10, Lease: lease, RunLimit: time.Minute})
						if err != nil {
							return all
						}
						all = append(all, leases...)
					}
				})
			})
		})
	}
}

func TestRule_R11_QueueCapHoldsInThisProcess(t *testing.T) {
	capped(t, backends.Cap{InFlight: 3}, func(w *world, claim func(lease, patience time.Duration) []*backends.Lease) {
		leases := claim(time.Hour, time.Minute)
		if len(leases) != 3 {
			w.Fatalf("%d jobs run under a cap of 3", len(leases))
		}
		for len(leases) > 1 {
			if err := w.commit(leases[0]); err != nil {
				w.Fatal(err)
			}
			leases = append(leases[1:], claim(time.Hour, time.Minute)...)
			if len(leases) != 3 && len(leases) != 2 {
				w.Fatalf("%d jobs run after one has ended", len(leases))
			}
			if len(leases) == 2 { // nothing is left in the queue
				return
			}
		}
	})
}

func TestRule_R11_LapsedLeaseFreesItsPlace(t *testing.T) {
	capped(t, backends.Cap{InFlight: 1}, func(w *world, claim func(lease, patience time.Duration) []*backends.Lease) {
		if n := len(claim(10*time.Second, 9*time.Second)); n != 1 {
			w.Fatalf("%d jobs run under a cap of 1", n)
		}
		if n := len(claim(time.Hour, 5*time.Second)); n != 1 {
			w.Fatalf("%d jobs run when the lease has lapsed", n)
		}
	})
}

func TestRule_R11_QueueRateHoldsInThisProcess(t *testing.T) {
	capped(t, backends.Cap{Rate: 0.5, Burst: 2}, func(w *world, claim func(lease, patience time.Duration) []*backends.Lease) {
		for _, want := range []int{2, 1, 1} { // the burst, then one in two seconds
			if n := len(claim(time.Hour, 2*time.Second-time.Millisecond)); n != want {
				w.Fatalf("%d claims, want %d", n, want)
			}
			time.Sleep(time.Millisecond)
		}
	})
}

func TestRule_R11_RateOfNextToNothingIsWaitedFor(t *testing.T) {
	capped(t, backends.Cap{Rate: 1e-12, Burst: 1}, func(w *world, claim func(lease, patience time.Duration) []*backends.Lease) {
		for _, want := range []int{1, 0} {
			if n := len(claim(time.Hour, time.Minute)); n != want {
				w.Fatalf("%d claims, want %d", n, want)
			}
		}
	})
}

// A broker counts nothing for all: each process has the queue's cap for itself, and those of
// tenants and resources hold nowhere. Features say so.
func TestRule_R11_CapsAreOfOneProcessAndToldSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := opened(standardFacts(), true)
		defer one.Close()
		two := one.again()
		defer two.Close()
		if f := one.Features(); f.SharedCaps || f.Backlog {
			t.Errorf("features %+v", f)
		}
		req := backends.ClaimRequest{
			Queue: theQueue, Max: 10, Lease: time.Hour, RunLimit: time.Minute,
			Policy:    &backends.Policy{Cap: backends.Cap{InFlight: 3}, Tenant: backends.Tenancy{Cap: backends.Cap{InFlight: 1}}},
			Resources: []backends.Resource{{Name: "db", Cap: backends.Cap{InFlight: 1}}},
		}
		jobs := backends.EnqueueRequest{Queue: theQueue, Policy: req.Policy}
		for i := range 8 {
			j := plainJob(fmt.Sprint(i))
			j.Resource = "db"
			jobs.Jobs = append(jobs.Jobs, j)
		}
		if _, err := one.Enqueue(t.Context(), jobs); err != nil {
			t.Fatal(err)
		}
		for _, b := range []backends.Backend{one, two} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			n := 0
			for {
				leases, err := b.Claim(ctx, req)
				if n += len(leases); err != nil {
					break
				}
			}
			if cancel(); n != 3 {
				t.Errorf("%d jobs run in one process under a cap of 3", n)
			}
		}
	})
}
