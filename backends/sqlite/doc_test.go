package sqlite_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/leat-go/leat/backends/sqlite"
	"github.com/leat-go/leat/queue"
)

// What the package comment tells operators to ask works, while programs are at it.
func TestDoc_TheShellsQuestionsHaveAnswers(t *testing.T) {
	s := newShop(t)
	s.must(s.q.Enqueue(t.Context(), 1))
	text, err := os.ReadFile("doc.go")
	s.ok(err)
	asks := regexp.MustCompile(`(?m)^//\t(SELECT .*);$`).FindAllSubmatch(text, -1)
	if len(asks) < 4 {
		t.Fatalf("%d questions", len(asks))
	}
	for _, ask := range asks {
		rows, err := s.db.Query(string(ask[1]))
		s.ok(err)
		for rows.Next() {
		}
		s.ok(rows.Err())
		s.ok(rows.Close())
	}
}

// A backup of a file at work is a store.
func TestDoc_ABackupIsAStore(t *testing.T) {
	s := newShop(t)
	ticket, err := s.q.Enqueue(t.Context(), 1, queue.Key("before"))
	s.ok(err)
	to := filepath.Join(t.TempDir(), "backup.db")
	s.must(s.db.Exec(`VACUUM INTO ?`, to))
	s.must(s.q.Enqueue(t.Context(), 2))

	b, err := sqlite.Open(t.Context(), to, sqlite.Options{})
	s.ok(err)
	defer b.Close()
	q := queue.New[int, int](b, "orders")
	again, err := q.Enqueue(t.Context(), 1, queue.Key("before"))
	if s.ok(err); !again.Duplicate || again.Ref != ticket.Ref {
		t.Errorf("%+v, want a duplicate of %+v", again, ticket)
	}
	stats, err := q.Stats(t.Context())
	if s.ok(err); stats.Queued != 1 {
		t.Errorf("%d jobs wait in the backup", stats.Queued)
	}
}
