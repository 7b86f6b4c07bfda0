//go:build unix

package sqlite_test

import (
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/sqlite"
)

// TestRow_G1_OthersOfTheMachineSeeNothing: the files hold args, results and the key of
// all ids. Whoever wants to share them makes the file first.
func TestRow_G1_OthersOfTheMachineSeeNothing(t *testing.T) {
	for _, name := range []string{"jobs.db", "a+b & 100% of=?#.db"} {
		dir := filepath.Join(t.TempDir(), "folder & 50%")
		if err := os.Mkdir(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		b, err := backends.Open(t.Context(), "sqlite://"+(&url.URL{Path: path}).EscapedPath()+"?queue=q")
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		enqueued(t, b, "one")
		expectModes(t, dir, map[string]os.FileMode{name: 0o600, name + "-wal": 0o600, name + "-shm": 0o600})
	}
}

func TestRow_G1_AFileThatIsThereKeepsItsMode(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "jobs.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o660); err != nil {
		t.Fatal(err)
	}
	enqueued(t, opened(t, path, sqlite.Options{}), "one")
	expectModes(t, dir, map[string]os.FileMode{"jobs.db": 0o660, "jobs.db-wal": 0o660, "jobs.db-shm": 0o660})
}

// expectModes expects these files in a folder, and no others.
func expectModes(t *testing.T, dir string, want map[string]os.FileMode) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if mode, known := want[e.Name()]; !known || info.Mode().Perm() != mode {
			t.Errorf("%s: %v", e.Name(), info.Mode())
		}
	}
	if len(entries) != len(want) {
		t.Errorf("%d files, want %d", len(entries), len(want))
	}
}
