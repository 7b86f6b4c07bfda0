package sqlite

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/leat-go/leat/backends"
)

// between is a read in whose middle something happens.
type between struct {
	preparer
	happens func()
}

func (b *between) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	if b.happens != nil {
		happens := b.happens
		b.happens = nil
		happens()
	}
	return b.preparer.PrepareContext(ctx, query)
}

// TestBadLuck_ReaderMeetsAQueueThatIsJustMade: a Lookup that finds a queue which the process
// didn't know has read it as it was, and must not undo what a transaction has learnt since.
func TestBadLuck_ReaderMeetsAQueueThatIsJustMade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jobs.db")
	open := func() *Backend {
		b, err := Open(t.Context(), path, Options{Synchronous: "off"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { b.Close() })
		return b
	}
	if err := open().Pause(t.Context(), "whatif", false); err != nil {
		t.Fatal(err)
	}
	b := open()
	var id int64
	tx, err := b.db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if err := tx.QueryRow(`SELECT id FROM leat_queues`).Scan(&id); err != nil { // the file as it is now
		t.Fatal(err)
	}
	old := newSession(&between{tx, func() {
		policy := &backends.Policy{Backlog: 7}
		if _, err := b.Enqueue(t.Context(), backends.EnqueueRequest{Queue: "whatif", Policy: policy, Jobs: []backends.Job{{Ref: backends.Ref{ID: "1"}}}}); err != nil {
			t.Error(err)
		}
		if err := b.Pause(t.Context(), "whatif", true); err != nil {
			t.Error(err)
		}
	}}, b.named)
	q, err := b.cat.queueByID(t.Context(), old, id)
	if err != nil {
		t.Fatal(err)
	}
	if !q.paused || !q.counted || q.policy().Backlog != 7 {
		t.Errorf("paused %v, counted %v, backlog %d", q.paused, q.counted, q.policy().Backlog)
	}
}
