package protocol

import (
	"slices"
	"time"
)

// broker is an at-least-once queue: leases by visibility, delays up to a maximum, redelivery, double delivery, no order.
// With fifo set it keeps the order of each group, drops repeated de-duplication ids and knows no delay at sending.
type broker struct {
	*world
	fifo     bool
	messages []*stored
	last     int // broker message id given last
	seen     map[dedupID]instant
	waiting  []*process // consumers whose receive found nothing
	scratch  []*stored
}

// dedupID is what a FIFO queue knows a message by.
type dedupID struct {
	id         string
	generation int64
	send       int
}

type stored struct {
	message
	mid      int
	group    string
	sent     instant
	visible  instant
	receipt  int
	receives int
}

// delivery is a message as a consumer holds it: the receipt names this delivery, mid the message.
type delivery struct {
	message
	mid, receipt, receives int
	sent                   instant
}

func (b *broker) send(m message, group string, dedup dedupID, delay time.Duration) (mid int) {
	if b.fifo {
		delay = 0
		if at, ok := b.seen[dedup]; ok && b.now-at < dedupWindow {
			b.tracef(nil, m.id, "broker swallows %v", dedup)
			return 0
		}
		b.seen[dedup] = b.now
	}
	b.last++
	s := &stored{message: m, mid: b.last, group: group, sent: b.now, visible: b.now + min(delay, maxDelay)}
	b.messages = append(b.messages, s)
	b.wake(s.visible)
	return s.mid
}

// receive leases one visible message: of a FIFO queue the first of a group, else any.
func (b *broker) receive() (delivery, bool) {
	ready := b.ready()
	if len(ready) == 0 {
		return delivery{}, false
	}
	s := ready[0]
	if !b.directed && b.chance(0.5) {
		s = ready[b.rng.IntN(len(ready))]
	}
	s.receipt++
	s.receives++
	s.visible = b.now + lease
	if !b.fifo && b.stormy() && b.chance(b.faults.twice) {
		s.visible = b.now + b.between(0, 5*time.Second)
	}
	b.wake(s.visible)
	return delivery{s.message, s.mid, s.receipt, s.receives, s.sent}, true
}

func (b *broker) ready() []*stored {
	b.scratch = b.scratch[:0]
	for i, s := range b.messages {
		if s.visible <= b.now && (!b.fifo || b.heads(i)) {
			b.scratch = append(b.scratch, s)
		}
	}
	return b.scratch
}

// heads reports whether no earlier message of the group is left.
func (b *broker) heads(i int) bool {
	return !slices.ContainsFunc(b.messages[:i], func(s *stored) bool { return s.group == b.messages[i].group })
}

// ack deletes. A stale receipt deletes too on some brokers; at-least-once allows a deleted message to come once more.
func (b *broker) ack(d delivery) {
	i := b.find(d.mid)
	if i < 0 || b.messages[i].receipt != d.receipt && !b.faults.staleAckDeletes {
		return
	}
	if !b.fifo && b.stormy() && b.chance(b.faults.again) {
		b.show(b.messages[i], b.between(0, 2*queueRetention))
		return
	}
	b.messages = slices.Delete(b.messages, i, i+1)
	b.wake(b.now)
}

// deadLetter moves a message to the broker's own dead-letter queue.
func (b *broker) deadLetter(d delivery) {
	if i := b.find(d.mid); i >= 0 {
		b.messages = slices.Delete(b.messages, i, i+1)
		b.wake(b.now)
	}
}

func (b *broker) nack(d delivery, delay time.Duration) {
	if s := b.current(d); s != nil {
		b.show(s, min(delay, maxNack))
	}
}

func (b *broker) extend(d delivery) {
	if s := b.current(d); s != nil {
		b.show(s, lease)
	}
}

// current is the message if this receipt still counts, or if the broker does not look at receipts.
func (b *broker) current(d delivery) *stored {
	i := b.find(d.mid)
	if i < 0 || b.messages[i].receipt != d.receipt && !b.faults.staleNackActs {
		return nil
	}
	return b.messages[i]
}

func (b *broker) show(s *stored, delay time.Duration) {
	s.visible = b.now + delay
	b.wake(s.visible)
}

func (b *broker) find(mid int) int {
	return slices.IndexFunc(b.messages, func(s *stored) bool { return s.mid == mid })
}

// wake lets every waiting consumer look again at that instant.
func (b *broker) wake(at instant) {
	for _, p := range b.waiting {
		if at < p.wakes {
			b.wakeAt(p, at)
		}
	}
}

// await parks a consumer until something may be visible.
func (b *broker) await(p *process) {
	next := never
	for i, s := range b.messages {
		if !b.fifo || b.heads(i) {
			next = min(next, max(s.visible, b.now+time.Millisecond))
		}
	}
	b.waiting = append(b.waiting, p)
	defer func() { b.waiting = slices.DeleteFunc(b.waiting, func(q *process) bool { return q == p }) }()
	p.pauseUntil(next)
}
