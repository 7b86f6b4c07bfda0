package sqlite

import (
	"sync"
	"time"
)

// clock is the store's: that of the machine, which all who open the file share, but for
// its jumps. The wall clock may be set, by hand or after a sleep; leases and delays
// are spans, and shouldn't end all at once. So time goes on as the monotonic clock
// says, and the difference to the wall clock is made good:
//
//   - wall ahead: for holdBack both are in force. Ends of leases and delays are
//     counted from the wall clock, what is due by the old one, so that those who
//     hold a lease can renew it. Then time is what the wall clock says.
//   - wall behind: time never goes back. It runs at half speed until the wall clock
//     has caught up.
type clock struct {
	wall func() time.Time // for tests; nil = time.Now

	mu    sync.Mutex
	start time.Time // of the monotonic readings
	last  int64     // elapsed when now was read last
	now   int64
	since int64 // elapsed when the wall clock was first seen ahead; 0 = it isn't
}

// tolerance is what counts as a jump, and not as the steering of the wall clock.
const tolerance = time.Second

// holdBack is for how long a jump ahead is held back: several beats of a worker.
const holdBack = 10 * time.Second

func newClock(wall func() time.Time) *clock {
	c := &clock{wall: wall, start: time.Now()}
	_, c.now = c.look()
	return c
}

// look reads both clocks of the machine: what has elapsed since the start, and the wall's.
func (c *clock) look() (elapsed, wall int64) {
	t := time.Now()
	elapsed = int64(t.Sub(c.start))
	if c.wall != nil {
		t = c.wall()
	}
	return elapsed, t.UnixNano()
}

// read returns the time by which things are due, and the one from which spans are
// counted: the same but for a while after a jump.
func (c *clock) read() (now, from int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	elapsed, wall := c.look()
	c.pass(elapsed-c.last, wall)
	c.last = elapsed
	ahead := wall - c.now
	switch {
	case ahead <= int64(tolerance):
		c.since = 0
		return c.now, c.now
	case c.since == 0:
		c.since = max(1, elapsed)
	case elapsed-c.since >= int64(holdBack):
		c.now += ahead
		c.since = 0
		return c.now, c.now
	}
	return c.now, c.now + ahead
}

// pass lets a span go by: half of it while the wall clock is far behind, and a hundredth
// more or less while the two are near, as the wall clock is steered too.
func (c *clock) pass(span, wall int64) {
	span = max(0, span)
	behind := c.now + span - wall
	switch {
	case behind > int64(tolerance):
		span = max((span+1)/2, span-behind)
	case behind > -int64(tolerance):
		span -= min(span/100, max(-span/100, behind))
	}
	c.now += span
}
