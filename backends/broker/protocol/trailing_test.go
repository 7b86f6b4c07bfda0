package protocol

// mustTrail says that an older job of the key still runs, and that this one lets it finish.
func (w *worker) mustTrail(rec record, ptr pointer) bool {
	if !rec.trailing || ptr.running == "" || ptr.running == rec.id || ptr.until <= w.clock() {
		return false
	}
	other, _ := w.records.get(w.process, ptr.running)
	return other.state == running
}

// raiseAtClaim raises the pointer once more, as the enqueuer may have died before it did, and says in it who runs.
// False means that somebody else wrote the pointer in between.
func (w *worker) raiseAtClaim(rec record, ptr pointer, version int, until instant) bool {
	if rec.key == "" {
		return true
	}
	next := ptr
	if w.shouldRaise(rec, ptr) && !w.newer(ptr, rec) {
		next.order, next.id, next.trailing = rec.order, rec.id, rec.trailing
	}
	if rec.trailing {
		next.running, next.until = rec.id, until
	}
	if next == ptr {
		return true
	}
	_, ok := w.pointers.put(w.process, rec.key, next, version, unexpired)
	return ok
}
