package shop

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Order is what a hit asks for. Request names the hit: a client that comes again says
// the same.
type Order struct {
	Request  string
	SKU      string
	Quantity int
}

// Shop is an open database. It is safe for concurrent use, as far as the database bears.
type Shop struct {
	// Connections is how many the database bears at a time.
	Connections int

	gauge
	db      *sql.DB
	dialect dialect
	drop    func() error
}

// ErrNoProduct says that an order can't be placed until somebody adds the product.
var ErrNoProduct = errors.New("shop: no such product")

// ErrTooMany says that there is no connection left: whoever sees it should have waited.
var ErrTooMany = errors.New("shop: too many connections")

// Place writes an order for a job, once: repeated, it changes nothing.
func (s *Shop) Place(ctx context.Context, job string, o Order) error {
	leave, err := s.enter(s.Connections)
	if err != nil {
		return err
	}
	defer leave()
	err = s.place(ctx, job, o)
	if s.dialect.tooMany(err) {
		s.refuse()
		return fmt.Errorf("%w: %w", ErrTooMany, err)
	}
	return err
}

func (s *Shop) place(ctx context.Context, job string, o Order) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var there int
	err = tx.QueryRowContext(ctx, s.dialect.query("SELECT count(*) FROM products WHERE sku = ?"), o.SKU).Scan(&there)
	if err == nil && there == 0 {
		err = fmt.Errorf("%w: %q", ErrNoProduct, o.SKU)
	}
	if err == nil {
		err = tx.QueryRowContext(ctx, s.dialect.query("SELECT count(*) FROM orders WHERE job = ?"), job).Scan(&there)
	}
	if err != nil || there > 0 {
		return err
	}
	_, err = tx.ExecContext(ctx, s.dialect.query("INSERT INTO orders (job, request, sku, quantity) VALUES (?, ?, ?, ?)"),
		job, o.Request, o.SKU, o.Quantity)
	if err != nil {
		return err
	}
	return tx.Commit()
}

// Add adds products, of which some may be there.
func (s *Shop) Add(ctx context.Context, skus ...string) error {
	for _, sku := range slices.Compact(slices.Sorted(slices.Values(skus))) {
		if _, err := s.db.ExecContext(ctx, s.dialect.add, sku); err != nil {
			return err
		}
	}
	return nil
}

// Requests counts the rows of each request: 1, or something went wrong.
func (s *Shop) Requests(ctx context.Context) (map[string]int, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT request, count(*) FROM orders GROUP BY request")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]int{}
	for rows.Next() {
		var name string
		var n int
		if err := rows.Scan(&name, &n); err != nil {
			return nil, err
		}
		all[name] = n
	}
	return all, rows.Err()
}

// Close drops what Open made.
func (s *Shop) Close() error {
	return errors.Join(s.db.Close(), s.drop())
}

// shorten keeps idle connections of the pool from counting: each is one that the
// database holds.
func (s *Shop) shorten() {
	s.db.SetMaxIdleConns(s.Connections)
	s.db.SetConnMaxLifetime(time.Minute)
}
