package sqlite

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
)

// TestBadLuck_ClocksOfTwoProcessesDiffer: what is due by the clock of one process is
// claimed by another when it is due there, and not when somebody happens to look again.
func TestBadLuck_ClocksOfTwoProcessesDiffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "jobs.db")
		open := func(wall func() time.Time) *Backend {
			b, err := Open(t.Context(), file, Options{Synchronous: "off", wall: wall})
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		const behind = 5 * time.Second
		here, there := open(nil), open(func() time.Time { return time.Now().Add(-behind) })
		defer here.Close()
		defer there.Close()
		job := backends.Job{Ref: backends.Ref{Tenant: "zeta", ID: "1"}}
		if _, err := here.Enqueue(t.Context(), backends.EnqueueRequest{Queue: "whatif", Jobs: []backends.Job{job}}); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		leases, err := there.Claim(t.Context(), backends.ClaimRequest{Queue: "whatif", Max: 1, Lease: time.Second})
		if took := time.Since(began); err != nil || len(leases) != 1 || took > behind+100*time.Millisecond {
			t.Fatalf("%d leases after %v, error %v", len(leases), took, err)
		}
	})
}
