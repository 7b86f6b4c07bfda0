//go:build cgo

package sqlite_test

import (
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"testing"

	_ "github.com/mattn/go-sqlite3" // the driver "sqlite3"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/backendtest/history"
	"github.com/leat-go/leat/backends/sqlite"
)

// The store on SQLite itself, compiled by a C compiler, with the driver of most
// programs. Nobody but this test compiles it.

func byCgo(t *testing.T, folder string) *sqlite.Backend {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(folder, "jobs.db"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := sqlite.New(context.Background(), db, sqlite.Options{
		Synchronous: "off", Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	sqlite.Own(b)
	return b
}

var cgoHarness = backendtest.Harness{
	Open: func(t *testing.T) backends.Backend { return byCgo(t, t.TempDir()) },
	Again: func(t *testing.T, b backends.Backend) backends.Backend {
		return byCgo(t, sqlite.Folder(b.(*sqlite.Backend)))
	},
	Virtual: true,
}

func TestCgo_Conformance(t *testing.T) { backendtest.Run(t, cgoHarness) }

func TestCgo_Histories_A2(t *testing.T) { history.Run(t, cgoHarness, size(100, 200)) }
