package filebucket

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/queue"
)

var badKeys = []string{
	"", "/", "a/", "/a", "a//b", "/etc/passwd", // absolute, or an empty segment
	".", "..", "../a", "a/../b", "a/..", "a/.", "./a", "...", ".hidden", "a/.b", "a.", "a./b",
	`a\b`, `..\a`, `C:\a`, "c:a", `\\host\share`,
	"\x00", "a\x00b", "a\n", "a b", "ä", "\xff", "🚰", "a\u202eb", "ａ",
	"A", "2026-12-09/Upper", // one file with "a" on some disks
	"_temp", "_temp/a", "2026-12-09/_temp/a", "a_b",
	"~", "a%2e", "*", "a?b", "$HOME", "-/\x7f",
	strings.Repeat("x", 256), strings.Repeat("x/", 512) + "x",
}

func TestBadKeysAreRefused(t *testing.T) {
	dir := t.TempDir()
	b := open(t, filepath.Join(dir, "bucket"))
	for _, key := range badKeys {
		_, openErr := b.Open(t.Context(), key)
		for verb, err := range map[string]error{
			"Write": b.Write(t.Context(), key, []byte("x")), "Open": openErr, "Delete": b.Delete(t.Context(), key),
		} {
			var invalid *queue.InvalidError
			if !errors.As(err, &invalid) || !errors.Is(err, queue.ErrInvalid) {
				t.Errorf("%s(%q): %v, want a *queue.InvalidError", verb, key, err)
			}
		}
	}
	if diff := cmp.Diff([]string{"bucket"}, names(t, dir)); diff != "" {
		t.Errorf("outside (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{}, names(t, filepath.Join(dir, "bucket"))); diff != "" {
		t.Errorf("inside (-want +got):\n%s", diff)
	}
}

func TestAKeyIsNotTheFolderOfAnother(t *testing.T) {
	b := open(t, t.TempDir())
	if err := b.Write(t.Context(), "a/b", nil); err != nil {
		t.Fatal(err)
	}
	if err := b.Write(t.Context(), "a", nil); !errors.Is(err, queue.ErrInvalid) || errors.Is(err, fs.ErrExist) {
		t.Errorf("the folder of an object: %v", err)
	}
	if err := b.Write(t.Context(), "a/b/c", nil); !errors.Is(err, queue.ErrInvalid) {
		t.Errorf("below an object: %v", err)
	}
	if err := b.Write(t.Context(), "a/b/c/d", nil); !errors.Is(err, queue.ErrInvalid) {
		t.Errorf("two below an object: %v", err)
	}
}

// TestSymbolicLinksDoNotLeadOutside: whoever can write into the folder mustn't
// make a worker read or remove what else the worker's user may.
func TestSymbolicLinksDoNotLeadOutside(t *testing.T) {
	dir := t.TempDir()
	outside, inside := filepath.Join(dir, "outside"), filepath.Join(dir, "bucket")
	b := open(t, inside)
	err := errors.Join(
		os.Mkdir(outside, 0o700),
		os.WriteFile(filepath.Join(outside, "secret"), []byte("canary"), 0o600),
		os.Symlink(outside, filepath.Join(inside, "2026-12-09")),
		os.Symlink("../outside", filepath.Join(inside, "2026-12-10")),
		os.Symlink(filepath.Join(outside, "secret"), filepath.Join(inside, "leaf")),
	)
	if err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	for _, key := range []string{"2026-12-09/secret", "2026-12-10/secret", "leaf"} {
		if r, err := b.Open(t.Context(), key); err == nil {
			r.Close()
			t.Errorf("%s was opened", key)
		}
		if err := b.Write(t.Context(), key+"-new", nil); err == nil && path.Dir(key) != "." {
			t.Errorf("%s-new was written", key)
		}
		_ = b.Delete(t.Context(), key) // an error, or nothing done
	}
	if got := list(t, b); !cmp.Equal(got, []string{"leaf-new"}) {
		t.Errorf("List: %q", got)
	}
	if diff := cmp.Diff([]string{"secret"}, names(t, outside)); diff != "" {
		t.Errorf("outside (-want +got):\n%s", diff)
	}
}

// FuzzKey: a key is refused, or it is one object, in the bucket, under that name.
func FuzzKey(f *testing.F) {
	for _, key := range badKeys {
		f.Add(key)
	}
	f.Add("2026-12-09/0b6c1d5e-94d4-4a3c-8a55-3e0f6a2b6d0c")
	f.Add("a.b/c-d/0")
	dir := f.TempDir()
	b, err := New(filepath.Join(dir, "bucket"))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { b.Close() })

	f.Fuzz(func(t *testing.T, key string) {
		err := b.Write(t.Context(), key, []byte(key))
		if err != nil && !errors.Is(err, queue.ErrInvalid) {
			t.Errorf("Write(%q): %v", key, err)
		}
		if err == nil {
			if !filepath.IsLocal(filepath.FromSlash(key)) || path.Clean(key) != key || strings.ToLower(key) != key {
				t.Errorf("%q was taken", key)
			}
			if got := list(t, b); !cmp.Equal(got, []string{key}) {
				t.Errorf("List: %q, want %q", got, key)
			}
			if err := b.Delete(t.Context(), key); err != nil {
				t.Errorf("Delete(%q): %v", key, err)
			}
		}
		if got := names(t, filepath.Join(dir, "bucket")); len(got) > 1 || len(got) == 1 && got[0] != tempDir {
			t.Errorf("%q left %q", key, got)
		}
		if got := names(t, dir); len(got) != 1 {
			t.Errorf("%q left %q outside", key, got)
		}
	})
}
