package protocol

import "strconv"

// foreignID stands for HMAC(transport, broker message id).
func foreignID(mid int) string { return "foreign-" + strconv.Itoa(mid) }

// adopt makes a job of a message without an envelope. The id follows from the broker's own, so a redelivery adopts the same;
// one that comes back when its record is gone would be a new job, so it is not adopted.
func (w *worker) adopt(d *delivery) bool {
	id := foreignID(d.mid)
	rec, version := w.records.get(w.process, id)
	if version == 0 && w.tooOld(*d) {
		w.keepUnknown(*d)
		return false
	}
	if version == 0 {
		rec, _, _ = w.create(job{id: id, tenant: d.tenant}, d.payload)
	}
	d.message = rec.message(d.payload, 0)
	return true
}

// keepUnknown is for a message without a record: never acked, health red. The native redrive policy removes it in the end.
func (w *worker) keepUnknown(d delivery) {
	if w.tooOld(d) {
		w.call("dead-letter", d.id, func() {
			w.tracef(w.process, d.id, "dead-letters message %d", d.mid)
			w.broker.deadLetter(d)
			w.history.removed[foreignID(d.mid)] = true
		})
		return
	}
	w.nack(d, maxNack)
}

func (w *worker) tooOld(d delivery) bool {
	return w.rules.oldIsDeadLettered && w.clock()-d.sent > queueRetention
}
