package memory

import (
	"math"

	"github.com/leat-go/leat/backends"
)

// never is a time that doesn't come.
const never = math.MaxInt64

// meter counts what a Cap bounds: leases in flight, and claims by a token
// bucket.
type meter struct {
	cap      backends.Cap
	inFlight int
	tokens   backends.Tokens
	doors    []*door // where lanes wait for it
	shared   bool    // by many tenants
}

// set changes the bounds; what is in flight stays.
func (m *meter) set(c backends.Cap, now int64) {
	m.fill(now)
	m.cap = c
	for _, d := range m.doors {
		d.open()
	}
}

func (m *meter) fill(now int64) {
	if m.cap.Rate > 0 {
		m.tokens = m.tokens.Filled(now, m.cap)
	}
}

// full reports whether forgetting m would give nothing away.
func (m *meter) full(now int64) bool {
	return m.inFlight == 0 && m.tokens.Full(m.cap) <= now
}

// opens is when the next claim is allowed: 0 = now, never = when one is freed.
func (m *meter) opens(now int64) int64 {
	if m.cap.InFlight > 0 && m.inFlight >= m.cap.InFlight {
		return never
	}
	m.fill(now)
	return m.tokens.Opens(m.cap)
}

func (m *meter) take(now int64) {
	m.inFlight++
	if m.cap.Rate > 0 {
		m.fill(now)
		m.tokens = m.tokens.Take(1)
	}
}

func (m *meter) free() {
	m.inFlight--
	for _, d := range m.doors {
		d.open()
	}
}

// door is where the lanes of one queue and kind wait for a meter.
type door struct {
	meter  *meter
	class  *class
	parked line[*lane]
	opens  int64 // alarm time while index >= 0
	index  int32 // in the queue's alarms, -1 = none
}

func (d *door) alarmIndex() *int32 { return &d.index }

// door finds or makes the door of a class.
func (m *meter) door(c *class) *door {
	for _, d := range m.doors {
		if d.class == c {
			return d
		}
	}
	d := &door{meter: m, class: c, index: -1}
	m.doors = append(m.doors, d)
	return d
}

// park takes a lane that the meter holds back, until it opens.
func (d *door) park(l *lane, opens int64) {
	l.parkedAt = d
	d.parked.push(l)
	q := d.class.queue
	if d.index >= 0 && opens < d.opens { // the rate was raised
		q.alarms.remove(d)
	}
	if opens != never && d.index < 0 {
		d.opens = opens
		q.alarms.push(d)
		q.hurry(opens)
	}
}

// open lets lanes back into their ring. There they claim or park again. Before a
// resource many tenants may wait, so it lets one in, which lets in the next;
// before a tenant's cap only its own lanes do, and they keep their order among
// themselves only if all are in.
func (d *door) open() {
	for l := d.parked.head; l != nil; l = d.parked.head {
		d.unpark(l)
		l.enter()
		if d.meter.shared {
			return
		}
	}
}

func (d *door) unpark(l *lane) {
	d.parked.remove(l)
	l.parkedAt = nil
}

// resource is a cap that several queues share by name.
type resource struct {
	meter
	version int
	known   bool // somebody said what its cap is
}

// resource finds or makes one; "" has none.
func (b *store) resource(name string) *resource {
	if name == "" {
		return nil
	}
	r := b.resources[name]
	if r == nil {
		r = &resource{meter: meter{shared: true}}
		b.resources[name] = r
	}
	return r
}

// learn takes note of caps by name; the newest version counts.
func (b *store) learn(caps []backends.Resource, now int64) {
	for _, c := range caps {
		r := b.resource(c.Name)
		if r == nil || (r.known && c.Version <= r.version) {
			continue
		}
		r.known, r.version = true, c.Version
		r.set(c.Cap, now)
	}
}
