package sqlite

import (
	"context"

	"github.com/leat-go/leat/backends"
)

// held reports whether members hold r back, were it waiting.
func (r *row) held() bool { return r.more.Batch.Holds() }

// admit says why a batch doesn't take a new member; nil = it does.
func (t *txn) admit(ctx context.Context, collation backends.Ref) (refused, err error) {
	c, err := t.find(ctx, collation)
	switch {
	case err != nil:
		return nil, err
	case c == nil:
		return backends.ErrNotFound, nil
	}
	return c.more.Batch.Refuses(c.life.State), nil
}

// countUp adds a member that was just created.
func (t *txn) countUp(ctx context.Context, collation backends.Ref) error {
	c, err := t.find(ctx, collation)
	if err != nil || c == nil || c.more.Batch == nil {
		return err
	}
	c.more.Batch.Join(c.life.Held())
	return t.note(ctx, c)
}

// countDown notes a member's first end; the last one lets the collation job go. It
// counts on when the collation job has ended: it may be redriven.
func (t *txn) countDown(ctx context.Context, collation backends.Ref, end backends.State) error {
	c, err := t.find(ctx, collation)
	if err != nil || c == nil || c.more.Batch == nil {
		return err
	}
	c.more.Batch.Leave(end)
	return t.letGo(ctx, c)
}

// letGo makes a collation job claimable once nothing holds it, and keeps what was
// counted.
func (t *txn) letGo(ctx context.Context, c *row) error {
	if c.held() || !c.life.Held() {
		return t.note(ctx, c)
	}
	t.spread++
	_, err := t.move(ctx, change{row: c, next: c.life.Unhold(c.facts(t.now)), more: true})
	return err
}

// note writes what few records have, and nothing else.
func (t *txn) note(ctx context.Context, r *row) error {
	t.spread++
	t.changed = append(t.changed, r.ref)
	r.version++
	return t.run(ctx, `UPDATE leat_jobs SET more = ?, version = version + 1 WHERE seq = ?`, packed(&r.more, r.more.empty()), r.seq)
}
