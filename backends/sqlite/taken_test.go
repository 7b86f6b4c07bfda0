package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/sqlite"
)

// TestBadInput_DatabaseClosedBeneath: whoever closes the database first gets errors, and
// an end.
func TestBadInput_DatabaseClosedBeneath(t *testing.T) {
	db := plain(filepath.Join(t.TempDir(), "jobs.db"))
	b, err := sqlite.New(t.Context(), db, sqlite.Options{Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	enqueued(t, b, "one")
	db.Close()
	if _, err := b.Lookup(t.Context(), backends.Ref{Tenant: "zeta", ID: "one"}, 0); err == nil {
		t.Error("a record came from a closed database")
	}
	_ = enqueue(t.Context(), b, "two")
	b.Close()
}

// TestBadInput_FileTakenAway: a file that is removed or replaced while it is open gets
// no more acknowledgements, and nobody waits for it.
func TestBadInput_FileTakenAway(t *testing.T) {
	for how, take := range map[string]func(file string) error{
		"removed": os.Remove,
		"moved":   func(file string) error { return os.Rename(file, file+".old") },
		"replaced": func(file string) error {
			return errors.Join(os.WriteFile(file+".new", nil, 0o600), os.Rename(file+".new", file))
		},
	} {
		t.Run(how, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "jobs.db")
			b := opened(t, file, sqlite.Options{})
			enqueued(t, b, "one")
			lease := claim(t, b, 1)[0]
			blocked := make(chan error, 2)
			go func() {
				_, err := b.Claim(t.Context(), backends.ClaimRequest{Queue: "q", Max: 1, Lease: time.Minute})
				blocked <- err
			}()
			go func() {
				_, err := b.Lookup(t.Context(), lease.Job.Ref, 1<<60)
				blocked <- err
			}()
			if err := take(file); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				select {
				case err := <-blocked:
					if !errors.Is(err, sqlite.ErrGone) {
						t.Errorf("who was blocked got %v, want %v", err, sqlite.ErrGone)
					}
				case <-time.After(20 * time.Second):
					t.Fatal("somebody waits for a file that is gone")
				}
			}
			if err := enqueue(t.Context(), b, "two"); !errors.Is(err, sqlite.ErrGone) {
				t.Errorf("Enqueue: got %v, want %v", err, sqlite.ErrGone)
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(file); how != "replaced" && err == nil {
				t.Error("a new file was made in its place")
			}
		})
	}
}

// TestBadInput_TablesTakenAway: a schema that somebody drops meanwhile.
func TestBadInput_TablesTakenAway(t *testing.T) {
	file := filepath.Join(t.TempDir(), "jobs.db")
	b := opened(t, file, sqlite.Options{})
	enqueued(t, b, "one")
	db := plain(file)
	defer db.Close()
	if err := sqlite.Migrate(t.Context(), db, "", 0); err != nil {
		t.Fatal(err)
	}
	if err := enqueue(t.Context(), b, "two"); !errors.Is(err, sqlite.ErrSchema) {
		t.Errorf("got %v, want %v", err, sqlite.ErrSchema)
	}
}
