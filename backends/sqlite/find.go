package sqlite

import (
	"context"

	"github.com/leat-go/leat/backends"
)

// find is the row of a ref, nil if there is none, or if it is past its retention.
func (t *txn) find(ctx context.Context, ref backends.Ref) (*row, error) {
	r, err := t.cat.find(ctx, t.session, ref, false)
	if err != nil || r == nil {
		return nil, err
	}
	if err := t.trust(ctx, r.queue()); err != nil {
		return nil, err
	}
	if r.outlived(t.now) {
		return nil, t.remove(ctx, r)
	}
	return r, nil
}

func (c *catalog) find(ctx context.Context, s *session, ref backends.Ref, bodies bool) (*row, error) {
	query := findBare
	if bodies {
		query = findWhole
	}
	var r *row
	err := s.each(ctx, query, []any{hash(ref), ref.Tenant, ref.ID}, func(scan func(...any) error) (err error) {
		r, err = c.scan(ctx, s, scan, bodies)
		return err
	})
	return r, err
}

// scan reads a row whose queue is as in the file.
func (t *txn) scan(ctx context.Context, scan func(...any) error, bodies bool) (*row, error) {
	r, err := t.cat.scan(ctx, t.session, scan, bodies)
	if err != nil {
		return nil, err
	}
	return r, t.trust(ctx, r.queue())
}

// trust reads a queue again that may have changed.
func (t *txn) trust(ctx context.Context, q *queue) error {
	if q.fresh {
		return nil
	}
	if _, err := t.cat.load(ctx, t.session, `id = ?`, q.id); err != nil {
		return err
	}
	return t.cat.refresh(ctx, t.session, q)
}

// current is r, read again if a step of this transaction may have changed it since; nil
// if it is gone.
func (t *txn) current(ctx context.Context, r *row) (*row, error) {
	if r.spread == t.spread {
		return r, nil
	}
	again, err := t.rows(ctx, bySeq, r.seq)
	if err != nil || len(again) == 0 {
		return nil, err
	}
	again[0].payload, again[0].result = r.payload, r.result
	return again[0], nil
}

const (
	findBare  = `SELECT ` + columns + ` FROM leat_jobs WHERE hash BETWEEN ?1 AND ?1 + 3 AND tenant = ?2 AND id = ?3`
	findWhole = `SELECT ` + columns + `, payload, result FROM leat_jobs WHERE hash BETWEEN ?1 AND ?1 + 3 AND tenant = ?2 AND id = ?3`
	bySeq     = `SELECT ` + columns + ` FROM leat_jobs WHERE seq = ?`
)
