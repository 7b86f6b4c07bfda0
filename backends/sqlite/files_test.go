package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/leat-go/leat/backends/sqlite"
)

// files counts the descriptors of this process.
func files(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("nobody tells what descriptors a process has: ", err)
	}
	return len(all)
}

// TestRow_E1_ReopensLeaveNothing: what 200 openings and closings leave behind, goleak
// looks at the goroutines of.
func TestRow_E1_ReopensLeaveNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "jobs.db")
	stays := opened(t, filepath.Join(t.TempDir(), "other.db"), sqlite.Options{Synchronous: "off"})
	reopen := func() {
		b := opened(t, file, sqlite.Options{Synchronous: "off"})
		enqueued(t, b, "one")
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	reopen()
	before := files(t)
	for range size(50, 200) {
		reopen()
	}
	if now := files(t); now != before {
		t.Errorf("%d descriptors, before %d", now, before)
	}
	enqueued(t, stays, "two")
}

// TestRow_E1_ReopensBesideAnother: nor do they while the file stays open elsewhere.
func TestRow_E1_ReopensBesideAnother(t *testing.T) {
	file := filepath.Join(t.TempDir(), "jobs.db")
	opened(t, file, sqlite.Options{Synchronous: "off"})
	reopen := func() {
		b := opened(t, file, sqlite.Options{Synchronous: "off"})
		enqueued(t, b, "one")
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	reopen() // SQLite keeps a descriptor for the next one
	before := files(t)
	for range size(20, 100) {
		reopen()
	}
	if now := files(t); now != before {
		t.Errorf("%d descriptors, before %d", now, before)
	}
}

func init() {
	roles["lock"] = func(ctx context.Context, path string) {
		err := lock(ctx, path)
		fmt.Println(err == nil)
	}
}

// lock takes the lock of a file as any program may, and lets it go.
func lock(ctx context.Context, path string) error {
	db := plain(path, "busy_timeout(0)")
	defer db.Close()
	_, err := db.ExecContext(ctx, "BEGIN IMMEDIATE; COMMIT")
	return err
}

// TestRule_R3_ALockOutlivesTheNextOpening: on POSIX a process loses all its locks of a
// file when it closes any descriptor of it. Then two programs would write at once.
func TestRule_R3_ALockOutlivesTheNextOpening(t *testing.T) {
	file := filepath.Join(t.TempDir(), "jobs.db")
	opened(t, file, sqlite.Options{})
	other := opened(t, file, sqlite.Options{})
	db := plain(file)
	defer db.Close()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec(`UPDATE leat_counters SET value = value`); err != nil {
		t.Fatal(err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if got := said(t, child(t, "lock", file)); got[0] != "false" {
		t.Errorf("another process took the lock too")
	}
}
