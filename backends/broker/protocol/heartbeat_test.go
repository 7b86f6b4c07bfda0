package protocol

// beatUntil is the time in which the handler runs. It keeps the message, looks at the record and the pointer, and stores progress.
// It returns false if the job was lost: then this worker has no say in it any more.
func (w *worker) beatUntil(h *held, done instant) bool {
	extended := w.now
	for w.now < done {
		w.pauseUntil(min(done, w.now+look))
		if w.now-extended >= beat {
			w.extend(h.delivery)
			extended = w.now
		}
		if w.now >= done {
			break
		}
		if lost := w.lookAt(h); lost {
			return false
		}
		if ptr, _ := w.pointerOf(h.rec); h.rec.cancel || w.overtaken(h.rec, ptr) {
			return true // the handler's context ends; the settlement will write why
		}
	}
	return true
}

// lookAt reads the record every 2 s, and writes it then if progress changed.
func (w *worker) lookAt(h *held) (lost bool) {
	rec, version := w.records.get(w.process, h.rec.id)
	if !h.owns(rec) {
		return true
	}
	h.rec, h.version = rec, version
	if w.chance(0.2) {
		rec.progress++
		if version, ok := w.write(rec, h.version); ok {
			h.rec, h.version = rec, version
		}
	}
	return false
}

// owns says that no newer claim exists: the token is the newest of this life of the record.
func (h *held) owns(now record) bool {
	return now.state == running && now.generation == h.rec.generation && now.token == h.token
}

func (w *worker) extend(d delivery) {
	w.call("extend", d.id, func() { w.broker.extend(d) })
}
