package sqlite_test

import (
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/sqlite"
)

var quiet = slog.New(slog.DiscardHandler)

// write makes a file.
func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestBadInput_Files: what isn't a store says which thing is wrong, and is left alone.
func TestBadInput_Files(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "text"), strings.Repeat("not a database ", 100))
	write(t, filepath.Join(folder, "short"), "not a database")
	write(t, filepath.Join(folder, "cut"), "SQLite format 3\x00")
	for name, c := range map[string]struct {
		path string
		want error
	}{
		"no name":            {"", backends.ErrInvalid},
		"in memory":          {":memory:", backends.ErrInvalid},
		"in memory, as URI":  {"file::memory:?cache=shared", backends.ErrInvalid},
		"a folder's name":    {folder + "/", backends.ErrInvalid},
		"a NUL":              {filepath.Join(folder, "a\x00b"), backends.ErrInvalid},
		"a folder":           {folder, sqlite.ErrNoFile},
		"no folder":          {filepath.Join(folder, "none", "jobs.db"), sqlite.ErrNoFile},
		"a file as folder":   {filepath.Join(folder, "text", "jobs.db"), sqlite.ErrNoFile},
		"a name too long":    {filepath.Join(folder, strings.Repeat("x", 1000)), sqlite.ErrNoFile},
		"another file":       {filepath.Join(folder, "text"), sqlite.ErrNotDatabase},
		"a small file":       {filepath.Join(folder, "short"), sqlite.ErrNotDatabase},
		"only the beginning": {filepath.Join(folder, "cut"), sqlite.ErrNotDatabase},
	} {
		t.Run(name, func(t *testing.T) {
			before, _ := os.ReadFile(c.path)
			b, err := sqlite.Open(t.Context(), c.path, sqlite.Options{Logger: quiet})
			if err == nil {
				b.Close()
			}
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if after, _ := os.ReadFile(c.path); string(after) != string(before) {
				t.Error("the file was changed")
			}
		})
	}
	left, err := os.ReadDir(folder)
	if err != nil || len(left) != 3 {
		t.Errorf("%d files are there, of 3: %v, %v", len(left), left, err)
	}
}

// TestBadInput_NamesOfFiles: any name is one of a file, and of no other.
func TestBadInput_NamesOfFiles(t *testing.T) {
	for _, name := range []string{"a b", "a?mode=memory", "a#b", "a%41", "ä\u202e🚀", "a;b'\"", "-x", "a:b", "..db", `a\b`} {
		folder := t.TempDir()
		b := opened(t, folder+"//"+name, sqlite.Options{Synchronous: "off"})
		enqueued(t, b, "one")
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if left, _ := os.ReadDir(folder); len(left) != 1 || left[0].Name() != name {
			t.Errorf("%q made %v", name, left)
		}
	}
	t.Chdir(t.TempDir())
	enqueued(t, opened(t, "a:b", sqlite.Options{}), "one")
	enqueued(t, opened(t, "//"+t.TempDir()+"/x", sqlite.Options{}), "one")
}

// TestBadInput_Damaged: a file whose pages were overwritten is reported as such.
func TestBadInput_Damaged(t *testing.T) {
	file := filepath.Join(t.TempDir(), "jobs.db")
	b := opened(t, file, sqlite.Options{Synchronous: "off"})
	for i := range 100 {
		enqueued(t, b, fmt.Sprint(i))
	}
	b.Close()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := 4096; i < len(text); i++ {
		text[i] = 0xa5
	}
	write(t, file, string(text))
	b, err = sqlite.Open(t.Context(), file, sqlite.Options{Logger: quiet})
	if err == nil {
		err = enqueue(t.Context(), b, "more")
		b.Close()
	}
	if !errors.Is(err, sqlite.ErrCorrupt) {
		t.Errorf("got %v, want %v", err, sqlite.ErrCorrupt)
	}
}

// TestBadInput_URLs: what is wrong with a URL is said without its secrets.
func TestBadInput_URLs(t *testing.T) {
	t.Chdir(t.TempDir())
	const secret = "hunter2-hunter2"
	for _, raw := range []string{
		"sqlite://ann:" + secret + "@host/jobs.db",
		"sqlite://" + secret + "@jobs.db",
		"sqlite://host:5432/jobs.db?password=" + secret,
		"sqlite://jobs.db?password=" + secret,
		"sqlite://jobs.db?" + secret,
		"sqlite://jobs.db?synchronous=" + secret,
		"sqlite://jobs.db?busy=" + secret,
		"sqlite://jobs.db?busy=-1s",
		"sqlite://jobs.db?busy=100000h",
		"sqlite://jobs.db?prefix=" + secret,
		"sqlite://jobs.db?migrate=" + secret,
		"sqlite://jobs.db?anyfs=" + secret,
		"sqlite://jobs.db?busy=1s&busy=" + secret,
		"sqlite://jobs.db?a;b=" + secret,
		"sqlite://jobs.db?a=%zz" + secret,
		"sqlite://jobs.db#" + secret,
		"sqlite://",
		"sqlite:///",
		"sqlite:",
		"sqlite::memory:",
		"sqlite:///:memory:",
	} {
		b, err := backends.Open(t.Context(), raw)
		if err == nil {
			b.Close()
		}
		if !errors.Is(err, backends.ErrInvalid) {
			t.Errorf("%s: got %v, want %v", raw, err, backends.ErrInvalid)
		}
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%s: its error says the secret: %v", raw, err)
		}
	}
	if left, _ := os.ReadDir("."); len(left) != 0 {
		t.Errorf("something was made: %v", left)
	}
	for _, raw := range []string{"sqlite://jobs.db", "sqlite:jobs.db", "sqlite://./jobs.db?queue=q&synchronous=NORMAL&busy=1s&prefix=x_&migrate=true&anyfs=false"} {
		b, err := backends.Open(t.Context(), raw)
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		b.Close()
	}
	if left, _ := os.ReadDir("."); len(left) != 1 {
		t.Errorf("one file has three names: %v", left)
	}
}

