package filebucket

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/queue/buckettest"
)

func open(t *testing.T, dir string) *Bucket {
	t.Helper()
	b, err := New(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func TestConformance(t *testing.T) {
	buckettest.Run(t, func(t *testing.T) queue.Bucket { return open(t, t.TempDir()) })
}

// unlinked has no hard links, as on FAT (EPERM) and some network file systems.
func unlinked(t *testing.T, dir string, err error) *Bucket {
	b := open(t, dir)
	b.link = func(from, to string) error { return &os.LinkError{Op: "link", Old: from, New: to, Err: err} }
	return b
}

func TestConformanceWithoutHardLinks(t *testing.T) {
	for name, err := range map[string]error{"FAT": syscall.EPERM, "network": syscall.ENOTSUP} {
		t.Run(name, func(t *testing.T) {
			buckettest.Run(t, func(t *testing.T) queue.Bucket { return unlinked(t, t.TempDir(), err) })
		})
	}
}

func TestBucketsOfOneFolderShareIt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "with", "all", "above")
	a, b := open(t, dir), open(t, dir)
	if err := a.Write(t.Context(), "2026-12-09/a", []byte("of a")); err != nil {
		t.Fatal(err)
	}
	if err := b.Write(t.Context(), "2026-12-09/a", []byte("of b")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Write: %v, want fs.ErrExist", err)
	}
	if err := b.Delete(t.Context(), "2026-12-09/a"); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"_temp"}, names(t, dir)); diff != "" {
		t.Errorf("an empty folder stays, or a temporary file (-want +got):\n%s", diff)
	}
}

// names lists a folder of the disk.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestOthersOfTheMachineSeeNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "bucket")
	if err := open(t, dir).Write(t.Context(), "2026-12-09/a", nil); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestWhatElseLiesThereIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir)
	for _, name := range []string{"README", ".hidden", "2026-12-09/Upper", "lost+found/a"} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Write(t.Context(), "2026-12-09/a", nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"2026-12-09/a"}, list(t, b)); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
	if err := b.Delete(t.Context(), "2026-12-09/a"); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"Upper"}, names(t, filepath.Join(dir, "2026-12-09"))); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

func list(t *testing.T, b *Bucket) []string {
	t.Helper()
	var keys []string
	for key, err := range b.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	return keys
}

func TestAClosedBucketSaysSo(t *testing.T) {
	b := open(t, t.TempDir())
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := b.Write(t.Context(), "a", nil); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Write: %v", err)
	}
	if _, err := b.Open(t.Context(), "a"); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Open: %v", err)
	}
	for _, err := range b.List(t.Context(), "") {
		if !errors.Is(err, fs.ErrClosed) {
			t.Errorf("List: %v", err)
		}
	}
}

func TestNewRefusesWhatIsNoFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	nowhere := filepath.Join(t.TempDir(), "nowhere")
	if err := os.Symlink(nowhere+".else", nowhere); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"", file, filepath.Join(file, "below"), nowhere, filepath.Join(nowhere, "below", "it")} {
		if _, err := New(dir); err == nil {
			t.Errorf("New(%q) works", dir)
		}
	}
}
