package protocol

import "time"

// instant is virtual time since the start of a run; durations are time.Duration.
type instant = time.Duration

const never = instant(1<<63 - 1)

// wakeup resumes a process at an instant. A later wake-up of the same process makes an earlier one void.
type wakeup struct {
	at  instant
	seq uint64 // first come, first served among equal instants
	who *process
}

// agenda is a binary heap of wake-ups: the clock jumps from one to the next.
type agenda []wakeup

func (a agenda) before(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].seq < a[j].seq
}

func (a *agenda) push(e wakeup) {
	h := append(*a, e)
	for i := len(h) - 1; i > 0; {
		parent := (i - 1) / 2
		if !h.before(i, parent) {
			break
		}
		h[i], h[parent] = h[parent], h[i]
		i = parent
	}
	*a = h
}

func (a *agenda) pop() wakeup {
	h := *a
	first, last := h[0], len(h)-1
	h[0], h[last] = h[last], wakeup{}
	h = h[:last]
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			break
		}
		if child+1 < last && h.before(child+1, child) {
			child++
		}
		if !h.before(child, i) {
			break
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
	*a = h
	return first
}
