package protocol

import "time"

// held is a claimed job: the lease of its message and the record as this worker wrote it.
type held struct {
	delivery
	rec     record
	version int
	token   int // of this claim; the record's may have become another
}

// claim finds out what a delivered message means, in the protocol's order. It returns a job only if it is to be run.
func (w *worker) claim(d delivery) (h held, run bool) {
	if w.far(d.due) {
		w.tracef(w.process, d.id, "hops: due %v", d.due)
		w.sendAnew(d, d.message, d.due) // no record touched
		return held{}, false
	}
	if d.id == "" && !w.adopt(&d) {
		return held{}, false
	}
	for trust := w.hintHolds(d); ; trust = false {
		rec, version := w.recordOf(d, trust)
		if w.meansNoRun(d, rec, version) {
			return held{}, false
		}
		if d.generation > rec.generation {
			w.revive(d, rec, version)
			continue
		}
		if h, run, settled := w.take(d, rec, version); settled {
			return h, run
		}
	}
}

// far says that the broker could not hold the message back long enough. FIFO queues know no delay, so no hops.
func (w *worker) far(due instant) bool { return !w.broker.fifo && due-w.clock() > maxDelay }

// hintHolds says that the version can still be of the life that the message speaks of: versions begin again after the retention.
func (w *worker) hintHolds(d delivery) bool {
	return d.hint != 0 && d.receives == 1 && (w.clock()-d.sent < queueRetention || !w.rules.hintIsYoung)
}

// recordOf reads the record, or trusts the version hint: then the first claim's write is also its check.
func (w *worker) recordOf(d delivery, trust bool) (record, int) {
	if trust {
		return d.createdRecord(), d.hint
	}
	return w.records.get(w.process, d.id)
}

// meansNoRun deals with a message that is not for running the job.
func (w *worker) meansNoRun(d delivery, rec record, version int) bool {
	switch {
	case version == 0:
		w.keepUnknown(d)
	case d.generation < rec.generation:
		w.ack(d)
	case d.generation > rec.generation && !rec.revivable():
		w.ack(d)
	case d.generation > rec.generation:
		return false
	case rec.state.ended():
		w.finish(d, rec, version)
	case w.spare(d, rec):
		w.setAside(d, rec)
	default:
		return false
	}
	return true
}

// spare says that the job runs under another message, which alone may steal it until the run must be over.
func (w *worker) spare(d delivery, rec record) bool {
	if rec.state != running || rec.holder == d.mid || !w.rules.onlyHolderSteals {
		return false
	}
	return rec.until > w.clock() || !w.rules.spareIsLimited
}

// setAside keeps a spare: the holder's message may be gone by a stale ack.
func (w *worker) setAside(d delivery, rec record) {
	w.tracef(w.process, d.id, "message %d is a spare", d.mid)
	if !w.rules.spareIsKept {
		w.ack(d)
		return
	}
	w.nack(d, max(time.Second, rec.until-w.clock()))
}

// take claims the job by one conditional write, or writes the end that awaits it instead, or leaves it for later.
// Not settled means that somebody else wrote in between: look again.
func (w *worker) take(d delivery, rec record, version int) (h held, run, settled bool) {
	ptr, pointed := w.pointerOf(rec)
	if s := w.awaits(rec, ptr); s != none {
		return held{}, false, w.endAtClaim(d, rec.end(s, d.payload, w.expiry()), version)
	}
	if rec.state == waiting && rec.due > w.clock() {
		w.nack(d, rec.due-w.clock())
		return held{}, false, true
	}
	if rec.collates && !w.complete(&rec, &version) {
		w.nack(d, collationDelay(d.receives))
		return held{}, false, true
	}
	if w.mustTrail(rec, ptr) {
		w.tracef(w.process, d.id, "trails %s", ptr.running)
		w.nack(d, 2*time.Second)
		return held{}, false, true
	}
	until := w.clock() + runLimit + grace // fixed before the pointer is written, and the same in both
	if !w.raiseAtClaim(rec, ptr, pointed, until) {
		return held{}, false, false
	}
	if !w.rules.untilIsFixed {
		until = w.clock() + runLimit + grace
	}
	h = held{delivery: d, rec: rec.claimed(d.mid, until)}
	h.token = h.rec.token
	h.version, run = w.write(h.rec, version)
	return h, run, run
}

// awaits is the end that a claim must write instead of running the job. Cancel wins.
func (w *worker) awaits(rec record, ptr pointer) state {
	switch {
	case rec.cancel:
		return cancelled
	case rec.state == running && rec.crashes >= maxCrashes:
		return dead
	case rec.deadline != 0 && rec.deadline <= w.clock():
		return expired
	case w.overtaken(rec, ptr):
		return superseded
	}
	return none
}

// endAtClaim writes an end without a run; what it owes leaves as after any other end.
func (w *worker) endAtClaim(d delivery, rec record, version int) (settled bool) {
	version, settled = w.write(rec, version)
	if settled {
		w.finish(d, rec, version)
	}
	return settled
}

// write is every conditional write of a record by a worker.
func (w *worker) write(rec record, version int) (int, bool) {
	return w.records.put(w.process, rec.id, rec, version, rec.expire)
}
