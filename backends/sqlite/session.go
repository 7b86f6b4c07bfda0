package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// preparer is a *sql.DB, *sql.Conn or *sql.Tx.
type preparer interface {
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// session runs statements and keeps them prepared. A bare LIMIT ? would have SQLite plan a
// statement anew at every run, so they say LIMIT ? + 0. Transactions give
// them a context that doesn't end: one caller's cancellation mustn't end the others'
// commit, and a driver would start a goroutine per statement to watch for it.
type session struct {
	on    preparer
	named func(string) string // spells the names of tables

	mu    sync.Mutex
	stmts map[string]*sql.Stmt

	wrote bool // a statement changed a row since it was last cleared
}

func newSession(on preparer, named func(string) string) *session {
	return &session{on: on, named: named, stmts: map[string]*sql.Stmt{}}
}

// prepare finds or prepares a statement.
func (s *session) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.stmts[query]; st != nil {
		return st, nil
	}
	st, err := s.on.PrepareContext(ctx, s.named(query))
	if err != nil {
		return nil, broken(query, err)
	}
	s.stmts[query] = st
	return st, nil
}

// control runs a statement that changes no row, for which SQLite would give the number
// of those that the statement before it changed.
func (s *session) control(ctx context.Context, query string) error {
	st, err := s.prepare(ctx, query)
	if err != nil {
		return err
	}
	_, err = st.ExecContext(ctx)
	return broken(query, err)
}

// exec runs a statement and returns how many rows it changed.
func (s *session) exec(ctx context.Context, query string, args ...any) (int64, error) {
	st, err := s.prepare(ctx, query)
	if err != nil {
		return 0, err
	}
	res, err := st.ExecContext(ctx, args...)
	if err != nil {
		return 0, broken(query, err)
	}
	n, err := res.RowsAffected()
	if n > 0 {
		s.wrote = true
	}
	return n, err
}

// run runs a statement whose rows nobody counts.
func (s *session) run(ctx context.Context, query string, args ...any) error {
	_, err := s.exec(ctx, query, args...)
	return err
}

// row scans the first row of a query, if there is one.
func (s *session) row(ctx context.Context, query string, args []any, into ...any) (bool, error) {
	st, err := s.prepare(ctx, query)
	if err != nil {
		return false, err
	}
	switch err := st.QueryRowContext(ctx, args...).Scan(into...); {
	case errors.Is(err, sql.ErrNoRows):
		return false, nil
	case err != nil:
		return false, cmp.Or(ctx.Err(), broken(query, err))
	}
	return true, nil
}

// each calls f for every row of a query.
func (s *session) each(ctx context.Context, query string, args []any, f func(scan func(...any) error) error) error {
	st, err := s.prepare(ctx, query)
	if err != nil {
		return err
	}
	rows, err := st.QueryContext(ctx, args...)
	if err != nil {
		return cmp.Or(ctx.Err(), broken(query, err))
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows.Scan); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return cmp.Or(ctx.Err(), broken(query, err))
	}
	return nil
}

// script runs several statements of a migration.
func (s *session) script(ctx context.Context, text string) error {
	_, err := s.on.ExecContext(ctx, text)
	return broken("migration", err)
}

// transaction runs f between BEGIN IMMEDIATE and COMMIT.
func (s *session) transaction(ctx context.Context, f func() error) error {
	if err := s.control(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	ended := false
	defer func() {
		if !ended { // an error, or f fell over
			_, _ = s.on.ExecContext(ctx, "ROLLBACK") // SQLite may have done it itself
		}
	}()
	err := f()
	if err == nil {
		err = s.control(ctx, "COMMIT")
	}
	ended = err == nil
	return err
}

func (s *session) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.stmts {
		_ = st.Close()
	}
	s.stmts = nil
}

// broken tells which statement failed, by its first words, and classifies the error.
func broken(query string, err error) error {
	if err == nil {
		return nil
	}
	words := strings.Fields(query)
	return fmt.Errorf("%s: %w", strings.Join(words[:min(len(words), 3)], " "), classified(err))
}