// TestBadInput_Options: options that can't be meant.
func TestBadInput_Options(t *testing.T) {
	file := filepath.Join(t.TempDir(), "jobs.db")
	for _, o := range []sqlite.Options{
		{Synchronous: "paranoid"},
		{Synchronous: "full; DROP TABLE leat_jobs"},
		{BusyTimeout: -time.Second},
		{BusyTimeout: 1000 * time.Hour},
		{Prefix: "x; DROP TABLE leat_jobs"},
		{Prefix: "sqlite_"},
		{Prefix: "sqlite_x_"},
		{Prefix: "X_"},
		{Prefix: "x"},
		{Prefix: "_"},
		{Prefix: `x"_`},
		{Prefix: "x_\n"},
		{Prefix: "ä_"},
		{Prefix: strings.Repeat("x", 100) + "_"},
	} {
		o.Logger = quiet
		b, err := sqlite.Open(t.Context(), file, o)
		if err == nil {
			b.Close()
		}
		if !errors.Is(err, backends.ErrInvalid) {
			t.Errorf("%+v: got %v", o, err)
		}
		if _, err := sqlite.Migrations(o.Prefix); o.Prefix != "" && !errors.Is(err, backends.ErrInvalid) {
			t.Errorf("Migrations(%q): %v", o.Prefix, err)
		}
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("the file was made all the same")
	}
}

// TestBadInput_PrefixesShareAFile: two stores in one file don't see each other, nor does
// one that has the default's name in its own.
func TestBadInput_PrefixesShareAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "jobs.db")
	all := map[string]*sqlite.Backend{}
	for _, prefix := range []string{"", "x_", "leat_leat_", "x_leat_"} {
		all[prefix] = opened(t, file, sqlite.Options{Prefix: prefix, Synchronous: "off"})
	}
	for prefix, b := range all {
		enqueued(t, b, "of "+prefix, "second of "+prefix)
	}
	for prefix, b := range all {
		for other := range all {
			_, err := b.Lookup(t.Context(), backends.Ref{Tenant: "zeta", ID: "of " + other}, 0)
			if want := prefix == other; (err == nil) != want {
				t.Errorf("%q looks up a job of %q: %v", prefix, other, err)
			}
		}
		leases := claim(t, b, 10)
		if len(leases) != 2 || leases[0].Job.ID != "of "+prefix {
			t.Errorf("%q claimed %d jobs", prefix, len(leases))
		}
	}
}

// TestBadInput_Databases: what sqlite.New is given.
func TestBadInput_Databases(t *testing.T) {
	file := filepath.Join(t.TempDir(), "jobs.db")
	narrow := func(db *sql.DB, n int) *sql.DB {
		db.SetMaxOpenConns(n)
		return db
	}
	opened(t, file, sqlite.Options{}).Close()
	other := filepath.Join(t.TempDir(), "other.db")
	for name, c := range map[string]struct {
		db   *sql.DB
		want error
	}{
		"one connection":    {narrow(plain(file), 1), backends.ErrInvalid},
		"two connections":   {narrow(plain(file), 2), backends.ErrInvalid},
		"three connections": {narrow(plain(file), 3), nil},
		"in memory":         {with(":memory:", nil), backends.ErrInvalid},
		"in memory, named":  {with("x", url.Values{"mode": {"memory"}, "cache": {"shared"}}), backends.ErrInvalid},
		"temporary":         {with("", nil), backends.ErrInvalid},
		"rollback journal":  {plain(other, "journal_mode(TRUNCATE)"), nil},
		"read-only":         {with(file, url.Values{"mode": {"ro"}}), sqlite.ErrReadOnly},
		"queries only":      {plain(file, "query_only(1)"), sqlite.ErrReadOnly},
		"immutable":         {with(file, url.Values{"immutable": {"1"}}), backends.ErrInvalid},
		"no file":           {with(file+"none", url.Values{"mode": {"rw"}}), sqlite.ErrNoFile},
	} {
		t.Run(name, func(t *testing.T) {
			defer c.db.Close()
			b, err := sqlite.New(t.Context(), c.db, sqlite.Options{Logger: quiet})
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if err == nil {
				enqueued(t, b, "one")
				claim(t, b, 1)
				if err := b.Close(); err != nil {
					t.Error(err)
				}
				if err := c.db.Ping(); err != nil {
					t.Errorf("the database is the caller's to close: %v", err)
				}
			}
			if n := c.db.Stats().InUse; n != 0 {
				t.Errorf("%d connections are still in use", n)
			}
		})
	}
}
