package memory

import "github.com/leat-go/leat/backends"

// Who knows a kind? Its jobs go to other workers only when nobody does any more
// (R10). What tells is a claim for the kind, which counts for as long as it
// blocks, and an Extend or a Settle of a running job that such a claim got:
// workers that are busy are there.

// knowers are the workers that know one kind.
type knowers struct {
	waiting int   // claims that block
	seen    int64 // the last sign of any other
}

func (k *knowers) note(now int64, come int) {
	k.waiting += come
	k.seen = now
}

// knowersOf finds or makes those of a kind.
func (q *queue) knowersOf(kind string) *knowers {
	if k := q.knowers[kind]; k != nil {
		return k
	}
	k := new(knowers)
	for w := q.waiters.head; w != nil; w = w.next {
		for _, known := range w.kinds {
			if known == kind {
				k.waiting++
			}
		}
	}
	q.knowers[kind] = k
	return k
}

// meet takes note of a claim that looks (0), begins to wait (1), or leaves (-1).
func (q *queue) meet(a *asking, come int) {
	if a.kinds == nil {
		q.knowAll.note(a.now, come)
		return
	}
	for _, kind := range a.kinds {
		if k := q.knowers[kind]; k != nil { // nil = there was no job of it yet
			k.note(a.now, come)
		}
	}
}

// hear takes note of who holds r, if it runs.
func (q *queue) hear(r *record, now int64) {
	if r.life.State == backends.Running && !r.tied(toStranger) {
		q.knowersOf(r.job.Kind).seen = now
	}
}

// lost is when nobody was heard of for so long that others may have the old jobs
// of a kind; never while somebody waits for them.
func (q *queue) lost(k *knowers) int64 {
	if k.waiting > 0 || q.knowAll.waiting > 0 {
		return never
	}
	return max(k.seen, q.knowAll.seen) + int64(q.policy.UnknownAfter)
}
