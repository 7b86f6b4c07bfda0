package sqlite_test

import (
	"context"
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

// TestBadInput_Locked: another program that holds the lock for long. What it kept
// waiting may be repeated, and what was acknowledged before stands.
func TestBadInput_Locked(t *testing.T) {
	file := filepath.Join(t.TempDir(), "jobs.db")
	b := opened(t, file, sqlite.Options{BusyTimeout: 50 * time.Millisecond})
	enqueued(t, b, "1", "2", "3", "4")
	lease := claim(t, b, 1)[0]
	db := plain(file)
	defer db.Close()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	exec := func(q string) {
		t.Helper()
		if _, err := conn.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	exec("BEGIN EXCLUSIVE")
	settle := func() error {
		_, err := b.Settle(t.Context(), []backends.Settlement{{Lease: lease, Verb: backends.Commit, Outcome: backends.Succeeded}})
		return err
	}
	verbs := map[string]func() error{
		"Enqueue": func() error { return enqueue(t.Context(), b, "5") },
		"Claim": func() error {
			_, err := b.Claim(t.Context(), backends.ClaimRequest{Queue: "q", Max: 1, Lease: time.Minute})
			return err
		},
		"Extend": func() error {
			_, err := b.Extend(t.Context(), time.Minute, []backends.Beat{{Lease: lease}})
			return err
		},
		"Settle": settle,
		"Cancel": func() error {
			_, err := b.Cancel(t.Context(), []backends.Ref{{Tenant: "zeta", ID: "4"}})
			return err
		},
		"Put": func() error {
			_, err := b.Cells().Put(t.Context(), "c", nil, "", time.Time{})
			return err
		},
		"Open": func() error {
			b, err := sqlite.Open(t.Context(), file, sqlite.Options{Logger: quiet, BusyTimeout: time.Millisecond})
			if err == nil {
				b.Close()
			}
			return err
		},
		"Migrate": func() error { return sqlite.Migrate(t.Context(), db, "", -1) },
	}
	for verb, call := range verbs {
		start := time.Now()
		if err := call(); !errors.Is(err, sqlite.ErrLocked) {
			t.Errorf("%s: got %v, want %v", verb, err, sqlite.ErrLocked)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s took %v", verb, took)
		}
	}
	if r, err := b.Lookup(t.Context(), lease.Job.Ref, 0); err != nil || r.State != backends.Running {
		t.Errorf("reads go on: got %v, %v", r, err)
	}
	exec("COMMIT")
	if err := errors.Join(settle(), enqueue(t.Context(), b, "5")); err != nil {
		t.Errorf("after the lock was let go: %v", err)
	}
	if leases := claim(t, b, 10); len(leases) != 4 {
		t.Errorf("%d jobs are there, of 4", len(leases))
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	expectWhole(t, file, map[string]bool{"1": true, "2": true, "3": true, "4": true, "5": true})
}

// TestBadInput_LockedBeforeItOpens: the lock of a file that isn't in WAL mode shuts
// readers out too.
func TestBadInput_LockedBeforeItOpens(t *testing.T) {
	file := filepath.Join(t.TempDir(), "jobs.db")
	db := plain(file, "journal_mode(DELETE)")
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("CREATE TABLE theirs (x); BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
	_, err := sqlite.Open(t.Context(), file, sqlite.Options{Logger: quiet, BusyTimeout: 50 * time.Millisecond})
	if !errors.Is(err, sqlite.ErrLocked) {
		t.Errorf("got %v, want %v", err, sqlite.ErrLocked)
	}
	if _, err := db.Exec("COMMIT"); err != nil {
		t.Fatal(err)
	}
	enqueued(t, opened(t, file, sqlite.Options{}), "one")
}

// TestBadInput_ACallersContextEndsBeforeTheLock: who waits in line may leave.
func TestBadInput_ACallersContextEndsBeforeTheLock(t *testing.T) {
	b := opened(t, filepath.Join(t.TempDir(), "jobs.db"), sqlite.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := enqueue(ctx, b, "1"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	enqueued(t, b, "1")
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
