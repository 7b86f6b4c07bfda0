package memory

import "github.com/leat-go/leat/backends"

// tally is what a collation job knows of its members; nil of any other job.
func (r *record) tally() *backends.Tally {
	if r == nil || r.rare == nil {
		return nil
	}
	return r.rare.tally
}

// held reports whether members hold r back, were it waiting.
func (r *record) held() bool { return r.tally().Holds() }

// admit refuses a new member that its batch doesn't take.
func (b *store) admit(j *backends.Job, now int64) error {
	if !j.IsMember() {
		return nil
	}
	c := b.find(j.Batch.Member, now)
	if c == nil {
		return backends.ErrNotFound
	}
	return c.tally().Refuses(c.life.State)
}

// countUp adds a member that was just created.
func (b *store) countUp(collation backends.Ref, now int64) {
	c := b.find(collation, now)
	c.tally().Join(c.life.Held())
	c.changed()
}

// countDown notes a member's first end; the last one lets the collation job go.
// It counts on when the collation job has ended: it may be redriven.
func (b *store) countDown(collation backends.Ref, end backends.State, now int64) {
	c := b.find(collation, now)
	if c.tally() == nil {
		return
	}
	c.tally().Leave(end)
	b.letGo(c, now)
}

// letGo makes a collation job claimable once nothing holds it.
func (b *store) letGo(c *record, now int64) {
	if c.held() || !c.life.Held() {
		c.changed()
		return
	}
	_ = b.move(c, c.life.Unhold(c.facts(now)), now, 0) // an arrow of the table
}
