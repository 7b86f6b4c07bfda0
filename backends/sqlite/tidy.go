package sqlite

import (
	"context"

	"github.com/leat-go/leat/backends"
)

// Housekeeping comes with the traffic, in slices, so that nobody waits long for it.
const (
	ripeSlice = 1000 // jobs that have become due, per call
	reapSlice = 100  // old records, per call
)

// tidy brings a queue up to date: deadlines end jobs, what has become due goes to its
// line, and some old records go.
func (t *txn) tidy(ctx context.Context, q *queue) error {
	if q.next <= t.now {
		if err := t.ripen(ctx, q); err != nil {
			return err
		}
	}
	if err := t.thin(ctx, q); err != nil || q.reap > t.now {
		return err
	}
	return t.reap(ctx, q, reapSlice)
}

// ripen deals with what has become due, and finds out when to look again.
func (t *txn) ripen(ctx context.Context, q *queue) error {
	late, err := t.rows(ctx, `SELECT `+columns+` FROM leat_jobs WHERE queue = ? AND state = 1 AND deadline > 0 AND deadline <= ? ORDER BY deadline LIMIT ? + 0`,
		q.id, t.now, ripeSlice)
	if err != nil {
		return err
	}
	for _, r := range late {
		if r, err = t.current(ctx, r); err != nil {
			return err
		}
		if r == nil {
			continue
		}
		if next, over := r.life.Expire(r.facts(t.now)); over {
			if _, err := t.move(ctx, change{row: r, next: next}); err != nil {
				return err
			}
		}
	}
	ripe := 0
	for _, room := range [...]int{later, leased} {
		due, err := t.rows(ctx, `SELECT `+columns+` FROM leat_jobs WHERE queue = ? AND room = ? AND at <= ? ORDER BY at LIMIT ? + 0`,
			q.id, -room, t.now, ripeSlice-ripe)
		if err != nil {
			return err
		}
		for _, r := range due {
			if r, err = t.current(ctx, r); err != nil {
				return err
			}
			if r == nil {
				continue
			}
			if err := t.settleDown(ctx, r); err != nil {
				return err
			}
			if room == leased {
				if err := t.freed(ctx, r); err != nil {
					return err
				}
			}
		}
		ripe += len(due)
	}
	return t.nextTime(ctx, q)
}

// nextTime finds out when something becomes due, or passes its deadline.
func (t *txn) nextTime(ctx context.Context, q *queue) error {
	q.next = never
	for _, query := range [...]string{
		`SELECT at FROM leat_jobs WHERE queue = ? AND room = 1 ORDER BY at LIMIT 1`,
		`SELECT at FROM leat_jobs WHERE queue = ? AND room = 2 ORDER BY at LIMIT 1`,
		`SELECT deadline FROM leat_jobs WHERE queue = ? AND state = 1 AND deadline > 0 ORDER BY deadline LIMIT 1`,
	} {
		var at int64
		found, err := t.row(ctx, query, []any{q.id}, &at)
		if err != nil {
			return err
		}
		if found {
			q.next = min(q.next, at)
		}
	}
	return nil
}

// reap removes up to n records that are past their retention, and finds out when to look
// again.
func (t *txn) reap(ctx context.Context, q *queue, n int) error {
	if err := t.run(ctx, `DELETE FROM leat_meters WHERE name IN (SELECT name FROM leat_meters WHERE full < ? LIMIT ? + 0)`, t.now, n); err != nil {
		return err
	}
	q.reap = never
	for _, room := range [...]struct {
		stand int64
		end   backends.State
	}{{ended, backends.Succeeded}, {buried, backends.Dead}} {
		keeps := int64(q.policy().Keeps(room.end))
		old, err := t.rows(ctx, oldest+` AND at <= ?`+inOrder, q.id, -room.stand, t.now-keeps, n)
		if err != nil {
			return err
		}
		if err := t.removeAll(ctx, old); err != nil {
			return err
		}
		var first int64
		found, err := t.row(ctx, `SELECT at FROM leat_jobs WHERE queue = ? AND room = ? ORDER BY at LIMIT 1`, []any{q.id, -room.stand}, &first)
		if err != nil {
			return err
		}
		if found {
			q.reap = min(q.reap, first+keeps)
		}
	}
	return nil
}

const (
	oldest  = `SELECT ` + columns + ` FROM leat_jobs WHERE queue = ? AND room = ?`
	inOrder = ` ORDER BY at LIMIT ? + 0`
)

// thin removes the records that ended first, dead letters aside, until no more than
// Policy.Keep are kept. It counts them each time that a hundredth may have come.
func (t *txn) thin(ctx context.Context, q *queue) error {
	most := q.policy().Keep
	if most == 0 || q.closed <= most/100 {
		return nil
	}
	var have int
	if _, err := t.row(ctx, `SELECT count(*) FROM leat_jobs WHERE queue = ? AND room = 3`, []any{q.id}, &have); err != nil {
		return err
	}
	q.closed = 0
	if have <= most {
		return nil
	}
	old, err := t.rows(ctx, oldest+inOrder, q.id, -ended, have-most)
	if err != nil {
		return err
	}
	return t.removeAll(ctx, old)
}

func (t *txn) removeAll(ctx context.Context, rows []*row) error {
	for _, r := range rows {
		if err := t.remove(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// rows reads the rows of a query.
func (t *txn) rows(ctx context.Context, query string, args ...any) ([]*row, error) {
	var all []*row
	err := t.each(ctx, query, args, func(scan func(...any) error) error {
		r, err := t.scan(ctx, scan, false)
		if err == nil {
			r.spread = t.spread
			all = append(all, r)
		}
		return err
	})
	return all, err
}
