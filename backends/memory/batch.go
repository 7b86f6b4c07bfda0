package memory

import "github.com/leat-go/leat/backends"

// batch is what a collation job knows of its members (R14).
type batch struct {
	hold, tolerate         int
	members, ended, failed int
	sealed                 bool
}

func newBatch(b *backends.Batch) *batch {
	if b == nil || (b.Hold == 0 && !b.Sealed) {
		return nil
	}
	n := &batch{hold: int(b.Hold), tolerate: int(b.Tolerate)}
	n.seal(b)
	return n
}

// seal subtracts the hold that the collation job was created with, once.
func (n *batch) seal(b *backends.Batch) {
	if b.Sealed && !n.sealed {
		n.sealed = true
		n.hold = max(0, n.hold-1)
	}
}

func (n *batch) progress() *backends.BatchProgress {
	if n == nil {
		return nil
	}
	return &backends.BatchProgress{Members: n.members, Ended: n.ended, Failed: n.failed, Hold: n.hold, Sealed: n.sealed}
}

// admit refuses a new member that its batch doesn't take.
func (b *store) admit(j *backends.Job, now int64) error {
	if j.Batch == nil || j.Batch.Member.IsZero() {
		return nil
	}
	c := b.find(j.Batch.Member, now)
	switch {
	case c == nil || c.rare == nil || c.rare.batch == nil:
		return backends.ErrNotFound
	case c.life.State.Ended():
		return backends.ErrEnded
	case c.rare.batch.sealed:
		return backends.ErrSealed
	}
	return nil
}

// countUp adds a member that was just created.
func (b *store) countUp(collation backends.Ref, now int64) {
	c := b.find(collation, now)
	n := c.rare.batch
	n.members++
	if c.life.Held() {
		n.hold++
	}
	c.changed()
}

// held reports whether members hold r back, were it waiting.
func (r *record) held() bool { return r.rare != nil && r.rare.batch != nil && r.rare.batch.hold > 0 }

// countDown notes a member's first end; the last one lets the collation job go.
// It counts on when the collation job has ended: it may be redriven.
func (b *store) countDown(collation backends.Ref, end backends.State, now int64) {
	c := b.find(collation, now)
	if c == nil || c.rare == nil || c.rare.batch == nil {
		return
	}
	n := c.rare.batch
	n.ended++
	if end.Failed() {
		n.failed++
	}
	n.hold = max(0, n.hold-1)
	if n.tolerate >= 0 && n.failed > n.tolerate {
		n.hold = 0
	}
	b.letGo(c, now)
}

// letGo makes a collation job claimable once nothing holds it.
func (b *store) letGo(c *record, now int64) {
	if c.rare.batch.hold > 0 || !c.life.Held() {
		c.changed()
		return
	}
	_ = b.move(c, c.life.Unhold(c.facts(now)), now, 0) // an arrow of the table
}
