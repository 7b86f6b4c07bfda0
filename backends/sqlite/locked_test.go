package sqlite_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/sqlite"
)

// TestBadInput_Locked: another program that holds the lock for long. What it kept
// waiting may be repeated, and what was acknowledged before stands.
func TestBadInput_Locked(t *testing.T) {
	file := filepath.Join(t.TempDir(), "jobs.db")
	b := opened(t, file, sqlite.Options{BusyTimeout: 50 * time.Millisecond})
	enqueued(t, b, "1", "2", "3", "4")
	lease := claim(t, b, 1)[0]
	db := plain(file)
	defer db.Close()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	exec := func(q string) {
		t.Helper()
		if _, err := conn.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	exec("BEGIN EXCLUSIVE")
	settle := func() error {
		_, err := b.Settle(t.Context(), []backends.Settlement{{Lease: lease, Verb: backends.Commit, Outcome: backends.Succeeded}})
		return err
	}
	verbs := map[string]func() error{
		"Enqueue": func() error { return enqueue(t.Context(), b, "5") },
		"Claim": func() error {
			_, err := b.Claim(t.Context(), backends.ClaimRequest{Queue: "q", Max: 1, Lease: time.Minute})
			return err
		},
		"Extend": func() error {
			_, err := b.Extend(t.Context(), time.Minute, []backends.Beat{{Lease: lease}})
			return err
		},
		"Settle": settle,
		"Cancel": func() error {
			_, err := b.Cancel(t.Context(), []backends.Ref{{Tenant: "zeta", ID: "4"}})
			return err
		},
		"Put": func() error {
			_, err := b.Cells().Put(t.Context(), "c", nil, "", time.Time{})
			return err
		},
		"Open": func() error {
			b, err := sqlite.Open(t.Context(), file, sqlite.Options{Logger: quiet, BusyTimeout: time.Millisecond})
			if err == nil {
				b.Close()
			}
			return err
		},
		"Migrate": func() error { return sqlite.Migrate(t.Context(), db, "", -1) },
	}
	for verb, call := range verbs {
		start := time.Now()
		if err := call(); !errors.Is(err, sqlite.ErrLocked) {
			t.Errorf("%s: got %v, want %v", verb, err, sqlite.ErrLocked)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s took %v", verb, took)
		}
	}
	if r, err := b.Lookup(t.Context(), lease.Job.Ref, 0); err != nil || r.State != backends.Running {
		t.Errorf("reads go on: got %v, %v", r, err)
	}
	exec("COMMIT")
	if err := errors.Join(settle(), enqueue(t.Context(), b, "5")); err != nil {
		t.Errorf("after the lock was let go: %v", err)
	}
	if leases := claim(t, b, 10); len(leases) != 4 {
		t.Errorf("%d jobs are there, of 4", len(leases))
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	expectWhole(t, file, map[string]bool{"1": true, "2": true, "3": true, "4": true, "5": true})
}

// TestBadInput_LockedBeforeItOpens: the lock of a file that isn't in WAL mode shuts
// readers out too.
func TestBadInput_LockedBeforeItOpens(t *testing.T) {
	file := filepath.Join(t.TempDir(), "jobs.db")
	db := plain(file, "journal_mode(DELETE)")
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("CREATE TABLE theirs (x); BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
	_, err := sqlite.Open(t.Context(), file, sqlite.Options{Logger: quiet, BusyTimeout: 50 * time.Millisecond})
	if !errors.Is(err, sqlite.ErrLocked) {
		t.Errorf("got %v, want %v", err, sqlite.ErrLocked)
	}
	if _, err := db.Exec("COMMIT"); err != nil {
		t.Fatal(err)
	}
	enqueued(t, opened(t, file, sqlite.Options{}), "one")
}

// TestBadInput_ACallersContextEndsBeforeTheLock: who waits in line may leave.
func TestBadInput_ACallersContextEndsBeforeTheLock(t *testing.T) {
	b := opened(t, filepath.Join(t.TempDir(), "jobs.db"), sqlite.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := enqueue(ctx, b, "1"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	enqueued(t, b, "1")
}
