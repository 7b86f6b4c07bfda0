package sqlite_test

import (
	"context"
	"database/sql"
	"log/slog"
	"net/url"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/sqlite"
)

// opened is a store that the end of the test closes.
func opened(t *testing.T, path string, o sqlite.Options) *sqlite.Backend {
	t.Helper()
	o.Logger = slog.New(slog.DiscardHandler)
	b, err := sqlite.Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// plain opens a file as a program that knows nothing of Leat does.
func plain(path string, pragmas ...string) *sql.DB {
	return with(path, url.Values{"_pragma": pragmas})
}

func with(path string, params url.Values) *sql.DB {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+params.Encode())
	if err != nil {
		panic(err) // no file is opened yet
	}
	return db
}

func enqueue(ctx context.Context, b backends.Backend, id string) error {
	out, err := b.Enqueue(ctx, backends.EnqueueRequest{Queue: "q", Jobs: []backends.Job{{
		Ref: backends.Ref{Tenant: "zeta", ID: id}, Kind: "k", Payload: make([]byte, 1<<10),
	}}})
	if err == nil {
		err = out[0].Err
	}
	return err
}

// enqueued enqueues jobs and expects that it is well.
func enqueued(t *testing.T, b backends.Backend, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := enqueue(t.Context(), b, id); err != nil {
			t.Fatal(err)
		}
	}
}

// claim takes what is there, up to n jobs.
func claim(t *testing.T, b backends.Backend, n int) []*backends.Lease {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	leases, err := b.Claim(ctx, backends.ClaimRequest{Queue: "q", Max: n, Lease: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return leases
}

// expectWhole expects of a closed store that SQLite finds no fault in its file, and each
// of ids in it, once.
func expectWhole(t *testing.T, file string, ids map[string]bool) {
	t.Helper()
	db := plain(file)
	defer db.Close()
	var verdict string
	if err := db.QueryRow(`PRAGMA integrity_check`).Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("integrity_check: %s, %v", verdict, err)
	}
	rows, err := db.Query(`SELECT id, count(*) FROM leat_jobs GROUP BY id`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	have := map[string]int{}
	for rows.Next() {
		var id string
		var n int
		if err := rows.Scan(&id, &n); err != nil {
			t.Fatal(err)
		}
		have[id] = n
	}
	for id := range ids {
		if have[id] == 0 {
			t.Errorf("lost: job %s was acknowledged", id)
		}
	}
	for id, n := range have {
		if n > 1 {
			t.Errorf("job %s is there %d times", id, n)
		}
	}
}
