package sqlite

import (
	"bytes"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
)

// TestBadInput_NetworkFileSystem: it is refused, or warned of where its user insists.
func TestBadInput_NetworkFileSystem(t *testing.T) {
	file := filepath.Join(t.TempDir(), "jobs.db")
	var asked string
	o := Options{network: func(path string) string {
		asked = path
		return "NFS"
	}}
	b, err := Open(t.Context(), file, o)
	if err == nil {
		b.Close()
	}
	if !errors.Is(err, ErrNetwork) || !strings.Contains(err.Error(), "NFS") {
		t.Errorf("got %v, want %v", err, ErrNetwork)
	}
	if asked != file {
		t.Errorf("it looked at %q", asked)
	}
	var log bytes.Buffer
	o.AnyFileSystem, o.Logger = true, slog.New(slog.NewTextHandler(&log, nil))
	if b, err = Open(t.Context(), file, o); err != nil {
		t.Fatal(err)
	}
	b.Close()
	if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "kind=NFS") {
		t.Errorf("it said %q", &log)
	}
}

func TestBadInput_LocalFileSystem(t *testing.T) {
	for _, path := range []string{t.TempDir(), filepath.Join(t.TempDir(), "none"), ""} {
		if kind := networkFileSystem(path); kind != "" {
			t.Errorf("%q is on %s", path, kind)
		}
	}
}
