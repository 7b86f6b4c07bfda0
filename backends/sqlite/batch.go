package sqlite

import (
	"context"

	"github.com/leat-go/leat/backends"
)

// batch is what a collation job knows of its members (R14).
type batch struct {
	Hold     int  `json:"hold,omitempty"`
	Tolerate int  `json:"tolerate,omitempty"`
	Members  int  `json:"members,omitempty"`
	Ended    int  `json:"ended,omitempty"`
	Failed   int  `json:"failed,omitempty"`
	Sealed   bool `json:"sealed,omitempty"`
}

func newBatch(b *backends.Batch) *batch {
	if b == nil || (b.Hold == 0 && !b.Sealed) {
		return nil
	}
	n := &batch{Hold: int(b.Hold), Tolerate: int(b.Tolerate)}
	n.seal(b)
	return n
}

// seal subtracts the hold that the collation job was created with, once.
func (n *batch) seal(b *backends.Batch) {
	if b.Sealed && !n.Sealed {
		n.Sealed = true
		n.Hold = max(0, n.Hold-1)
	}
}

func (n *batch) progress() *backends.BatchProgress {
	if n == nil {
		return nil
	}
	return &backends.BatchProgress{Members: n.Members, Ended: n.Ended, Failed: n.Failed, Hold: n.Hold, Sealed: n.Sealed}
}

// held reports whether members hold r back, were it waiting.
func (r *row) held() bool { return r.more.Batch != nil && r.more.Batch.Hold > 0 }

// admit finds the collation job of a new member, or says why its batch doesn't take it.
func (t *txn) admit(ctx context.Context, ref backends.Ref) (*row, error, error) {
	c, err := t.find(ctx, ref)
	switch {
	case err != nil:
		return nil, nil, err
	case c == nil || c.more.Batch == nil:
		return nil, backends.ErrNotFound, nil
	case c.life.State.Ended():
		return nil, backends.ErrEnded, nil
	case c.more.Batch.Sealed:
		return nil, backends.ErrSealed, nil
	}
	return c, nil, nil
}

// countUp adds a member that was just created.
func (t *txn) countUp(ctx context.Context, ref backends.Ref) error {
	c, err := t.find(ctx, ref)
	if err != nil || c == nil || c.more.Batch == nil {
		return err
	}
	c.more.Batch.Members++
	if c.life.Held() {
		c.more.Batch.Hold++
	}
	return t.note(ctx, c)
}

// countDown notes a member's first end; the last one lets the collation job go. It
// counts on when the collation job has ended: it may be redriven.
func (t *txn) countDown(ctx context.Context, ref backends.Ref, end backends.State) error {
	c, err := t.find(ctx, ref)
	if err != nil || c == nil || c.more.Batch == nil {
		return err
	}
	n := c.more.Batch
	n.Ended++
	if end.Failed() {
		n.Failed++
	}
	n.Hold = max(0, n.Hold-1)
	if n.Tolerate >= 0 && n.Failed > n.Tolerate {
		n.Hold = 0
	}
	return t.letGo(ctx, c)
}

// letGo makes a collation job claimable once nothing holds it, and keeps what was
// counted.
func (t *txn) letGo(ctx context.Context, c *row) error {
	if c.more.Batch.Hold > 0 || !c.life.Held() {
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
