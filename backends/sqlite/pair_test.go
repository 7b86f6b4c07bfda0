package sqlite_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/backendtest/history"
	"github.com/leat-go/leat/backends/backendtest/linear"
	"github.com/leat-go/leat/backends/backendtest/simulate"
	"github.com/leat-go/leat/backends/sqlite"
)

// pair is two openings of one file, as two processes have them, and each call goes to
// the other one than the call before: what one remembers is never what the other
// has just written.
type pair struct {
	of    [2]*sqlite.Backend
	calls atomic.Uint32
}

func openPair(t *testing.T) backends.Backend {
	folder := t.TempDir()
	return &pair{of: [2]*sqlite.Backend{openIn(t, folder), openIn(t, folder)}}
}

func (p *pair) next() *sqlite.Backend { return p.of[p.calls.Add(1)%2] }

func (p *pair) Enqueue(ctx context.Context, r backends.EnqueueRequest) ([]backends.Enqueued, error) {
	return p.next().Enqueue(ctx, r)
}

func (p *pair) Claim(ctx context.Context, r backends.ClaimRequest) ([]*backends.Lease, error) {
	return p.next().Claim(ctx, r)
}

func (p *pair) Extend(ctx context.Context, d time.Duration, b []backends.Beat) ([]error, error) {
	return p.next().Extend(ctx, d, b)
}

func (p *pair) Settle(ctx context.Context, s []backends.Settlement) ([]error, error) {
	return p.next().Settle(ctx, s)
}

func (p *pair) Lookup(ctx context.Context, ref backends.Ref, since uint64) (*backends.Record, error) {
	return p.next().Lookup(ctx, ref, since)
}

func (p *pair) Cells() backends.Cells       { return p.next().Cells() }
func (p *pair) Features() backends.Features { return p.of[0].Features() }

func (p *pair) Close() error {
	_ = p.of[0].Close()
	return p.of[1].Close()
}

func (p *pair) Stats(ctx context.Context, queue string) (backends.Stats, error) {
	return p.next().Stats(ctx, queue)
}

func (p *pair) List(ctx context.Context, r backends.ListRequest) (backends.Page, error) {
	return p.next().List(ctx, r)
}

func (p *pair) Cancel(ctx context.Context, refs []backends.Ref) ([]error, error) {
	return p.next().Cancel(ctx, refs)
}

func (p *pair) Redrive(ctx context.Context, jobs []backends.Redrive) ([]error, error) {
	return p.next().Redrive(ctx, jobs)
}

func (p *pair) Purge(ctx context.Context, r backends.PurgeRequest) (int, error) {
	return p.next().Purge(ctx, r)
}

func (p *pair) Pause(ctx context.Context, queue string, paused bool) error {
	return p.next().Pause(ctx, queue, paused)
}

var pairs = backendtest.Harness{
	Open:    openPair,
	Again:   func(t *testing.T, b backends.Backend) backends.Backend { return again(t, b.(*pair).of[0]) },
	Virtual: true,
}

func TestPair_Conformance(t *testing.T) {
	unraced(t)
	backendtest.Run(t, pairs)
}

func TestPair_Histories_A2(t *testing.T) {
	unraced(t)
	history.Run(t, pairs, size(100, 400))
}
func TestPair_Linearizable_A3(t *testing.T) { linear.Run(t, pairs, size(1000, 5000)) }
func TestPair_Simulation_A1(t *testing.T)   { simulate.Run(t, pairs, size(5000, 10_000)) }

// TestPair_R5_ARenewalElsewhereIsKept: a lease remembers its row, and must not write what
// it remembers over a renewal that went by the other opening.
func TestPair_R5_ARenewalElsewhereIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := openPair(t).(*pair)
		defer p.Close()
		claim := backends.ClaimRequest{
			Queue: "whatif", Policy: &backends.Policy{Version: 1, Owes: backends.Event},
			Max: 1, Lease: time.Second, CanAnnounce: backends.Event,
		}
		job := backends.Job{Ref: backends.Ref{Tenant: "zeta", ID: "1"}}
		_, err := p.of[0].Enqueue(t.Context(), backends.EnqueueRequest{Queue: "whatif", Policy: claim.Policy, Jobs: []backends.Job{job}})
		if err != nil {
			t.Fatal(err)
		}
		leases, err := p.of[0].Claim(t.Context(), claim)
		if err != nil || len(leases) != 1 {
			t.Fatalf("claimed %d, error %v", len(leases), err)
		}
		renewed := time.Now()
		if errs, err := p.of[1].Extend(t.Context(), time.Hour, []backends.Beat{{Lease: leases[0]}}); err != nil || first(errs) != nil {
			t.Fatalf("renewed: %v, %v", errs, err)
		}
		commit := []backends.Settlement{{Lease: leases[0], Verb: backends.Commit, Outcome: backends.Succeeded}}
		if errs, err := p.of[0].Settle(t.Context(), commit); err != nil || first(errs) != nil {
			t.Fatalf("committed: %v, %v", errs, err)
		}
		leases, err = p.of[0].Claim(t.Context(), claim)
		if held := time.Since(renewed); err != nil || len(leases) != 1 || held < time.Hour {
			t.Errorf("%d leases after %v, error %v: the event is its holder's for an hour", len(leases), held, err)
		}
	})
}

func first(errs []error) error {
	if len(errs) == 0 {
		return nil
	}
	return errs[0]
}
