package memory_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/memory"
)

// The first who sleeps keeps the time for all. A claim that puts something
// behind a door, here until the next token of a rate, must have it told.
func TestRule_R3_WhoSleepsFirstKeepsTheTimeForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := memory.New(memory.Options{})
		defer b.Close()
		policy := &backends.Policy{Tenant: backends.Tenancy{Cap: backends.Cap{Rate: 1}}}
		request := func(kind string, lease time.Duration) backends.ClaimRequest {
			return backends.ClaimRequest{Queue: "q", Policy: policy, Kinds: []string{kind}, Max: 2, Lease: lease}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		go b.Claim(ctx, request("none of this kind", time.Hour)) // sleeps first
		synctest.Wait()
		enqueueKind(t, b, policy, "c", "0")
		if _, err := b.Claim(ctx, request("c", 30*time.Minute)); err != nil { // whose end it waits for
			t.Fatal(err)
		}
		synctest.Wait()
		time.Sleep(time.Minute)

		enqueueKind(t, b, policy, "a", "1")
		enqueueKind(t, b, policy, "a", "2")
		start := time.Now()
		for range 2 {
			if leases, err := b.Claim(ctx, request("a", time.Hour)); err != nil || len(leases) != 1 {
				t.Fatalf("%d leases, %v", len(leases), err)
			}
		}
		if waited := time.Since(start); waited < time.Second || waited > 2*time.Second {
			t.Errorf("the second job was claimed after %v, its token came after 1 s", waited)
		}
	})
}

// A worker that sleeps when a job of an unknown kind comes wakes when its time is over.
func TestRule_R10_AnOrphanWakesWhoSleeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := memory.New(memory.Options{})
		defer b.Close()
		policy := &backends.Policy{UnknownAfter: time.Minute}
		found := sleeper(t, b, policy)
		enqueueKind(t, b, policy, "a", "1")
		if waited := <-found; waited < time.Minute || waited > 61*time.Second {
			t.Errorf("the orphan was claimed after %v, want a minute", waited)
		}
	})
}

// The same, when an earlier job of that kind has left its mark, and whoever keeps
// the time has looked since, when there was none.
func TestRule_R10_AnOrphanWakesWhoLookedWhenThereWasNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := memory.New(memory.Options{})
		defer b.Close()
		policy := &backends.Policy{UnknownAfter: time.Minute}
		found := sleeper(t, b, policy)
		enqueueKind(t, b, policy, "a", "1")
		leases, err := b.Claim(t.Context(), backends.ClaimRequest{Queue: "q", Policy: policy, Max: 1, Lease: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		b.Settle(t.Context(), []backends.Settlement{{Lease: leases[0], Verb: backends.Commit, Outcome: backends.Succeeded}})
		soon := backends.Job{Ref: backends.Ref{ID: "soon"}, Delay: time.Second}
		b.Enqueue(t.Context(), backends.EnqueueRequest{Queue: "q", Policy: policy, Jobs: []backends.Job{soon}})
		b.Cancel(t.Context(), []backends.Ref{soon.Ref})
		time.Sleep(2 * time.Second) // the sleeper has looked

		enqueueKind(t, b, policy, "a", "2")
		if waited := <-found; waited < 62*time.Second || waited > 63*time.Second {
			t.Errorf("the orphan was claimed after %v, want 62 s", waited)
		}
	})
}

// Who sleeps first keeps the time for the jobs of a kind that somebody else waits
// for only when that one has gone and left some.
func TestRule_R10_WhoLeavesAJobTellsWhoSleeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := memory.New(memory.Options{})
		defer b.Close()
		policy := &backends.Policy{UnknownAfter: time.Minute}
		request := backends.ClaimRequest{Queue: "q", Policy: policy, Max: 1, Lease: 2 * time.Minute}
		enqueueKind(t, b, policy, "b", "0")
		if _, err := b.Claim(t.Context(), request); err != nil { // whose end it waits for
			t.Fatal(err)
		}
		found := sleeper(t, b, policy)
		b.Pause(t.Context(), "q", false) // it has heard of all that came before
		request.Kinds, request.Lease = []string{"a"}, time.Hour
		go b.Claim(t.Context(), request)
		synctest.Wait()
		enqueueKind(t, b, policy, "a", "1")
		enqueueKind(t, b, policy, "a", "2")
		if waited := <-found; waited < time.Minute || waited > 61*time.Second {
			t.Errorf("the orphan was claimed after %v, want a minute", waited)
		}
	})
}

// sleeper is a worker that knows kind b alone and sleeps already; it tells how
// long it took until it got a job, or gave up after an hour.
func sleeper(t *testing.T, b backends.Backend, p *backends.Policy) <-chan time.Duration {
	found := make(chan time.Duration)
	start := time.Now()
	go func() {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		b.Claim(ctx, backends.ClaimRequest{Queue: "q", Policy: p, Kinds: []string{"b"}, Max: 1, Lease: time.Hour})
		found <- time.Since(start)
	}()
	synctest.Wait()
	return found
}

func enqueueKind(t *testing.T, b backends.Backend, p *backends.Policy, kind, id string) {
	t.Helper()
	_, err := b.Enqueue(t.Context(), backends.EnqueueRequest{
		Queue: "q", Policy: p, Jobs: []backends.Job{{Ref: backends.Ref{ID: id}, Kind: kind}},
	})
	if err != nil {
		t.Fatal(err)
	}
}
