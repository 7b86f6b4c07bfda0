package protocol

import "time"

// verdict is what a handler's return means.
type verdict int

const (
	success verdict = iota
	failure
	permanent
	snooze
	release
)

func (v verdict) String() string {
	return [...]string{"success", "failure", "permanent", "snooze", "release"}[v]
}

// answer is what the handler did: how long it ran, its verdict, and after which delay a retry or snooze wants to be run again.
type answer struct {
	runs    time.Duration
	verdict verdict
	again   time.Duration
}

// settle: commit the outcome by one conditional write on the token → announce → ack.
func (w *worker) settle(h *held, a answer) {
	for {
		next := w.outcome(h, a)
		if version, ok := w.write(next, h.version); ok {
			w.leave(h, next, version, a.verdict)
			return
		}
		rec, version := w.records.get(w.process, h.rec.id)
		if w.rules.commitIsFenced && !h.owns(rec) {
			w.tracef(w.process, h.rec.id, "is stale: refused")
			return // not ours any more, success or not; whoever holds the job settles the message
		}
		h.rec, h.version = rec, version
	}
}

// outcome is the record that the verdict asks for. A cancel and a newer order win over it.
func (w *worker) outcome(h *held, a answer) record {
	rec, v := h.rec, a.verdict
	ptr, _ := w.pointerOf(rec)
	expire := w.expiry()
	again := v == failure && rec.attempt < maxAttempts || v == snooze || v == release
	switch {
	case rec.cancel:
		return rec.end(cancelled, h.payload, expire)
	case w.overtaken(rec, ptr), again && w.newer(ptr, rec):
		return rec.end(superseded, h.payload, expire)
	case v == success:
		rec.madeBy = h.token
		return rec.end(succeeded, h.payload, expire)
	case v == failure && again:
		return rec.wait(w.clock() + a.again)
	case v == snooze:
		rec.attempt--
		rec.snoozes++
		return rec.wait(w.clock() + a.again)
	case v == release:
		rec.attempt--
		return rec.wait(w.clock())
	}
	return rec.end(dead, h.payload, expire)
}

// leave gives up the message, after what was written says that this may be done.
func (w *worker) leave(h *held, rec record, version int, v verdict) {
	wait := rec.due - w.clock()
	switch {
	case rec.state.ended():
		w.finish(h.delivery, rec, version)
	case v == snooze, wait > maxNack:
		w.sendAnew(h.delivery, h.message, rec.due)
	default:
		w.nack(h.delivery, max(0, wait))
	}
}

func (w *worker) ack(d delivery) {
	w.call("ack", d.id, func() {
		w.tracef(w.process, d.id, "acks message %d", d.mid)
		w.broker.ack(d)
	})
}

func (w *worker) nack(d delivery, delay time.Duration) {
	w.call("nack", d.id, func() {
		w.tracef(w.process, d.id, "nacks message %d for %v", d.mid, delay)
		w.broker.nack(d, delay)
	})
}
