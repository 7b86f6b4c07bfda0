package protocol

import (
	"errors"
	"time"
)

var errKeyReused = errors.New("same id, other payload")

// enqueue: create record → send → acknowledge. Before the acknowledgement nothing was promised.
func (p *process) enqueue(j job, payload int) {
	rec, version, created := p.create(j, payload)
	if rec.print != payload {
		panic(failed{errKeyReused})
	}
	if !p.rules.pointerAfterSend {
		p.raise(rec)
	}
	switch {
	case created:
		p.dispatch(rec.message(payload, version))
	case p.rules.retrySendsAgain && neverClaimed(rec) && !rec.sent:
		hint := 0
		if !p.rules.creatorHints {
			hint = version
		}
		p.dispatch(rec.message(payload, hint))
		rec.sent = true
		p.records.put(p, rec.id, rec, version, rec.expire) // a conflict means that somebody saw a message: as good
	}
	p.raise(rec)
}

// create writes the record, or finds the one that is there. Its order is fixed here, and its generation is
// higher than that of any message of an earlier life.
func (p *process) create(j job, payload int) (rec record, version int, created bool) {
	rec = record{job: j, state: waiting, created: p.clock(), due: p.clock() + j.after, expire: unexpired, print: payload}
	rec.order = p.nextOrder(j)
	rec.generation = p.newLife(0)
	if version, ok := p.records.put(p, j.id, rec, 0, rec.expire); ok {
		return rec, version, true
	}
	old, version := p.records.get(p, j.id)
	if version == 0 || !old.state.ended() || old.expire > p.clock() {
		return old, version, false
	}
	rec.generation = p.newLife(old.generation)
	version, created = p.records.put(p, j.id, rec, version, rec.expire)
	if !created {
		panic(failed{errUnavailable})
	}
	return rec, version, created
}

// newLife is max(old + 1, unix ms). The record may be gone: only the clock knows that there was a life before.
func (p *process) newLife(old int64) int64 {
	if !p.rules.livesAreNumbered {
		return old + 1
	}
	return max(old+1, int64((epoch+p.clock())/time.Millisecond))
}

// neverClaimed also holds for a job that was cancelled while it waited: what that end owes needs a message as well.
func neverClaimed(r record) bool { return r.state != none && r.token == 0 }
