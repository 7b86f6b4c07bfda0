package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/leat-go/leat/backends"
)

// giveUp closes what a failed open had.
func (b *store) giveUp() error {
	b.write.close()
	b.read.close()
	b.shm.close()
	return b.conn.Close()
}

// prepareFile sets the connection up, and checks all that Open promises.
func (b *store) prepareFile(ctx context.Context) error {
	sync := b.opts.Synchronous
	if sync == "" {
		sync = "full"
	}
	path, err := b.write.file(ctx)
	if err != nil {
		return err
	}
	if path == "" {
		return invalid("db", "is a database in memory; for a store in memory use package backends/memory")
	}
	if err := b.checkFileSystem(path); err != nil {
		return err
	}
	if b.file, err = os.Stat(path); err != nil {
		return ErrGone
	}
	b.path = path
	var mode string
	for _, pragma := range []string{
		fmt.Sprintf(`PRAGMA busy_timeout = %d`, b.opts.busy().Milliseconds()),
		`PRAGMA synchronous = ` + sync,
		`PRAGMA cache_size = -4096`,        // KiB; some commits go through all of it (decision 015)
		`PRAGMA wal_autocheckpoint = 4000`, // pages
		`PRAGMA journal_mode = WAL`,
	} {
		err := b.patiently(ctx, func() error {
			err := b.conn.QueryRowContext(ctx, pragma).Scan(&mode)
			if errors.Is(err, sql.ErrNoRows) {
				return nil
			}
			return broken(pragma, err)
		})
		if err != nil {
			return err
		}
	}
	if mode != "wal" {
		return invalid("db", "can't be put into WAL mode, it stays in mode "+mode)
	}
	if err := b.schema(ctx); err != nil {
		return err
	}
	return b.begins(ctx)
}

// patiently repeats what fails for a lock, for as long as a call waits for one: SQLite
// doesn't wait where two programs put a new file into WAL mode at once.
func (b *store) patiently(ctx context.Context, f func() error) error {
	ctx, cancel := context.WithTimeout(ctx, b.opts.busy())
	defer cancel()
	for pause := time.Millisecond; ; pause = min(2*pause, lookSeldom) {
		err := f()
		if !errors.Is(err, ErrLocked) {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
}

func (b *store) schema(ctx context.Context) error {
	if b.opts.Migrated {
		return checkSchema(ctx, b.write, b.opts.Prefix)
	}
	return migrate(ctx, b.write, b.opts.Prefix, -1)
}

// begins reads what a process starts from, and makes the instance key: a job that is
// enqueued inside a transaction of the caller's couldn't.
func (b *store) begins(ctx context.Context) error {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	err := b.write.transaction(ctx, func() error {
		if err := b.write.run(ctx, touch); err != nil { // a file that is read-only has to say so now
			return err
		}
		if _, err := b.write.row(ctx, newestOrder, nil, &b.seq); err != nil {
			return err
		}
		t := &txn{session: b.write, now: 1}
		_, _, err := t.put(ctx, backends.InstanceCell, key, "", time.Time{})
		return err
	})
	if err != nil {
		return err
	}
	b.clock = newClock(b.opts.wall)
	if b.shm = openHeader(b.path); b.shm == nil {
		conn, err := b.db.Conn(ctx)
		if err != nil {
			return err
		}
		b.ears = newSession(conn, b.named)
	}
	return nil
}

// checkFileSystem refuses a network file system.
func (b *store) checkFileSystem(path string) error {
	look := networkFileSystem
	if b.opts.network != nil {
		look = b.opts.network
	}
	kind := look(path)
	if kind == "" {
		return nil
	}
	if !b.opts.AnyFileSystem {
		return fmt.Errorf("%w: %s", ErrNetwork, kind)
	}
	b.logger().Warn("leat: the file is on a network file system, where locks and shared memory can't be trusted", "kind", kind)
	return nil
}
