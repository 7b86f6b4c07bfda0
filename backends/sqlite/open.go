package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the default driver, "sqlite"

	"github.com/leat-go/leat/backends"
)

// Options configure a Backend; the zero value is useful.
type Options struct {
	// Synchronous is what SQLite waits for at a commit: "full" (the default) for the
	// disk, "normal" for the kernel only, so that a loss of power may take the last
	// commits with it, "extra", or "off". Features.Durability tells.
	Synchronous string

	// BusyTimeout is for how long a call waits for another program's lock, before it
	// gets ErrLocked; 0 = 10 s.
	BusyTimeout time.Duration

	// Prefix begins the names of tables, so that several stores fit into one file;
	// "" = DefaultPrefix.
	Prefix string

	// Migrated says that the schema is kept by somebody else (see Migrations): Open
	// only checks it.
	Migrated bool

	// AnyFileSystem lets the file be on a network file system, at your own risk.
	AnyFileSystem bool

	// Logger gets the rare warnings; nil = slog.Default.
	Logger *slog.Logger

	wall func() time.Time // for tests; nil = time.Now
}

func init() { backends.Register("sqlite", openURL) }

// openURL opens sqlite:///path/jobs.db, or sqlite://jobs.db below the working directory.
func openURL(ctx context.Context, u *url.URL) (backends.Backend, error) {
	params, err := backends.Params(u, "synchronous", "busy", "prefix", "migrate", "anyfs")
	if err != nil {
		return nil, err
	}
	if u.User != nil || u.Port() != "" {
		return nil, invalid("URL", "sqlite:// takes a path and no user or port")
	}
	o := Options{Synchronous: params.Get("synchronous"), Prefix: params.Get("prefix")}
	if s := params.Get("busy"); s != "" {
		if o.BusyTimeout, err = time.ParseDuration(s); err != nil {
			return nil, invalid("URL", `parameter "busy" is no span like 10s`)
		}
	}
	migrates, any := true, false
	for name, into := range map[string]*bool{"migrate": &migrates, "anyfs": &any} {
		if s := params.Get(name); s != "" {
			if *into, err = strconv.ParseBool(s); err != nil {
				return nil, invalid("URL", fmt.Sprintf("parameter %q must be true or false", name))
			}
		}
	}
	o.Migrated, o.AnyFileSystem = !migrates, any
	path := u.Host + u.Path
	if path == "" {
		path = u.Opaque
	}
	return Open(ctx, path, o)
}

// Open opens the store in a file, and makes the file if there is none; its folder must
// be there. Any number of processes of one machine may open it at once.
func Open(ctx context.Context, path string, o Options) (*Backend, error) {
	if path == "" || strings.HasSuffix(path, "/") || strings.Contains(path, ":memory:") {
		return nil, invalid("path", "must name a file; for a store in memory use package backends/memory")
	}
	if _, err := os.Stat(filepath.Dir(path)); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: its folder doesn't exist", ErrNoFile)
	}
	dsn := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}).String()
	db, err := sql.Open("sqlite", dsn+"?_pragma=busy_timeout("+strconv.FormatInt(o.busy().Milliseconds(), 10)+")")
	if err != nil {
		return nil, err
	}
	db.SetMaxIdleConns(4)
	b, err := open(ctx, db, o)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	b.owned = true
	return b, nil
}

// New opens the store in the file that db has open, whatever its driver: modernc.org/sqlite
// and mattn/go-sqlite3 are tested. It takes one connection for as long as it is open,
// and others for moments, so db must allow more than one. It is the caller's to close,
// after the Backend.
func New(ctx context.Context, db *sql.DB, o Options) (*Backend, error) {
	if n := db.Stats().MaxOpenConnections; n > 0 && n < 3 {
		return nil, invalid("db", "allows "+strconv.Itoa(n)+" open connections; a store needs 3, one of them to itself")
	}
	return open(ctx, db, o)
}

