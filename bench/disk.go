package main

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	_ "modernc.org/sqlite" // for all that take a *sql.DB
)

// database opens a SQLite file, and makes it if there is none.
type database func(path string) (carrier, error)

// fresh is an open of a new file, in a folder that goes when it is closed.
func (d database) fresh(int) (carrier, error) {
	dir, err := newFolder()
	if err != nil {
		return carrier{}, err
	}
	c, err := d(filepath.Join(dir, "jobs.db"))
	if err != nil {
		os.RemoveAll(dir)
		return carrier{}, err
	}
	inner := c.close
	c.close = func() {
		inner()
		if err := os.RemoveAll(dir); err != nil {
			panic(err) // it is ours alone
		}
	}
	return c, nil
}

// newFolder is a temporary one on a disk.
func newFolder() (string, error) { return os.MkdirTemp(diskFolder(), "leat-bench-") }

// diskFolder is for temporary files that an fsync costs something for: it is
// free where they are kept in memory.
func diskFolder() string {
	const tmpfs = 0x01021994
	var fs syscall.Statfs_t
	if dir := os.TempDir(); syscall.Statfs(dir, &fs) != nil || fs.Type != tmpfs {
		return dir
	}
	return "/var/tmp"
}

// openFull opens a file by the driver that all sides share, with a log that is
// synced at each commit: what was acknowledged survives a loss of power. So many
// connections, 0 = as many as are asked for. They wait for each other longer than
// the peers advise, so that a slow disk doesn't end a run.
func openFull(path string, conns int) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(30000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(max(conns, workers))
	var mode string
	var sync int
	if err := db.QueryRow("SELECT journal_mode, synchronous FROM pragma_journal_mode, pragma_synchronous").Scan(&mode, &sync); err != nil {
		db.Close()
		return nil, err
	}
	if mode != "wal" || sync != 2 {
		db.Close()
		return nil, fmt.Errorf("journal_mode is %s, synchronous %d", mode, sync)
	}
	return db, nil
}

// closing ends a database that nobody uses any more.
func closing(db *sql.DB) func() {
	return func() {
		if err := db.Close(); err != nil {
			panic(err) // nobody uses it
		}
	}
}

// counting counts by SQL.
func counting(db *sql.DB, query string) func() (int, error) {
	return func() (n int, err error) {
		return n, db.QueryRow(query).Scan(&n)
	}
}
