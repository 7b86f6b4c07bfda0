package protocol

// finish is for an ended record: what it owes leaves, then the message may go. The ack says "announced".
func (w *worker) finish(d delivery, rec record, version int) {
	if rec.state == cancelled && rec.payload == 0 { // ended by a client, which did not have the payload
		rec.payload, rec.expire = d.payload, w.expiry()
		if _, ok := w.write(rec, version); !ok {
			panic(failed{errUnavailable})
		}
	}
	if !w.rules.announceBeforeAck {
		w.ack(d)
		w.announce(rec)
		return
	}
	w.announce(rec)
	w.ack(d)
}

// announce pays what an end owes: the ready event, and the write-back if it succeeded. Each may leave more than once.
func (w *worker) announce(rec record) {
	e := rec.event()
	w.call("event", rec.id, func() {
		w.tracef(w.process, rec.id, "announces %v of generation %d", rec.state, rec.generation)
		w.history.announced(e)
	})
	if rec.state == succeeded {
		w.call("write back", rec.id, func() { w.history.wroteBack(e) })
	}
}
