package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/internal/lookout"
)

// MaxPayload bounds payloads and results, in bytes.
const MaxPayload = 64 << 20

// Backend is one opening of a store in an SQLite file. Make it with Open or New.
type Backend struct {
	*store
	inside *session // of a view: the caller's transaction; nil = none
}

// store is what a Backend and the views on it share.
type store struct {
	opts  Options
	db    *sql.DB
	owned bool      // db is closed with the store
	conn  *sql.Conn // the one that writes
	write *session
	read  *session
	named func(string) string
	path  string      // as SQLite spells it
	file  os.FileInfo // what path led to when it was opened

	cat    *catalog
	hub    *hub
	looks  lookout.Post[backends.Ref, *row]
	turns  chan struct{} // has what reads for a lookup
	behind chan struct{} // signalled when another process has written
	clock  *clock
	group  backends.Group[operation, error]
	shm    *header
	seq    int64
	commit atomic.Uint32 // the counter of commits as this process left it
	ears   *session      // where the counter can't be read: asks for data_version
	level  backends.Durability

	done  chan struct{} // closed by Close
	halt  context.CancelFunc
	calls sync.WaitGroup
	gate  sync.RWMutex // Close against the start of calls
	shut  atomic.Bool
	tasks sync.WaitGroup
}

var (
	_ backends.Backend  = (*Backend)(nil)
	_ backends.Operator = (*Backend)(nil)
)

// Features returns what a store in an SQLite file can do: everything.
func (b *store) Features() backends.Features {
	return backends.Features{
		Name: "sqlite", Durability: b.level, Shared: true,
		Queues: true, Records: true, Fair: true, Prompt: true, Backlog: true, SharedCaps: true,
		Priority: true, Ordered: true, Kinds: true, CountsMembers: true, KeepsPayload: true,
		Stats: true, ExactStats: true, Lists: true, Pauses: true,
		MaxPayload: MaxPayload, MaxResult: MaxPayload, CheapExtend: true,
	}
}

// operation is a call's part of a transaction. It returns an error only if the file
// fails; then it may be called again, in another transaction.
type operation func(ctx context.Context, t *txn) error

// enter begins a call, unless the store is closed.
func (b *store) enter() error {
	b.gate.RLock()
	defer b.gate.RUnlock()
	if b.shut.Load() {
		return backends.ErrClosed
	}
	b.calls.Add(1)
	return nil
}

// do is a call that is one operation.
func (b *Backend) do(ctx context.Context, op operation) error {
	if err := b.admit(ctx, nil); err != nil {
		return err
	}
	defer b.calls.Done()
	return b.run(ctx, op)
}

// run runs an operation in a transaction, together with those of concurrent callers.
func (b *Backend) run(ctx context.Context, op operation) error {
	if b.inside != nil {
		return b.doInside(ctx, op)
	}
	failed, err := b.group.Do(ctx, op)
	if err == nil {
		err = failed[0]
	}
	return err
}

// reader is where reads go that need no lock.
func (b *Backend) reader() *session {
	if b.inside != nil {
		return b.inside
	}
	return b.read
}

// commitAll is the group's commit. Should an operation fail by itself, and not the file,
// each is done alone, so that its neighbours don't fail with it.
func (b *store) commitAll(_ context.Context, ops []operation) ([]error, error) {
	ctx := context.Background()
	failed := make([]error, len(ops))
	err := b.transact(ctx, ops)
	if err == nil || len(ops) == 1 || ofFile(err) {
		return failed, err
	}
	for i := range ops {
		failed[i] = b.transact(ctx, ops[i:i+1])
	}
	return failed, nil
}

// transact runs operations in one transaction and tells the news.
func (b *store) transact(ctx context.Context, ops []operation) error {
	t := &txn{session: b.write, cat: b.cat, store: b, seqs: &b.seq}
	b.write.wrote = false
	stands := false
	defer func() {
		if !stands { // an error, or an operation fell over
			t.undo()
		}
	}()
	var step uint32
	err := b.write.transaction(ctx, func() error {
		var err error
		if step, err = b.begin(ctx, t); err != nil {
			return err
		}
		for _, op := range ops {
			if err := op(ctx, t); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = b.there()
	}
	if err != nil {
		return err
	}
	stands = true
	if b.write.wrote && b.counted(step) {
		b.commit.Add(step)
	}
	b.publish(t)
	return nil
}

// there looks whether the file still has its name. What is written to one that was taken
// away is lost with the last who has it open, and SQLite doesn't notice.
func (b *store) there() error {
	if !isAt(b.path, b.file) {
		return ErrGone
	}
	return nil
}

// begin brings what the process remembers up to date, and returns what a commit adds
// to the counter.
func (b *store) begin(ctx context.Context, t *txn) (uint32, error) {
	count, step, err := b.commits(ctx)
	if err != nil {
		return 0, err
	}
	if count != b.commit.Load() {
		b.cat.stale()
		b.foreign() // whom the watch would have told, now that the counter is known
		if _, err := t.row(ctx, newestOrder, nil, &b.seq); err != nil {
			return 0, err
		}
		b.commit.Store(count)
	}
	now, from := b.clock.read()
	t.now, t.shift = now, from-now
	return step, nil
}

// newestOrder is the order that the next one must be above; that of a job which is
// gone may be the highest.
const newestOrder = `SELECT max((SELECT value FROM leat_counters WHERE name = 'order'), (SELECT coalesce(max(seq), 0) FROM leat_jobs))`

// undo forgets what a failed transaction made the process believe.
func (t *txn) undo() {
	for i := len(t.redo) - 1; i >= 0; i-- {
		t.redo[i]()
	}
	t.cat.drop(t.queues, t.classes)
}

// items calls f for n items in one transaction and collects the outcome of each. The
// second error of f is of the file.
func (b *Backend) items(ctx context.Context, n int, f func(ctx context.Context, t *txn, i int) (error, error)) ([]error, error) {
	if n == 0 {
		if err := b.admit(ctx, nil); err != nil {
			return nil, err
		}
		b.calls.Done()
		return nil, nil
	}
	var errs []error
	err := b.do(ctx, func(ctx context.Context, t *txn) error {
		errs = nil
		for i := range n {
			outcome, err := f(ctx, t, i)
			if err != nil {
				return err
			}
			if outcome != nil {
				if errs == nil {
					errs = make([]error, n)
				}
				errs[i] = outcome
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return errs, nil
}

// Close wakes every blocked call and waits for the others. A view has nothing to close.
func (b *Backend) Close() error {
	if b.inside != nil {
		b.inside.close()
		return nil
	}
	b.gate.Lock()
	first := b.shut.CompareAndSwap(false, true)
	b.gate.Unlock()
	if !first {
		return nil
	}
	close(b.done)
	b.halt()
	b.calls.Wait()
	b.tasks.Wait()
	b.write.close()
	b.read.close()
	err := b.conn.Close()
	if b.ears != nil {
		b.ears.close()
		err = errors.Join(err, b.ears.on.(*sql.Conn).Close())
	}
	if b.owned {
		err = errors.Join(err, b.db.Close())
	}
	b.shm.close()
	return err
}

func (b *store) logger() *slog.Logger {
	if b.opts.Logger != nil {
		return b.opts.Logger
	}
	return slog.Default()
}
