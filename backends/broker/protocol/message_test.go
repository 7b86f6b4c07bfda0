package protocol

import "time"

// job is what a client asks for. It never changes, travels in the message, and is in the record from its creation.
type job struct {
	id       string
	tenant   string
	key      string // supersede key
	trailing bool
	batch    string // the collation job of which it is a member
	collates bool   // the collation job of a batch
	after    time.Duration
	deadline instant // 0 = none
}

// message is what goes over the broker. Without an id it has no envelope: a foreign message.
type message struct {
	job
	generation int64
	order      int64
	send       int // how often it was sent anew
	due        instant
	created    instant
	hint       int // version of the record when it was created: the first claim need not read
	payload    int
}

// message is the first message of a record's present generation. Only who created the record may give its version as a hint.
func (r record) message(payload, hint int) message {
	return message{
		job: r.job, generation: r.generation, order: r.order, due: r.due, created: r.created, hint: hint, payload: payload,
	}
}

// created is the record as its enqueue wrote it, known from the message alone.
func (m message) createdRecord() record {
	return record{job: m.job, state: waiting, generation: m.generation, order: m.order, due: m.due, created: m.created, expire: unexpired, print: m.payload}
}

// dispatch sends a message, not before its due time as far as the broker can hold it back.
func (p *process) dispatch(m message) {
	p.call("send", m.id, func() {
		p.tracef(p, m.id, "sends generation %d send %d, due %v", m.generation, m.send, m.due)
		p.broker.send(m, p.group(m.job), p.dedup(m), max(0, m.due-p.clock()))
		p.history.dispatched(m.id)
	})
}

// sendAnew puts a fresh message in the place of a delivered one; only then the old one goes.
func (w *worker) sendAnew(d delivery, m message, due instant) {
	m.send++
	m.due, m.hint = due, 0
	w.dispatch(m)
	w.ack(d)
}

func (p *process) dedup(m message) dedupID {
	id := dedupID{id: m.id, generation: m.generation}
	if p.rules.dedupCarriesSend {
		id.send = m.send
	}
	return id
}

// group is the FIFO group: the tenant. A collation waits for its members, so it must not stand in their way.
func (w *world) group(j job) string {
	if j.collates && w.rules.collationOwnGroup {
		return j.id
	}
	return j.tenant
}
