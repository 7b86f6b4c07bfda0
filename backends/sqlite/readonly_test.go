//go:build linux

package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/sqlite"
)

const nobody = 65534

// asNobody calls f on a thread that the file system takes for nobody's, so that
// permissions bind root too. The thread ends with it.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if os.Geteuid() == 0 {
			runtime.LockOSThread()
			need(t, "setfsuid", syscall.Setfsuid(nobody))
		}
		f()
	}()
	<-done
}

// TestBadInput_ReadOnly: a store needs to write to the file, and to its folder.
func TestBadInput_ReadOnly(t *testing.T) {
	for name, c := range map[string]struct {
		file, folder os.FileMode
		exists       bool
		want         error
	}{
		"file":              {0o444, 0o777, true, sqlite.ErrReadOnly},
		"file, unreadable":  {0o000, 0o777, true, sqlite.ErrNoFile},
		"folder":            {0o666, 0o555, true, sqlite.ErrReadOnly},
		"both":              {0o444, 0o555, true, sqlite.ErrReadOnly},
		"folder, no file":   {0, 0o555, false, sqlite.ErrReadOnly},
		"folder, shut":      {0o666, 0o000, true, sqlite.ErrNoFile},
		"neither, to check": {0o666, 0o777, true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			top := t.TempDir()
			folder := filepath.Join(top, "folder")
			file := filepath.Join(folder, "jobs.db")
			if err := errors.Join(os.Mkdir(folder, 0o777), os.Chmod(top, 0o777), os.Chmod(filepath.Dir(top), 0o755)); err != nil {
				t.Fatal(err)
			}
			if c.exists {
				b := opened(t, file, sqlite.Options{})
				enqueued(t, b, "one")
				b.Close()
				if err := os.Chmod(file, c.file); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Chmod(folder, c.folder); err != nil {
				t.Fatal(err)
			}
			defer os.Chmod(folder, 0o777)
			asNobody(t, func() {
				if _, err := os.Stat(top); err != nil {
					t.Skip("nobody may look into ", top)
				}
				b, err := sqlite.Open(t.Context(), file, sqlite.Options{Logger: quiet})
				if err == nil {
					b.Close()
				}
				if !errors.Is(err, c.want) {
					t.Errorf("got %v, want %v", err, c.want)
				}
			})
		})
	}
}

// TestBadInput_BecomesReadOnly: a file that is open stays so, whatever its mode becomes
// afterwards, for those who have it; new openings are refused.
func TestBadInput_BecomesReadOnly(t *testing.T) {
	top := t.TempDir()
	file := filepath.Join(top, "jobs.db")
	if err := errors.Join(os.Chmod(top, 0o777), os.Chmod(filepath.Dir(top), 0o755)); err != nil {
		t.Fatal(err)
	}
	asNobody(t, func() {
		if err := os.WriteFile(filepath.Join(top, "try"), nil, 0o600); err != nil {
			t.Skip("nobody may write to ", top)
		}
		b, err := sqlite.Open(t.Context(), file, sqlite.Options{Logger: quiet})
		if err != nil {
			t.Error(err)
			return
		}
		defer b.Close()
		if err := errors.Join(enqueue(t.Context(), b, "1"), os.Chmod(file, 0o444)); err != nil {
			t.Error(err)
		}
		if err := enqueue(t.Context(), b, "2"); err != nil && !errors.Is(err, sqlite.ErrReadOnly) {
			t.Error(err)
		}
		if _, err := b.Lookup(t.Context(), backends.Ref{Tenant: "zeta", ID: "1"}, 0); err != nil {
			t.Error(err)
		}
		other, err := sqlite.Open(t.Context(), file, sqlite.Options{Logger: quiet})
		if err == nil {
			other.Close()
		}
		if !errors.Is(err, sqlite.ErrReadOnly) {
			t.Errorf("got %v, want %v", err, sqlite.ErrReadOnly)
		}
	})
}

// TestBadInput_ReadOnlyMount: a file system that is mounted so.
func TestBadInput_ReadOnlyMount(t *testing.T) {
	folder := small(t)
	file := filepath.Join(folder, "jobs.db")
	b := opened(t, file, sqlite.Options{})
	enqueued(t, b, "one")
	b.Close()
	if err := syscall.Mount("", folder, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{file, file + "2"} {
		b, err := sqlite.Open(t.Context(), file, sqlite.Options{Logger: quiet})
		if err == nil {
			b.Close()
		}
		if !errors.Is(err, sqlite.ErrReadOnly) || strings.Contains(err.Error(), "%!") {
			t.Errorf("got %v, want %v", err, sqlite.ErrReadOnly)
		}
	}
}
