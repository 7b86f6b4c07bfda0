package sqlite

import (
	"context"
	"database/sql"
	"os"

	"github.com/leat-go/leat/backends"
)

// Tx is a view that acts inside a transaction of the caller's, on the store's own file:
//
//	q.On(sqlite.Tx(tx)).Enqueue(ctx, args)            // the job exists if and only if tx commits
//	q.On(sqlite.Tx(tx)).Complete(ctx, job, result)    // the outcome is one with what tx wrote
//
// The file has one writer at a time: from the first such call until tx ends, nobody
// else writes, so end it soon, and write through the view alone meanwhile. Begin it with
// BEGIN IMMEDIATE (a DSN's _txlock=immediate) if it reads first, else it may get
// ErrLocked where another writer came between. A call that fails has written nothing.
// Claims wait, so they can't be made inside. Workers see a job within 20 ms of the commit.
//
// How long tx waits for the file's lock, and whether its commit waits for the disk, is
// up to the connection that it is on (busy_timeout, synchronous).
func Tx(tx *sql.Tx) backends.View { return view{tx} }

type view struct{ tx *sql.Tx }

// Bind ties a Backend to the transaction.
func (v view) Bind(b backends.Backend) (backends.Backend, error) {
	s, ok := backends.As[*Backend](b)
	if !ok || v.tx == nil {
		return nil, invalid("View", "sqlite.Tx needs a transaction, and a queue on backends/sqlite")
	}
	inside := newSession(v.tx, s.named)
	path, err := inside.file(context.Background())
	if err != nil {
		return nil, err
	}
	if !sameFile(path, s.path) {
		return nil, invalid("View", "the transaction is on another file than the queue")
	}
	return &Backend{store: s.store, inside: inside}, nil
}

func sameFile(a, b string) bool {
	if a == b {
		return true
	}
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// doInside runs an operation inside the caller's transaction, or not at all. What the
// process remembers isn't used, as it may not be so there, and not changed, as it may be
// rolled back: that the transaction has no store keeps it from what leases remember.
func (b *Backend) doInside(ctx context.Context, op operation) error {
	ctx = context.WithoutCancel(ctx)
	t := &txn{session: b.inside, cat: newCatalog(b.logger()), seqs: new(int64)}
	if err := t.control(ctx, "SAVEPOINT leat"); err != nil {
		return err
	}
	err := b.prepareInside(ctx, t)
	if err == nil {
		err = op(ctx, t)
	}
	if err == nil {
		return t.control(ctx, "RELEASE leat")
	}
	_, _ = t.on.ExecContext(ctx, "ROLLBACK TO leat; RELEASE leat") // SQLite may have ended the whole transaction
	return err
}

func (b *Backend) prepareInside(ctx context.Context, t *txn) error {
	// The lock comes first: what is read under it stands.
	if err := t.run(ctx, touch); err != nil {
		return err
	}
	if _, err := t.row(ctx, newestOrder, nil, t.seqs); err != nil {
		return err
	}
	now, from := b.clock.read()
	t.now, t.shift = now, from-now
	return nil
}

// remembered is the catalog for reads. A view may see what will be rolled back, and
// remembers nothing.
func (b *Backend) remembered() *catalog {
	if b.inside != nil {
		return newCatalog(b.logger())
	}
	return b.cat
}

// file is where the database of a session is, "" if it is in memory.
func (s *session) file(ctx context.Context) (path string, err error) {
	_, err = s.row(ctx, `SELECT file FROM pragma_database_list WHERE name = 'main'`, nil, &path)
	return path, err
}

// touch writes and changes nothing.
const touch = `UPDATE leat_counters SET value = value WHERE name = 'cells'`
