//go:build linux

package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/sqlite"
)

// need ends a test that lacks something of the machine. Where everything is promised it
// is a failure.
func need(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if os.Getenv("LEAT_SERVICES") == "required" {
		t.Fatalf("needs %s: %v", what, err)
	}
	t.Skipf("needs %s: %v", what, err)
}

// small is a file system of a few megabytes.
func small(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	need(t, "root, to mount a small tmpfs", syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=8m"))
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return folder
}

// fill leaves so many bytes free; empty takes the ballast away.
func fill(t *testing.T, folder string, free int64) (empty func()) {
	t.Helper()
	var s syscall.Statfs_t
	if err := syscall.Statfs(folder, &s); err != nil {
		t.Fatal(err)
	}
	ballast := filepath.Join(folder, "ballast")
	if err := os.WriteFile(ballast, make([]byte, max(0, int64(s.Bfree)*s.Bsize-free)), 0o600); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRow_C2_DiskFull: what was acknowledged is there, what wasn't may be repeated, and
// with room again the work goes on.
func TestRow_C2_DiskFull(t *testing.T) {
	folder := small(t)
	file := filepath.Join(folder, "jobs.db")
	b := opened(t, file, sqlite.Options{Synchronous: "off"})
	acknowledged := map[string]bool{}
	n := 0
	for point := range 10 {
		enqueued(t, b, fmt.Sprint("held ", point))
		acknowledged[fmt.Sprint("held ", point)] = true
		lease := claim(t, b, 1)[0]
		settle := func() error {
			errs, err := b.Settle(t.Context(), []backends.Settlement{{Lease: lease, Verb: backends.Commit, Outcome: backends.Succeeded}})
			return errors.Join(append(errs, err)...)
		}
		empty := fill(t, folder, int64(point*point)<<12)
		var err error
		for err == nil && n < 20_000 {
			n++
			if err = enqueue(t.Context(), b, fmt.Sprint(n)); err == nil {
				acknowledged[fmt.Sprint(n)] = true
			}
		}
		if !errors.Is(err, sqlite.ErrFull) {
			t.Fatalf("point %d, job %d: got %v, want %v", point, n, err, sqlite.ErrFull)
		}
		if err := settle(); err != nil && !errors.Is(err, sqlite.ErrFull) {
			t.Errorf("Settle: got %v, want %v", err, sqlite.ErrFull)
		}
		if r, err := b.Lookup(t.Context(), lease.Job.Ref, 0); err != nil {
			t.Errorf("reads go on: %v, %v", r, err)
		}
		empty()
		if err := errors.Join(settle(), enqueue(t.Context(), b, fmt.Sprint(n))); err != nil {
			t.Fatalf("point %d, with room again: %v", point, err)
		}
		acknowledged[fmt.Sprint(n)] = true
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	expectWhole(t, file, acknowledged)
}

// TestRow_C2_OpenOnAFullDisk, at every size that may be left.
func TestRow_C2_OpenOnAFullDisk(t *testing.T) {
	folder := small(t)
	for pages := range int64(10) {
		file := filepath.Join(folder, fmt.Sprint(pages))
		empty := fill(t, folder, pages<<13)
		b, err := sqlite.Open(t.Context(), file, sqlite.Options{Logger: quiet})
		if err == nil {
			err = enqueue(t.Context(), b, "one")
			b.Close()
		}
		if !errors.Is(err, sqlite.ErrFull) {
			t.Errorf("%d KiB free: got %v, want %v", pages*8, err, sqlite.ErrFull)
		}
		empty()
		b = opened(t, file, sqlite.Options{})
		enqueued(t, b, "one")
		b.Close()
		expectWhole(t, file, map[string]bool{"one": true})
	}
}

func init() { roles["produce"] = produce }

// produce enqueues jobs, each again until it is acknowledged, and says how it went.
func produce(ctx context.Context, path string) {
	runtime.LockOSThread() // strace counts by thread
	fails := 0
	said := func(what string, err error) bool {
		switch {
		case err == nil:
			fmt.Println("ok", what)
			return true
		case errors.Is(err, sqlite.ErrIO):
			fmt.Println("failed", what)
		default:
			fmt.Println("odd", what, err)
		}
		if fails++; fails == 5 {
			os.Exit(0)
		}
		return false
	}
	var b *sqlite.Backend
	for b == nil {
		var err error
		b, err = sqlite.Open(ctx, path, sqlite.Options{Logger: quiet})
		said("open", err)
	}
	for i := range 20 {
		id := fmt.Sprint(i)
		for !said(id, enqueue(ctx, b, id)) {
		}
	}
	_ = b.Close()
}

// TestRow_C2_SyncFails: a disk that doesn't take what it was given, once or from then on.
func TestRow_C2_SyncFails(t *testing.T) {
	_, err := exec.LookPath("strace")
	need(t, "strace, to have fsync fail", err)
	need(t, "strace to be let", exec.Command("strace", "-f", "-o", os.DevNull, "true").Run())
	for point := range size(4, 10) {
		for _, more := range []string{"", "+"} {
			when := fmt.Sprint(1+point*2, more)
			t.Run(when, func(t *testing.T) {
				file := filepath.Join(t.TempDir(), "jobs.db")
				lines := said(t, child(t, "produce", file, "strace", "-f", "-o", os.DevNull, "-e", "trace=fsync,fdatasync",
					"-e", "inject=fsync,fdatasync:error=EIO:when="+when))
				acknowledged, failed := map[string]bool{}, 0
				for _, line := range lines {
					how, what, _ := strings.Cut(line, " ")
					switch {
					case how == "failed":
						failed++
					case how != "ok":
						t.Error(line)
					case what != "open":
						acknowledged[what] = true
					}
				}
				if failed == 0 {
					t.Errorf("no call failed: %q", lines)
				}
				if more == "" && len(acknowledged) != 20 {
					t.Errorf("after one failure %d of 20 jobs were made", len(acknowledged))
				}
				if len(acknowledged) > 0 {
					expectWhole(t, file, acknowledged)
				}
			})
		}
	}
}
