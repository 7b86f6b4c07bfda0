package broker

import (
	"cmp"
	"time"
)

// strangeFor is how long a message that nobody could make sense of is a reason to
// worry: it comes again before (troubled).
const strangeFor = time.Minute

// health is what is wrong.
type health struct {
	receive error // the last receive failed
	strange error // the newest trouble with a message
	since   time.Time
}

// Health is what is wrong (R17): receives fail, a message has no record, or can't be
// settled. The first is over with a good receive, the others a minute after the
// last one; nil = all is well.
func (b *Backend) Health() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.health
	if time.Since(h.since) >= strangeFor {
		h.strange = nil
	}
	return cmp.Or(h.receive, h.strange)
}

// received notes how a receive went.
func (b *Backend) received(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.health.receive = err
}

// worried notes a trouble with messages, if there was one.
func (b *Backend) worried(err error) {
	if err == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.health.strange, b.health.since = err, time.Now()
}
