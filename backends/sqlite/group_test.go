package sqlite

import (
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
)

// TestBadLuck_OperationFallsOver: whoever falls over inside a transaction takes it along,
// and nobody else.
func TestBadLuck_OperationFallsOver(t *testing.T) {
	b, err := Open(t.Context(), filepath.Join(t.TempDir(), "jobs.db"), Options{Synchronous: "off"})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = b.do(t.Context(), func(ctx context.Context, t *txn) error {
			_ = t.run(ctx, `INSERT INTO leat_queues (name) VALUES ('half')`)
			panic("fell over")
		})
	}()
	job := backends.Job{Ref: backends.Ref{Tenant: "zeta", ID: "1"}}
	if _, err := b.Enqueue(t.Context(), backends.EnqueueRequest{Queue: "half", Jobs: []backends.Job{job}}); err != nil {
		t.Fatal(err)
	}
}

// TestRule_R8_ClaimThatGivesUpHearsWhatItLeased: a caller whose context ends while the
// commit with its claim is under way gets the leases, as they are made.
func TestRule_R8_ClaimThatGivesUpHearsWhatItLeased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := Open(t.Context(), filepath.Join(t.TempDir(), "jobs.db"), Options{Synchronous: "off"})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		job := backends.Job{Ref: backends.Ref{Tenant: "zeta", ID: "1"}}
		if _, err := b.Enqueue(t.Context(), backends.EnqueueRequest{Queue: "whatif", Jobs: []backends.Job{job}}); err != nil {
			t.Fatal(err)
		}
		stop := func(at <-chan struct{}) {
			go func() {
				_ = b.do(t.Context(), func(context.Context, *txn) error {
					<-at
					return nil
				})
			}()
			synctest.Wait()
		}
		first, last := make(chan struct{}), make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var leases []*backends.Lease
		done := make(chan error)

		stop(first) // commits
		opened := make(chan struct{})
		close(opened)
		stop(opened) // leads the next commit
		go func() {
			var err error
			leases, err = b.Claim(ctx, backends.ClaimRequest{Queue: "whatif", Max: 1, Lease: time.Second})
			done <- err
		}()
		synctest.Wait()
		stop(last) // comes after the claim in that commit
		close(first)
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(last)
		if err := <-done; err != nil || len(leases) != 1 {
			t.Fatalf("%d leases, error %v", len(leases), err)
		}
	})
}
