package sqlite

import (
	"context"
	"database/sql"

	"github.com/leat-go/leat/backends"
)

// Tx is a view that acts inside a transaction of the caller's, on the store's own file:
//
//	q.On(sqlite.Tx(tx)).Enqueue(ctx, args)            // the job exists if and only if tx commits
//	q.On(sqlite.Tx(tx)).Complete(ctx, job, result)    // the outcome is one with what tx wrote
//
// The file has one writer at a time: from the first such call until tx ends, nobody
// else writes. Begin it with BEGIN IMMEDIATE (a DSN's _txlock=immediate) if it
// reads first, else it may get ErrLocked where another writer came between.
// Claims wait, so they can't be made inside. Workers see a job within 20 ms of the commit.
func Tx(tx *sql.Tx) backends.View { return view{tx} }

type view struct{ tx *sql.Tx }

// Bind ties a Backend to the transaction.
func (v view) Bind(b backends.Backend) (backends.Backend, error) {
	s, ok := backends.As[*Backend](b)
	if !ok || v.tx == nil {
		return nil, invalid("View", "sqlite.Tx needs a transaction, and a queue on backends/sqlite")
	}
	return &Backend{store: s.store, inside: newSession(v.tx, s.named)}, nil
}

// doInside runs an operation inside the caller's transaction. What the process remembers
// isn't used, as it may not be so there, and not changed, as it may be rolled back.
func (b *Backend) doInside(ctx context.Context, op operation) error {
	ctx = context.WithoutCancel(ctx)
	t := &txn{session: b.inside, cat: newCatalog(b.logger()), store: b.store, seqs: new(int64)}
	// The lock comes first: what is read under it stands.
	if err := t.run(ctx, touch); err != nil {
		return err
	}
	if _, err := t.row(ctx, newestOrder, nil, t.seqs); err != nil {
		return err
	}
	now, from := b.clock.read()
	t.now, t.shift = now, from-now
	err := op(ctx, t)
	t.undo() // the next who settles looks again
	return err
}

// touch writes and changes nothing.
const touch = `UPDATE leat_counters SET value = value WHERE name = 'cells'`
