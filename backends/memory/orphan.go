package memory

// A job of a kind that none of its claimers knows waits for the next deploy, but
// not for ever: UnknownAfter past its due time, and past the last sign of somebody
// who knows the kind (knowers.go), it becomes an orphan, for any worker to take
// and decide (R10). If somebody who knows it comes after all, its class is shut to
// the others again. Each class remembers a time before which it has none to give;
// only a claim that doesn't know the kind looks.

// looks bounds how often a class is searched for orphans: this often per
// UnknownAfter at most. So much of it an orphan may come late.
const looks = 256

// expect takes note of a job that came into the class.
func (c *class) expect(r *record) {
	if c.owes != 0 || c.orphan {
		return
	}
	if at := r.life.Place + int64(c.queue.policy.UnknownAfter); at < c.stale {
		c.stale = at
		c.queue.hurry(c.opens())
	}
}

// opens is when a claim that doesn't know the kind may next find something: an
// orphan, or a job that becomes one.
func (c *class) opens() int64 {
	switch {
	case c.owes != 0:
		return never
	case c.orphan:
		return c.queue.lost(c.knowers)
	}
	return max(c.stale, c.queue.lost(c.knowers))
}

// adopt makes orphans of the kinds that a claim doesn't know.
func (q *queue) adopt(a *asking) {
	for _, c := range q.classes {
		if c.opens() <= a.now && !a.wants(c, a.now) {
			c.adopt(a.now)
		}
	}
}

// adopt turns the jobs whose time is over into orphans.
func (c *class) adopt(now int64) {
	q := c.queue
	c.stale = never
	var found []*record
	for _, s := range q.seats {
		for _, l := range s.lanes {
			if l.class == c {
				found = append(found, l.ready.until(now-int64(q.policy.UnknownAfter), &c.stale)...)
			}
		}
	}
	if c.stale != never { // the place of the oldest that stays
		c.stale = max(c.stale+int64(q.policy.UnknownAfter), now+int64(q.policy.UnknownAfter)/looks)
	}
	for _, r := range found {
		q.takeOut(r)
		r.ties |= toAnyone
		q.putIn(r, now, 0)
	}
}

// until lists the waiting records whose place is not after a time, and lowers
// oldest to the first place of the others.
func (o *order) until(place int64, oldest *int64) []*record {
	var found []*record
	each := func(r *record) {
		switch {
		case r.life.Place <= place:
			found = append(found, r)
		default:
			*oldest = min(*oldest, r.life.Place)
		}
	}
	for r := o.inLine.head; r != nil; r = r.next {
		each(r)
	}
	for _, r := range o.heap.items {
		each(r)
	}
	return found
}
