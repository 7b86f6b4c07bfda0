package spec

import (
	"time"

	"github.com/leat-go/leat/backends"
)

// closedToMembers says why a collation job may refuse a new member, and whether
// it must (R14).
func (s *Store) closedToMembers(now time.Time, ref backends.Ref) (may []error, must bool) {
	c := s.find(ref)
	if c == nil {
		return []error{backends.ErrNotFound}, true
	}
	if c.batch != nil && c.batch.Sealed {
		may, must = append(may, backends.ErrSealed), true
	}
	if c.state.Ended() || c.wild || len(s.ripe(c, now)) > 0 {
		may, must = append(may, backends.ErrEnded), must || c.state.Ended() && !c.wild
	}
	if s.mayBeGone(c, now) {
		may = append(may, backends.ErrNotFound)
	}
	return may, must
}

// join counts a new member.
func (s *Store) join(c *job) {
	c.touch()
	c.batch.Members++
	if c.batch.Hold > 0 {
		c.batch.Hold++
	}
}

// seal says that all members of c exist.
func (s *Store) seal(now time.Time, c *job) {
	if c.batch.Sealed { // once
		c.change = max(c.change, renewed)
		return
	}
	c.touch()
	c.batch.Sealed = true
	s.countDown(now, c, 1)
}

// count tells j's collation job of its first end; one that has ended counts on,
// as it may be redriven.
func (s *Store) count(now time.Time, j *job) {
	if j.Batch == nil || j.Batch.Member.IsZero() || j.counted {
		return
	}
	j.counted = true
	c := s.find(j.Batch.Member)
	if c == nil || c.batch == nil {
		return
	}
	c.touch()
	c.batch.Ended++
	if j.state != backends.Succeeded {
		c.batch.Failed++
	}
	down := 1
	if t := int(c.Batch.Tolerate); t >= 0 && c.batch.Failed > t {
		down = c.batch.Hold
	}
	s.countDown(now, c, down)
}

// countDown lowers a hold, and lets c go when it comes to nothing.
func (s *Store) countDown(now time.Time, c *job, by int) {
	if c.batch.Hold == 0 {
		return
	}
	c.batch.Hold = max(0, c.batch.Hold-by)
	if c.batch.Hold == 0 && c.state == backends.Waiting && c.due.IsZero() {
		if c.place.Before(now) {
			c.place = now
		}
		c.due = c.place
	}
}
