package sqlite_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/sqlite"
)

// quick are stores whose commits wait for no disk: what is tested is the rules.
func quick(t *testing.T) backends.Backend { return openIn(t, t.TempDir()) }

func openIn(t *testing.T, folder string) *sqlite.Backend {
	t.Helper()
	b, err := sqlite.Open(context.Background(), filepath.Join(folder, "jobs.db"), sqlite.Options{
		Synchronous: "off", Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// again opens the file of b once more, as another process would.
func again(t *testing.T, b backends.Backend) backends.Backend {
	return openIn(t, sqlite.Folder(b.(*sqlite.Backend)))
}

var harness = backendtest.Harness{Open: quick, Again: again, Virtual: true}

func TestConformance(t *testing.T) {
	unraced(t)
	backendtest.Run(t, harness)
}

// unraced skips what would take minutes under the race detector.
func unraced(t *testing.T) {
	t.Helper()
	if raced {
		t.Skip("rules are tested without the race detector, under which SQLite in Go is 19 times slower")
	}
}
