package sqlite_test

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/sqlite"
)

// FuzzURL: a URL is opened, or refused as such; no text of it ends up in SQL, and no
// secret in an error.
func FuzzURL(f *testing.F) {
	for _, s := range []string{"", "full", "10s", "x_", "true", "-1ns", "1e9h", "sqlite_", "x'; DROP TABLE leat_jobs; --", "\x00", "ü_", "99999999999h"} {
		f.Add(s, s, s, s)
	}
	const secret = "hunter2-hunter2"
	f.Fuzz(func(t *testing.T, synchronous, busy, prefix, migrate string) {
		file := filepath.Join(t.TempDir(), "jobs.db")
		u := url.URL{Scheme: "sqlite", Path: file, RawQuery: url.Values{
			"synchronous": {synchronous}, "busy": {busy}, "prefix": {prefix}, "migrate": {migrate},
		}.Encode()}
		b, err := backends.Open(t.Context(), u.String())
		switch {
		case err == nil:
			enqueued(t, b, "one")
			b.Close()
			expectTables(t, file, prefix)
		case !errors.Is(err, backends.ErrInvalid) && !errors.Is(err, sqlite.ErrSchema):
			t.Errorf("%s: %v", &u, err)
		}
		u.RawQuery += "&" + url.QueryEscape(prefix) + "=" + secret
		if b, err := backends.Open(t.Context(), u.String()); err == nil {
			b.Close()
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", &u, err)
		}
	})
}

// expectTables expects tables with that prefix, and no others.
func expectTables(t *testing.T, file, prefix string) {
	t.Helper()
	if prefix == "" {
		prefix = sqlite.DefaultPrefix
	}
	db := plain(file)
	defer db.Close()
	for _, line := range schema(t, db) {
		if name := strings.Fields(line)[1]; !strings.HasPrefix(strings.TrimPrefix(name, "sqlite_autoindex_"), prefix) {
			t.Errorf("prefix %q made %s", prefix, name)
		}
	}
}

// FuzzFile: whatever is in a file, it is a store or there is an error, and no panic.
func FuzzFile(f *testing.F) {
	file := filepath.Join(f.TempDir(), "jobs.db")
	db := plain(file)
	if err := sqlite.Migrate(f.Context(), db, "", -1); err != nil {
		f.Fatal(err)
	}
	db.Close()
	whole, err := os.ReadFile(file)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(0, []byte("SQLite format 4"))
	f.Add(16, []byte{0xff, 0xff, 9})
	f.Add(100, []byte{0, 0, 0, 0, 0xff})
	f.Add(5000, []byte("leat"))
	f.Fuzz(func(t *testing.T, at int, text []byte) {
		if at < 0 || at+len(text) > len(whole) {
			return
		}
		broken := append([]byte(nil), whole...)
		copy(broken[at:], text)
		file := filepath.Join(t.TempDir(), "jobs.db")
		write(t, file, string(broken))
		b, err := sqlite.Open(t.Context(), file, sqlite.Options{Synchronous: "off", Logger: quiet})
		if err != nil {
			return
		}
		_ = enqueue(t.Context(), b, "one")
		_, _ = b.Lookup(t.Context(), backends.Ref{Tenant: "zeta", ID: "one"}, 0)
		_ = b.Close()
	})
}
