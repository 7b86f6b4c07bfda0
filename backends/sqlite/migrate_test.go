package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/backends/sqlite"
)

// schema is all that a file says of its tables, in a form to compare.
func schema(t *testing.T, db *sql.DB) (all []string) {
	t.Helper()
	rows, err := db.Query(`SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	return all
}

func migrated(t *testing.T, db *sql.DB, prefix string, version int) {
	t.Helper()
	if err := sqlite.Migrate(t.Context(), db, prefix, version); err != nil {
		t.Fatal(err)
	}
}

func mustExec(t *testing.T, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.Exec(query, args...); err != nil {
		t.Fatal(err)
	}
}

// newest is the newest version of the schema.
func newest(t *testing.T) int {
	t.Helper()
	all, err := sqlite.Migrations("")
	if err != nil || len(all) == 0 {
		t.Fatal(len(all), err)
	}
	return all[len(all)-1].Version
}

// TestRule_Migrations_UpDownUp: each step can be undone, all of them leave nothing, and
// what is there twice is there once.
func TestRule_Migrations_UpDownUp(t *testing.T) {
	for _, prefix := range []string{"", "x_"} {
		db := plain(filepath.Join(t.TempDir(), "jobs.db"))
		defer db.Close()
		mustExec(t, db, `CREATE TABLE theirs (x)`)
		before := schema(t, db)
		var up [][]string
		for v := 1; v <= newest(t); v++ {
			migrated(t, db, prefix, v)
			up = append(up, schema(t, db))
			migrated(t, db, prefix, v)
			if diff := cmp.Diff(up[v-1], schema(t, db)); diff != "" {
				t.Errorf("%q: version %d twice isn't version %d once:\n%s", prefix, v, v, diff)
			}
		}
		for v := newest(t); v > 0; v-- {
			migrated(t, db, prefix, v)
			if diff := cmp.Diff(up[v-1], schema(t, db)); diff != "" {
				t.Errorf("%q: back to version %d:\n%s", prefix, v, diff)
			}
		}
		migrated(t, db, prefix, 0)
		if diff := cmp.Diff(before, schema(t, db)); diff != "" {
			t.Errorf("%q: down to nothing leaves:\n%s", prefix, diff)
		}
		migrated(t, db, prefix, 0)
		migrated(t, db, prefix, -1)
		migrated(t, db, prefix, -1)
		if diff := cmp.Diff(up[len(up)-1], schema(t, db)); diff != "" {
			t.Errorf("%q: up again:\n%s", prefix, diff)
		}
	}
}

// TestRule_Migrations_KeepJobs: a program that starts finds the jobs of the one before.
func TestRule_Migrations_KeepJobs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "jobs.db")
	for _, id := range []string{"1", "2", "3"} {
		b := opened(t, file, sqlite.Options{Synchronous: "off"})
		enqueued(t, b, id)
		b.Close()
	}
	if leases := claim(t, opened(t, file, sqlite.Options{Migrated: true}), 10); len(leases) != 3 {
		t.Errorf("%d jobs, of 3", len(leases))
	}
}

// TestRule_Migrations_Printable: somebody else's tool can run them, and they name nothing
// outside their prefix.
func TestRule_Migrations_Printable(t *testing.T) {
	all, err := sqlite.Migrations("x_")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "jobs.db")
	db := plain(file)
	defer db.Close()
	mustExec(t, db, `CREATE TABLE x_schema (version INTEGER PRIMARY KEY, name TEXT NOT NULL, needs INTEGER NOT NULL) STRICT`)
	for i, m := range all {
		if m.Version != i+1 || m.Name == "" || m.Up == "" || m.Down == "" {
			t.Errorf("step %d: %+v", i, m)
		}
		if strings.Contains(m.Up+m.Down, sqlite.DefaultPrefix) {
			t.Errorf("step %d names %s", i, sqlite.DefaultPrefix)
		}
		mustExec(t, db, m.Up)
		mustExec(t, db, `INSERT INTO x_schema VALUES (?, ?, ?)`, m.Version, m.Name, m.Version-1)
	}
	for _, line := range schema(t, db) {
		if name := strings.Fields(line)[1]; !strings.HasPrefix(name, "x_") && !strings.HasPrefix(name, "sqlite_autoindex_x_") {
			t.Errorf("%s has no prefix", name)
		}
	}
	b := opened(t, file, sqlite.Options{Prefix: "x_", Migrated: true})
	enqueued(t, b, "one")
	claim(t, b, 1)
	b.Close()
	for _, m := range all {
		mustExec(t, db, m.Down)
	}
}

// TestBadInput_Schemas: which versions of program and file go together. Each is tried by
// who may migrate and by who may not.
func TestBadInput_Schemas(t *testing.T) {
	n := newest(t)
	for name, c := range map[string]struct {
		edit                string
		migrates, onlyLooks error
	}{
		"none":             {"", nil, sqlite.ErrSchema},
		"an empty table":   {`CREATE TABLE leat_schema (version INTEGER PRIMARY KEY, name TEXT NOT NULL, needs INTEGER NOT NULL) STRICT`, nil, sqlite.ErrSchema},
		"somebody else's":  {`CREATE TABLE leat_schema (colour TEXT)`, sqlite.ErrSchema, sqlite.ErrSchema},
		"this one":         {"up", nil, nil},
		"one newer":        {fmt.Sprintf(`up; INSERT INTO leat_schema VALUES (%d, 'more', %d)`, n+1, n), nil, nil},
		"two newer":        {fmt.Sprintf(`up; INSERT INTO leat_schema VALUES (%d, 'more', %d), (%d, 'yet more', %d)`, n+1, n, n+2, n+1), sqlite.ErrSchema, sqlite.ErrSchema},
		"newer, breaking":  {fmt.Sprintf(`up; INSERT INTO leat_schema VALUES (%d, 'other', %d)`, n+1, n+1), sqlite.ErrSchema, sqlite.ErrSchema},
		"another's tables": {`CREATE TABLE leat_jobs (x)`, sqlite.ErrSchema, sqlite.ErrSchema},
	} {
		for migrates, want := range map[bool]error{true: c.migrates, false: c.onlyLooks} {
			t.Run(fmt.Sprintf("%s/migrates=%v", name, migrates), func(t *testing.T) {
				file := filepath.Join(t.TempDir(), "jobs.db")
				db := plain(file)
				defer db.Close()
				edit, up := strings.CutPrefix(c.edit, "up")
				if up {
					migrated(t, db, "", -1)
				}
				mustExec(t, db, strings.TrimPrefix(edit, ";")+";")
				before := schema(t, db)
				b, err := sqlite.Open(t.Context(), file, sqlite.Options{Migrated: !migrates, Logger: quiet})
				if err == nil {
					enqueued(t, b, "one")
					claim(t, b, 1)
					b.Close()
				}
				if !errors.Is(err, want) {
					t.Errorf("got %v, want %v", err, want)
				}
				if err == nil {
					return
				}
				if diff := cmp.Diff(before, schema(t, db)); diff != "" {
					t.Errorf("the file was changed all the same:\n%s", diff)
				}
			})
		}
	}
}

// TestBadInput_Versions: what Migrate can't do, it doesn't begin.
func TestBadInput_Versions(t *testing.T) {
	n := newest(t)
	db := plain(filepath.Join(t.TempDir(), "jobs.db"))
	defer db.Close()
	if err := sqlite.Migrate(t.Context(), db, "", n+1); !errors.Is(err, sqlite.ErrSchema) {
		t.Errorf("a version that there isn't: %v", err)
	}
	if got := schema(t, db); len(got) != 0 {
		t.Errorf("it made %v", got)
	}
	migrated(t, db, "", -1)
	mustExec(t, db, `INSERT INTO leat_schema VALUES (?, 'more', ?)`, n+1, n)
	migrated(t, db, "", -1) // a newer one that this program can use stays
	before := schema(t, db)
	for v := range n + 1 {
		if err := sqlite.Migrate(t.Context(), db, "", v); !errors.Is(err, sqlite.ErrSchema) {
			t.Errorf("down to %d, past a step that it doesn't know: %v", v, err)
		}
	}
	if diff := cmp.Diff(before, schema(t, db)); diff != "" {
		t.Errorf("something was undone:\n%s", diff)
	}
}

func init() {
	roles["open"] = func(ctx context.Context, path string) {
		b, err := sqlite.Open(ctx, path, sqlite.Options{Logger: quiet})
		if err == nil {
			err = errors.Join(enqueue(ctx, b, "theirs"), b.Close())
		}
		fmt.Println(err)
	}
}

// TestRule_Migrations_TenProcessesStartTogether on a file that none of them has made.
func TestRule_Migrations_TenProcessesStartTogether(t *testing.T) {
	for range size(2, 10) {
		file := filepath.Join(t.TempDir(), "jobs.db")
		var answers [10]chan []byte
		for i := range answers {
			answers[i] = make(chan []byte, 1)
			cmd := child(t, "open", file)
			go func() {
				out, _ := cmd.CombinedOutput()
				answers[i] <- out
			}()
		}
		for i := range answers {
			if got := strings.TrimSpace(string(<-answers[i])); got != "<nil>" {
				t.Errorf("process %d: %s", i, got)
			}
		}
		db := plain(file)
		var rows, most, needs int
		if err := db.QueryRow(`SELECT count(*), max(version), max(needs) FROM leat_schema`).Scan(&rows, &most, &needs); err != nil {
			t.Fatal(err)
		}
		if n := newest(t); rows != n || most != n || needs != n-1 {
			t.Errorf("%d rows, version %d, needs %d", rows, most, needs)
		}
		db.Close()
		expectWhole(t, file, map[string]bool{"theirs": true})
	}
}
