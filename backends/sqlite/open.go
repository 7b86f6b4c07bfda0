package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
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
	// gets ErrLocked; 0 = 10 s, and a day is the most.
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

	wall    func() time.Time         // for tests; nil = time.Now
	network func(path string) string // for tests; nil = networkFileSystem
}

func init() { backends.Register("sqlite", openURL) }

// openURL opens sqlite:///path/jobs.db, or sqlite://jobs.db below the working directory.
func openURL(ctx context.Context, u *url.URL) (backends.Backend, error) {
	params, err := backends.Params(u, "synchronous", "busy", "prefix", "migrate", "anyfs")
	if err != nil {
		return nil, err
	}
	if u.User != nil || u.Port() != "" || u.Fragment != "" {
		return nil, invalid("URL", "sqlite:// takes a path and no user, port or fragment (a # in a path is %23)")
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
	if path == "" || strings.HasSuffix(path, "/") || strings.Contains(path, ":memory:") || strings.Contains(path, "\x00") {
		return nil, invalid("path", "must name a file; for a store in memory use package backends/memory")
	}
	path = filepath.Clean(path) // what begins with // would name a host
	if _, err := os.Stat(filepath.Dir(path)); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: its folder doesn't exist", ErrNoFile)
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	dsn := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}).String()
	db, err := database(dsn + "?_pragma=busy_timeout(" + strconv.FormatInt(o.busy().Milliseconds(), 10) + ")")
	if err != nil {
		return nil, err
	}
	db.SetMaxIdleConns(4)
	b, err := open(ctx, db, o)
	if err != nil {
		if errors.Is(err, ErrNoFile) && shut(path) {
			err = fmt.Errorf("%w: %w", ErrReadOnly, err)
		}
		return nil, errors.Join(err, db.Close())
	}
	b.owned = true
	return b, nil
}

// shut reports whether nothing can be made in the folder of a file. SQLite says the same
// of it as of a file that it can't open for other reasons.
func shut(path string) bool {
	if _, err := os.Stat(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".leat-*")
	if err != nil {
		return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)
	}
	_, _ = f.Close(), os.Remove(f.Name())
	return false
}

// database opens a file with the default driver. Only the first connection may make the
// file: one that comes later would else put an empty one where it was removed.
func database(dsn string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(&connector{of: db.Driver(), dsn: dsn}), db.Close()
}

type connector struct {
	of   driver.Driver
	dsn  string
	made atomic.Bool
}

func (c *connector) Driver() driver.Driver { return c.of }

// Connect makes the file if there is none, until it has.
func (c *connector) Connect(context.Context) (driver.Conn, error) {
	mode := "&mode=rwc"
	if c.made.Load() {
		mode = "&mode=rw"
	}
	conn, err := c.of.Open(c.dsn + mode)
	if err == nil {
		c.made.Store(true)
	}
	return conn, err
}

// New opens the store in the file that db has open, whatever its driver: modernc.org/sqlite
// and mattn/go-sqlite3 are tested. It takes one connection for as long as it is open,
// and others for moments, so db must allow more than one. Those read, and wait for a lock
// as long as the DSN says: modernc.org/sqlite not at all but for
// _pragma=busy_timeout(10000). db is the caller's to close, after the Backend.
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

const maxBusy = 24 * time.Hour // SQLite counts milliseconds in 32 bits

// check refuses what can't be meant.
func (o *Options) check() error {
	if o.BusyTimeout < 0 || o.BusyTimeout > maxBusy {
		return invalid("BusyTimeout", "must be between 0 and "+maxBusy.String())
	}
	if _, known := levels[strings.ToLower(o.Synchronous)]; !known {
		return invalid("synchronous", "must be full, normal, extra or off")
	}
	_, err := naming(o.Prefix)
	return err
}

// levels are what each setting survives.
var levels = map[string]backends.Durability{
	"": backends.Disk, "full": backends.Disk, "extra": backends.Disk, "normal": backends.Kernel, "off": backends.Kernel,
}

func open(ctx context.Context, db *sql.DB, o Options) (*Backend, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	named, err := naming(o.Prefix)
	if err != nil {
		return nil, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, classified(err)
	}
	b := &Backend{store: &store{
		opts: o, db: db, conn: conn, named: named, level: levels[strings.ToLower(o.Synchronous)], hub: newHub(), done: make(chan struct{}),
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
		`PRAGMA cache_size = -16384`,       // KiB
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
