package sqlite

import (
	"context"
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
	db, err := database(path, dsn+"?_pragma=busy_timeout("+strconv.FormatInt(o.busy().Milliseconds(), 10)+")")
	if err != nil {
		return nil, err
	}
	db.SetMaxIdleConns(atOnce)
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
func database(path, dsn string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(&connector{of: db.Driver(), path: path, dsn: dsn}), db.Close()
}

type connector struct {
	of   driver.Driver
	path string
	dsn  string
	made atomic.Bool
}

func (c *connector) Driver() driver.Driver { return c.of }

// Connect makes the file if there is none, until it has.
func (c *connector) Connect(context.Context) (driver.Conn, error) {
	if c.made.Load() {
		return c.of.Open(c.dsn + "&mode=rw")
	}
	own, forget := c.own()
	defer forget()
	conn, err := c.of.Open(c.dsn + "&mode=rwc" + own)
	if err == nil {
		c.made.Store(true)
	}
	return conn, err
}

// own has SQLite give the file that it makes, and with it those beside it, the mode of one
// that only its owner reads. It has that mode from the start; a file that is there keeps
// its own.
func (c *connector) own() (parameter string, forget func()) {
	if _, err := os.Stat(c.path); err == nil {
		return "", func() {}
	}
	f, err := os.CreateTemp(filepath.Dir(c.path), ".leat-*") // 0600
	if err != nil {
		return "", func() {} // nor can SQLite make one there, and it says why
	}
	_ = f.Close()
	name := strings.ReplaceAll(url.QueryEscape(f.Name()), "+", "%20")
	return "&modeof=" + name, func() { _ = os.Remove(f.Name()) }
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
		opts: o, db: db, conn: conn, named: named, level: levels[strings.ToLower(o.Synchronous)], hub: newHub(),
		turns: make(chan struct{}, atOnce), behind: make(chan struct{}, 1), done: make(chan struct{}),
		write: newSession(conn, named), read: newSession(db, named),
	}}
	b.cat = newCatalog(b.logger())
	b.group.Commit = b.commitAll
	if err := b.prepareFile(ctx); err != nil {
		return nil, errors.Join(err, b.giveUp())
	}
	b.looks.Read, b.looks.Mark, b.looks.Closed = b.reread, b.mark, b.done
	var lasting context.Context
	lasting, b.halt = context.WithCancel(context.Background())
	b.tasks.Go(b.watch)
	b.tasks.Go(func() { b.glances(lasting) })
	return b, nil
}
