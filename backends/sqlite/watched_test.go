package sqlite_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
)

// eye is told of every statement of a watched connection, before it and when it is over.
var eye = func(query string, over bool) {}

func init() {
	db, err := sql.Open("sqlite", "")
	if err != nil {
		panic(err)
	}
	sql.Register("sqlite-watched", watchedDriver{db.Driver()})
	_ = db.Close()
}

// watchedDriver is the driver, with an eye on it.
type watchedDriver struct{ driver.Driver }

func (d watchedDriver) Open(name string) (driver.Conn, error) {
	c, err := d.Driver.Open(name)
	return &watchedConn{c}, err
}

type watchedConn struct{ driver.Conn }

func (c *watchedConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	st, err := c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
	return &watchedStmt{st, query}, err
}

func (c *watchedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	eye(query, false)
	defer eye(query, true)
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
}

func (c *watchedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	eye(query, false)
	defer eye(query, true)
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
}

type watchedStmt struct {
	driver.Stmt
	query string
}

func (s *watchedStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	eye(s.query, false)
	defer eye(s.query, true)
	return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
}

func (s *watchedStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	eye(s.query, false)
	defer eye(s.query, true)
	return s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
}
