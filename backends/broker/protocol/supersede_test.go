package protocol

import "time"

// pointer names the newest job of a supersede key, and the one that runs if that matters (trailing).
type pointer struct {
	order    int64
	id       string
	trailing bool // of the newest: the running one may finish
	running  string
	until    instant
}

// nextOrder is max(now, pointer order + 1). It only reads: raising now would let a ghost supersede a real job.
func (p *process) nextOrder(j job) int64 {
	now := int64((epoch + p.clock()) / time.Millisecond)
	if j.key == "" {
		return now
	}
	ptr, _ := p.pointers.get(p, j.key)
	return max(now, ptr.order+1)
}

// raise makes the pointer name this job, unless it names a newer one. It is never lowered.
func (p *process) raise(rec record) {
	if rec.key == "" {
		return
	}
	for {
		ptr, version := p.pointers.get(p, rec.key)
		if !p.shouldRaise(rec, ptr) {
			return
		}
		ptr.order, ptr.id, ptr.trailing = rec.order, rec.id, rec.trailing
		if _, ok := p.pointers.put(p, rec.key, ptr, version, unexpired); ok {
			return
		}
	}
}

func (w *world) shouldRaise(rec record, ptr pointer) bool {
	if !w.rules.pointerKeepsMax {
		return ptr.id != rec.id
	}
	return ptr.id == "" || w.older(ptr, rec)
}

// older and newer compare by order, then by id: two clients may have read the same pointer in the same instant.
func (w *world) older(ptr pointer, rec record) bool {
	return ptr.order < rec.order || ptr.order == rec.order && ptr.id < rec.id && w.rules.orderTiesByID
}

func (w *world) newer(ptr pointer, rec record) bool {
	if !w.rules.pointerKeepsMax {
		return ptr.id != "" && ptr.id != rec.id
	}
	return ptr.order > rec.order || ptr.order == rec.order && ptr.id > rec.id && w.rules.orderTiesByID
}

func (p *process) pointerOf(rec record) (ptr pointer, version int) {
	if rec.key != "" {
		ptr, version = p.pointers.get(p, rec.key)
	}
	return ptr, version
}

// overtaken is what claim, heartbeat and commit compare. A trailing newest lets the running one finish, which is the one that the
// pointer names: who stalled between pointer and record may not be it any more, and a waiting one never is.
func (w *worker) overtaken(rec record, ptr pointer) bool {
	spared := rec.state == running && ptr.trailing && (ptr.running == rec.id || !w.rules.runnerIsNamed)
	return w.newer(ptr, rec) && !spared
}
