package sqlite

import (
	"context"
	"encoding/json"
	"math"

	"github.com/leat-go/leat/backends"
)

// learn keeps the newest policy by version.
func (t *txn) learn(ctx context.Context, q *queue, p *backends.Policy) error {
	if p == nil || p == q.given {
		return nil
	}
	b, err := json.Marshal(p.Filled())
	if err != nil {
		return err
	}
	text := string(b)
	switch {
	case text == q.text, p.Version < q.version && q.text != "":
		q.given = p
		return nil
	case q.text != "" && p.Version == q.version:
		t.disagree(q)
		q.given = p
		return nil
	}
	if err := t.run(ctx, `UPDATE leat_queues SET version = ?, policy = ? WHERE id = ?`, p.Version, text, q.id); err != nil {
		return err
	}
	q.version, q.text, q.given = p.Version, text, p
	before := q.policy()
	q.inForce.Store(p.Filled())
	t.redo = append(t.redo, func() { q.inForce.Store(before); q.text, q.given = "", nil })
	q.next, q.reap, q.closed = 0, 0, math.MaxInt
	for _, l := range q.lines {
		l.oldest = 0
	}
	t.stir(q)
	return t.count(ctx, q)
}

func (t *txn) disagree(q *queue) {
	if !q.warned {
		q.warned = true
		t.cat.logger.Warn("leat: the limits of this queue differ between its users, under one PolicyVersion; the first stay in force",
			"queue", q.name, "version", q.version)
	}
}

// limited reports whether a policy has a backlog limit.
func limited(p *backends.Policy) bool {
	if p.Backlog > 0 || p.Tenant.Backlog > 0 {
		return true
	}
	for _, t := range p.Tenants {
		if t.Backlog > 0 {
			return true
		}
	}
	return false
}

// count begins to count who waits, or stops: a queue without limits needn't pay for it.
func (t *txn) count(ctx context.Context, q *queue) error {
	want := limited(q.policy())
	if want == q.counted {
		return nil
	}
	q.counted = want
	if !want {
		if err := t.run(ctx, `UPDATE leat_queues SET waiting = NULL WHERE id = ?`, q.id); err != nil {
			return err
		}
		return t.run(ctx, `DELETE FROM leat_backlogs WHERE queue = ?`, q.id)
	}
	if err := t.run(ctx, `INSERT INTO leat_backlogs SELECT queue, tenant, count(*) FROM leat_jobs WHERE queue = ? AND state = 1 GROUP BY tenant`, q.id); err != nil {
		return err
	}
	return t.run(ctx, `UPDATE leat_queues SET waiting = (SELECT coalesce(sum(waiting), 0) FROM leat_backlogs WHERE queue = ?1) WHERE id = ?1`, q.id)
}

// wait adds to the number of those who wait.
func (t *txn) wait(ctx context.Context, q *queue, tenant string, by int) error {
	if !q.counted || by == 0 {
		return nil
	}
	if err := t.run(ctx, `UPDATE leat_queues SET waiting = waiting + ? WHERE id = ?`, by, q.id); err != nil {
		return err
	}
	err := t.run(ctx, `INSERT INTO leat_backlogs VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET waiting = waiting + excluded.waiting`, q.id, tenant, by)
	if err != nil || by > 0 {
		return err
	}
	return t.run(ctx, `DELETE FROM leat_backlogs WHERE queue = ? AND tenant = ? AND waiting = 0`, q.id, tenant)
}

// hasRoom holds the backlog limits against one more waiting job; a newer job of a
// place takes the room of the one that it ends.
func (t *txn) hasRoom(ctx context.Context, q *queue, j *backends.Job) (bool, error) {
	if !q.counted {
		return true, nil
	}
	var all, own, ends int
	if _, err := t.row(ctx, `SELECT waiting FROM leat_queues WHERE id = ?`, []any{q.id}, &all); err != nil {
		return false, err
	}
	if _, err := t.row(ctx, `SELECT waiting FROM leat_backlogs WHERE queue = ? AND tenant = ?`, []any{q.id, j.Tenant}, &own); err != nil {
		return false, err
	}
	if j.Supersede != "" {
		if _, err := t.row(ctx, `SELECT count(*) FROM leat_jobs WHERE queue = ? AND tenant = ? AND supersede = ? AND state < 3 AND state = 1`,
			[]any{q.id, j.Tenant, j.Supersede}, &ends); err != nil {
			return false, err
		}
	}
	full := func(limit, have int) bool { return limit > 0 && have-ends >= limit }
	p := q.policy()
	return !full(p.Backlog, all) && !full(p.Of(j.Tenant).Backlog, own), nil
}
