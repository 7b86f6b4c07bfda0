package protocol

import "time"

// worker is a process that takes one job at a time: claim → run → commit → announce → ack.
type worker struct {
	*process
}

func work(p *process) {
	w := &worker{process: p}
	for {
		d := w.receive()
		w.began, w.busy = w.now, d.id
		err := w.try(func() { w.handle(d) })
		w.busy = ""
		if err != nil && w.chance(0.5) {
			_ = w.try(func() { w.nack(d, time.Second) }) // or else the lease lapses
		}
	}
}

func (w *worker) receive() (d delivery) {
	for ok := false; !ok; {
		if err := w.try(func() {
			w.call("receive", "", func() { d, ok = w.broker.receive() })
		}); err != nil {
			w.pause(time.Second)
			ok = false
		} else if !ok {
			w.broker.await(w.process)
		}
	}
	w.tracef(w.process, d.id, "receives message %d (generation %d, send %d) for the %d. time", d.mid, d.generation, d.send, d.receives)
	return d
}

func (w *worker) handle(d delivery) {
	h, run := w.claim(d)
	if !run {
		return
	}
	a := w.handler(w, h.rec)
	if left := h.rec.until - grace - w.clock(); left < a.runs { // its context ends at the run limit
		a = answer{max(0, left), failure, time.Second}
	}
	if w.beatUntil(&h, w.now+a.runs) {
		w.tracef(w.process, h.id, "handler returns %v", a.verdict)
		w.settle(&h, a)
	}
}

// anyHandler runs for a random time, mostly short, and returns anything.
func anyHandler(w *worker, rec record) answer {
	a := answer{runs: w.runningTime(), verdict: w.verdict(rec)}
	switch a.verdict {
	case failure:
		a.again = w.between(time.Second, time.Minute) << rec.attempt
	case snooze:
		a.again = w.between(time.Second, 4*time.Minute)
	}
	return a
}

func (w *worker) runningTime() time.Duration {
	switch r := w.rng.Float64(); {
	case r < 0.6:
		return w.between(0, 2*time.Second)
	case r < 0.9:
		return w.between(2*time.Second, 20*time.Second)
	default:
		return w.between(20*time.Second, 100*time.Second)
	}
}

func (w *worker) verdict(rec record) (v verdict) {
	r := w.rng.Float64()
	if !w.stormy() {
		r *= 0.75
	}
	switch {
	case r < 0.68:
		v = success
	case r < 0.78:
		v = failure
	case r < 0.84:
		v = permanent
	case r < 0.94 && rec.snoozes < 4:
		v = snooze
	default:
		v = release
	}
	return v
}
