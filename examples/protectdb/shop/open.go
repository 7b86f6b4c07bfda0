package shop

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib" // "pgx"
	_ "modernc.org/sqlite"             // "sqlite"
)

// connections is what an account of MariaDB or Postgres may have at a time.
const connections = 4

// dialect is where databases differ.
type dialect struct {
	numbered bool   // placeholders are $1, $2, …
	add      string // a product that may be there
	tooMany  func(error) bool
}

// query has the dialect's placeholders.
func (d dialect) query(q string) string {
	if !d.numbered {
		return q
	}
	for n := 1; strings.Contains(q, "?"); n++ {
		q = strings.Replace(q, "?", "$"+strconv.Itoa(n), 1)
	}
	return q
}

// Open makes a small shop: in a new SQLite file with one connection ("" ), or in a new
// database of a server, "mysql://user:password@host:port/" or "postgres://…", whose
// user may make databases and users. Close takes it away again.
func Open(ctx context.Context, at string, products ...string) (*Shop, error) {
	scheme, _, _ := strings.Cut(at, ":")
	open, known := map[string]func(context.Context, string) (*Shop, error){
		"": openFile, "mysql": openMySQL, "postgres": openPostgres,
	}[scheme]
	if !known {
		return nil, fmt.Errorf("shop: scheme %q: give mysql://… or postgres://…, or nothing", scheme)
	}
	s, err := open(ctx, at)
	if err != nil {
		return nil, err
	}
	s.shorten()
	if err := s.setUp(ctx, products); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Shop) setUp(ctx context.Context, products []string) error {
	for _, q := range []string{
		"CREATE TABLE products (sku VARCHAR(64) PRIMARY KEY)",
		"CREATE TABLE orders (job VARCHAR(64) PRIMARY KEY, request VARCHAR(64) NOT NULL, sku VARCHAR(64) NOT NULL REFERENCES products (sku), quantity INT NOT NULL)",
	} {
		if _, err := s.db.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	return s.Add(ctx, products...)
}

func openFile(context.Context, string) (*Shop, error) {
	dir, err := os.MkdirTemp("", "protectdb-")
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "shop.db")
	db, err := sql.Open("sqlite", "file:"+file+"?_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)")
	if err != nil {
		return nil, err
	}
	return &Shop{
		Connections: 1, db: db,
		dialect: dialect{add: "INSERT OR IGNORE INTO products (sku) VALUES (?)", tooMany: func(error) bool { return false }},
		drop:    func() error { return os.RemoveAll(dir) },
	}, nil
}

// account is a database and a user of their own, on a server.
type account struct{ name, password string }

func newAccount() account { return account{"leat_" + strings.ToLower(rand.Text()[:10]), rand.Text()} }

func openMySQL(ctx context.Context, at string) (*Shop, error) {
	u, err := url.Parse(at)
	if err != nil {
		return nil, errors.New("shop: the URL of the database can't be parsed") // it may hold a password
	}
	root := mysql.NewConfig()
	root.Net, root.Addr, root.User = "tcp", u.Host, u.User.Username()
	root.Passwd, _ = u.User.Password()
	if socket := u.Query().Get("socket"); socket != "" {
		root.Net, root.Addr = "unix", socket
	}
	a := newAccount()
	admin, err := sql.Open("mysql", root.FormatDSN())
	if err != nil {
		return nil, err
	}
	drop := func() error {
		ctx := context.Background()
		return errors.Join(all(ctx, admin, "DROP DATABASE IF EXISTS "+a.name, "DROP USER IF EXISTS "+a.name), admin.Close())
	}
	err = all(ctx, admin,
		"CREATE DATABASE "+a.name,
		fmt.Sprintf("CREATE USER %s IDENTIFIED BY '%s' WITH MAX_USER_CONNECTIONS %d", a.name, a.password, connections),
		fmt.Sprintf("GRANT ALL ON %s.* TO %s", a.name, a.name))
	if err != nil {
		return nil, errors.Join(err, drop())
	}
	user := root.Clone()
	user.User, user.Passwd, user.DBName = a.name, a.password, a.name
	db, err := sql.Open("mysql", user.FormatDSN())
	if err != nil {
		return nil, errors.Join(err, drop())
	}
	return &Shop{
		Connections: connections, db: db, drop: drop,
		dialect: dialect{add: "INSERT IGNORE INTO products (sku) VALUES (?)", tooMany: func(err error) bool {
			var e *mysql.MySQLError
			return errors.As(err, &e) && (e.Number == 1226 || e.Number == 1203 || e.Number == 1040)
		}},
	}, nil
}

func openPostgres(ctx context.Context, at string) (*Shop, error) {
	u, err := url.Parse(at)
	if err != nil {
		return nil, errors.New("shop: the URL of the database can't be parsed")
	}
	a := newAccount()
	admin, err := sql.Open("pgx", at)
	if err != nil {
		return nil, err
	}
	drop := func() error {
		ctx := context.Background()
		return errors.Join(all(ctx, admin, "DROP DATABASE IF EXISTS "+a.name+" WITH (FORCE)", "DROP ROLE IF EXISTS "+a.name), admin.Close())
	}
	err = all(ctx, admin,
		fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD '%s' CONNECTION LIMIT %d", a.name, a.password, connections),
		fmt.Sprintf("CREATE DATABASE %s OWNER %s", a.name, a.name))
	if err != nil {
		return nil, errors.Join(err, drop())
	}
	user := *u
	user.User, user.Path = url.UserPassword(a.name, a.password), "/"+a.name
	db, err := sql.Open("pgx", user.String())
	if err != nil {
		return nil, errors.Join(err, drop())
	}
	return &Shop{
		Connections: connections, db: db, drop: drop,
		dialect: dialect{numbered: true, add: "INSERT INTO products (sku) VALUES ($1) ON CONFLICT DO NOTHING", tooMany: func(err error) bool {
			return err != nil && strings.Contains(err.Error(), "SQLSTATE 53300")
		}},
	}, nil
}

func all(ctx context.Context, db *sql.DB, queries ...string) error {
	for _, q := range queries {
		if _, err := db.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	return nil
}
