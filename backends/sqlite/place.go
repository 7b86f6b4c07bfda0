package sqlite

import (
	"context"

	"github.com/leat-go/leat/backends"
)

// A place is what one supersede key of a tenant names (R13). The newest job by order
// holds it; the option of that job decides for all older ones.

type place struct {
	seq      int64
	id       string
	trailing bool
}

func (t *txn) placeOf(ctx context.Context, r *row) (p place, err error) {
	_, err = t.row(ctx, `SELECT seq, id, trailing FROM leat_places WHERE queue = ? AND tenant = ? AND supersede = ?`,
		[]any{r.queue().id, r.ref.Tenant, r.supersede}, &p.seq, &p.id, &p.trailing)
	return p, err
}

// takePlace makes r, just created, the newest of its place.
func (t *txn) takePlace(ctx context.Context, r *row) error {
	return t.run(ctx, `INSERT INTO leat_places VALUES (?, ?, ?, ?, ?, ?, 1)
		ON CONFLICT DO UPDATE SET seq = excluded.seq, id = excluded.id, trailing = excluded.trailing, jobs = jobs + 1`,
		r.queue().id, r.ref.Tenant, r.supersede, r.seq, r.ref.ID, r.spec.Trailing)
}

// leavePlace drops a row that leaves the store, and the place with the last.
func (t *txn) leavePlace(ctx context.Context, r *row) error {
	key := []any{r.queue().id, r.ref.Tenant, r.supersede}
	if err := t.run(ctx, `UPDATE leat_places SET jobs = jobs - 1 WHERE queue = ? AND tenant = ? AND supersede = ?`, key...); err != nil {
		return err
	}
	return t.run(ctx, `DELETE FROM leat_places WHERE queue = ? AND tenant = ? AND supersede = ? AND jobs < 1`, key...)
}

// alive are the jobs of r's place that wait or run, without r.
func (t *txn) alive(ctx context.Context, r *row) ([]*row, error) {
	return t.rows(ctx, `SELECT `+columns+` FROM leat_jobs WHERE queue = ? AND tenant = ? AND supersede = ? AND state < 3 AND seq <> ? ORDER BY seq`,
		r.queue().id, r.ref.Tenant, r.supersede, r.seq)
}

// overtake ends the older jobs of a place that wait, and marks those that run.
func (t *txn) overtake(ctx context.Context, newest *row) error {
	older, err := t.alive(ctx, newest)
	if err != nil {
		return err
	}
	for _, o := range older {
		if o, err = t.current(ctx, o); err != nil {
			return err
		}
		if o == nil {
			continue
		}
		next := o.life.Supersede(o.facts(t.now), newest.spec.Trailing)
		if next == o.life {
			continue
		}
		if _, err := t.apply(ctx, change{row: o, next: next, stranger: o.stranger}); err != nil {
			return err
		}
	}
	return nil
}

// apply writes a step that may be a mark only.
func (t *txn) apply(ctx context.Context, c change) (bool, error) {
	if c.next.Phase() != c.life.Phase() || c.next.State != c.life.State {
		c.stranger = false
		return t.move(ctx, c)
	}
	before := *c.row
	t.spread++
	c.life = c.next
	t.changed = append(t.changed, c.ref)
	return t.write(ctx, &before, c)
}

// overtaken is what the place says of r.
func (t *txn) overtaken(ctx context.Context, r *row) (backends.Overtaken, error) {
	p, err := t.placeOf(ctx, r)
	switch {
	case err != nil || p.seq <= r.seq:
		return backends.Newest, err
	case p.trailing:
		return backends.ByTrailing, nil
	}
	return backends.ByNewer, nil
}

// blame tells a superseded job who took its place.
func (t *txn) blame(ctx context.Context, r *row) error {
	p, err := t.placeOf(ctx, r)
	if p.seq > r.seq {
		r.more.SupersededBy = p.id
	}
	return err
}

// placeChanged lets those go that waited for r to finish.
func (t *txn) placeChanged(ctx context.Context, r *row) error {
	others, err := t.alive(ctx, r)
	if err != nil {
		return err
	}
	for _, w := range others {
		if w, err = t.current(ctx, w); err != nil {
			return err
		}
		if w == nil || w.life.State != backends.Waiting || w.stand != nowhere || w.life.Due == 0 {
			continue
		}
		t.spread++
		if err := t.settleDown(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// settleDown puts a job where it belongs, its life unchanged.
func (t *txn) settleDown(ctx context.Context, r *row) error {
	was := r.stand
	if err := t.stand(ctx, r); err != nil || r.stand == was {
		return err
	}
	line, room := r.standing()
	return t.run(ctx, `UPDATE leat_jobs SET line = ?, room = ? WHERE seq = ?`, line, room, r.seq)
}

// blocked reports whether r must wait for an older job of its place to finish.
func (t *txn) blocked(ctx context.Context, r *row) (bool, error) {
	if r.supersede == "" || !r.spec.Trailing {
		return false, nil
	}
	p, err := t.placeOf(ctx, r)
	if err != nil || p.seq != r.seq {
		return false, err
	}
	return t.row(ctx, `SELECT 1 FROM leat_jobs WHERE queue = ? AND tenant = ? AND supersede = ? AND state < 3 AND state = 2 AND seq <> ? LIMIT 1`,
		[]any{r.queue().id, r.ref.Tenant, r.supersede, r.seq}, new(int))
}