func (o *Options) busy() time.Duration {
	if o.BusyTimeout > 0 {
		return o.BusyTimeout
	}
	return 10 * time.Second
}

// levels are what each setting survives.
var levels = map[string]backends.Durability{
	"": backends.Disk, "full": backends.Disk, "extra": backends.Disk, "normal": backends.Kernel, "off": backends.Kernel,
}

func open(ctx context.Context, db *sql.DB, o Options) (*Backend, error) {
	level, known := levels[strings.ToLower(o.Synchronous)]
	if !known {
		return nil, invalid("synchronous", "must be full, normal, extra or off")
	}
	named, err := naming(o.Prefix)
	if err != nil {
		return nil, err
	}
	if o.wall == nil {
		o.wall = time.Now
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, classified(err)
	}
	b := &Backend{store: &store{
		opts: o, db: db, conn: conn, named: named, level: level, hub: newHub(), done: make(chan struct{}),
		write: newSession(conn, named), read: newSession(db, named),
	}}
	b.cat = newCatalog(b.logger())
	b.group.Commit = b.commitAll
	if err := b.prepareFile(ctx); err != nil {
		return nil, errors.Join(err, b.giveUp())
	}
	b.tasks.Go(b.watch)
	return b, nil
}

// giveUp closes what a failed open had.
func (b *store) giveUp() error {
	b.write.close()
	b.read.close()
	return errors.Join(b.conn.Close(), b.shm.close())
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
	b.path = path
	if path == "" {
		return invalid("db", "is a database in memory; for a store in memory use package backends/memory")
	}
	if err := b.checkFileSystem(path); err != nil {
		return err
	}
	var mode string
	for _, pragma := range []string{
		fmt.Sprintf(`PRAGMA busy_timeout = %d`, b.opts.busy().Milliseconds()),
		`PRAGMA synchronous = ` + sync,
		`PRAGMA cache_size = -32768`, // KiB
		`PRAGMA journal_mode = WAL`,
	} {
		if err := b.conn.QueryRowContext(ctx, pragma).Scan(&mode); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return broken(pragma, err)
		}
	}
	if mode != "wal" {
		return invalid("db", "can't be put into WAL mode, it stays in mode "+mode)
	}
	if err := b.schema(ctx); err != nil {
		return err
	}
	return b.begins(ctx, path)
}

func (b *store) schema(ctx context.Context) error {
	if b.opts.Migrated {
		return checkSchema(ctx, b.write, b.opts.Prefix)
	}
	return migrate(ctx, b.write, b.opts.Prefix, -1)
}

// begins reads what a process starts from, and makes the instance key: a job that is
// enqueued inside a transaction of the caller's couldn't.
func (b *store) begins(ctx context.Context, path string) error {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	var newest int64
	err := b.write.transaction(ctx, func() error {
		if _, err := b.write.row(ctx, newestOrder, nil, &newest); err != nil {
			return err
		}
		t := &txn{session: b.write, now: 1}
		_, _, err := t.put(ctx, backends.InstanceCell, key, "", time.Time{})
		return err
	})
	if err != nil {
		return err
	}
	b.clock = newClock(b.opts.wall, 0)
	if b.shm = openHeader(path); b.shm == nil {
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
	kind := networkFileSystem(path)
	if kind == "" {
		return nil
	}
	if !b.opts.AnyFileSystem {
		return fmt.Errorf("%w: %s", ErrNetwork, kind)
	}
	b.logger().Warn("leat: the file is on a network file system, where locks and shared memory can't be trusted", "kind", kind)
	return nil
}

// Migrate brings the schema of a file to a version, up or down; -1 is the newest that
// this program knows. Version 0 drops all tables, and with them all jobs.
func Migrate(ctx context.Context, db *sql.DB, prefix string, version int) error {
	named, err := naming(prefix)
	if err != nil {
		return err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return classified(err)
	}
	s := newSession(conn, named)
	err = migrate(ctx, s, prefix, version)
	s.close()
	return errors.Join(err, conn.Close())
}
