package filebucket

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// writerDir tells a copy of this test program to be a writer there.
const writerDir = "LEAT_FILEBUCKET_WRITER"

// writeForEver says which keys were written, until it is killed.
func writeForEver(dir string) {
	b, err := New(dir)
	for i := 0; err == nil; i++ {
		key := fmt.Sprintf("2026-12-09/%d-%d", os.Getpid(), i)
		if err = b.Write(context.Background(), key, body(key)); err == nil {
			_, err = fmt.Println(key)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// body is large, and tells which key it belongs to from end to end.
func body(key string) []byte { return bytes.Repeat([]byte(key+"\n"), 20_000) }

// TestRule_R3_AKilledWriterLosesNothing: what was acknowledged is there, and
// whatever else is there is whole.
func TestRule_R3_AKilledWriterLosesNothing(t *testing.T) {
	dir := t.TempDir()
	acknowledged := map[string]bool{}
	for kill := range 10 {
		for _, key := range killedAfter(t, dir, 1+kill%4) {
			acknowledged[key] = true
		}
	}
	b := open(t, dir)
	for _, key := range list(t, b) {
		r, err := b.Open(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err = errors.Join(err, r.Close()); err != nil || !bytes.Equal(data, body(key)) {
			t.Errorf("%s: %d bytes of %d, %v", key, len(data), len(body(key)), err)
		}
		delete(acknowledged, key)
	}
	if len(acknowledged) != 0 {
		t.Errorf("lost: %v", acknowledged)
	}
	if left := names(t, filepath.Join(dir, tempDir)); len(left) > 10 {
		t.Errorf("10 dead writers left %d files", len(left))
	}
}

// killedAfter returns the keys that a writer acknowledged, which is killed while
// it writes on.
func killedAfter(t *testing.T, dir string, n int) (keys []string) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), writerDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if keys = append(keys, lines.Text()); len(keys) == n {
			cmd.Process.Kill()
		}
	}
	if cmd.Wait(); len(keys) < n {
		t.Fatalf("the writer ended by itself: %v", cmd.ProcessState)
	}
	return keys
}

func TestLeftoversAreClearedWhenOld(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir)
	leave := func(name string, age time.Duration) {
		path, at := filepath.Join(dir, tempDir, name), time.Now().Add(-age)
		err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600), os.Chtimes(path, at, at))
		if err != nil {
			t.Fatal(err)
		}
	}
	for how, clear := range map[string]func(){
		"New":  func() { open(t, dir) },
		"List": func() { list(t, b) },
	} {
		leave("dead", stale+time.Minute)
		leave("alive", stale-time.Minute)
		clear()
		if diff := cmp.Diff([]string{"alive"}, names(t, filepath.Join(dir, tempDir))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", how, diff)
		}
	}
}

// TestADeadWritersClaim: without hard links, its key is refused for an hour, and
// not as if the object were there.
func TestADeadWritersClaim(t *testing.T) {
	b := unlinked(t, t.TempDir(), errors.ErrUnsupported)
	name := claimOf("2026-12-09/a")
	if err := b.claim(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := b.Write(ctx, "2026-12-09/a", nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a caller with little time: %v", err)
	}
	if err := b.Write(t.Context(), "2026-12-09/a", nil); err == nil || errors.Is(err, fs.ErrExist) {
		t.Errorf("a caller with time: %v", err)
	}
	if err := b.Write(t.Context(), "2026-12-09/b", nil); err != nil {
		t.Errorf("another key: %v", err)
	}
	old := time.Now().Add(-stale)
	if err := b.root.Chtimes(name, old, old); err != nil {
		t.Fatal(err)
	}
	list(t, b)
	if err := b.Write(t.Context(), "2026-12-09/a", nil); err != nil {
		t.Errorf("an hour later: %v", err)
	}
}

func TestAWriterWhoseContextEndsLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	link := b.link
	b.link = func(from, to string) error { // as if the folder went away each time
		cancel()
		return &os.LinkError{Op: "link", Old: from, New: to, Err: fs.ErrNotExist}
	}
	if err := b.Write(ctx, "2026-12-09/a", []byte("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("Write: %v", err)
	}
	b.link = link
	if got := names(t, filepath.Join(dir, tempDir)); len(got) != 0 {
		t.Errorf("left %q", got)
	}
	if err := b.Write(t.Context(), "2026-12-09/a", []byte("x")); err != nil {
		t.Error(err)
	}
}
