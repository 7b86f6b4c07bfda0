package memory

import "github.com/leat-go/leat/backends"

// keep puts a closed record in the line of ended ones, from whose front the old
// ones go.
func (q *queue) keep(r *record) {
	r.kept = true
	if r.life.State == backends.Dead {
		q.dead.push(r)
		return
	}
	q.ended.push(r)
	q.nEnded++
}

// unkeep takes r out of it.
func (q *queue) unkeep(r *record) {
	if !r.kept {
		return
	}
	r.kept = false
	if r.life.State == backends.Dead {
		q.dead.remove(r)
		return
	}
	q.ended.remove(r)
	q.nEnded--
}

// outlived reports whether r is closed and past its retention.
func (q *queue) outlived(r *record, now int64) bool {
	return r.kept && r.ended+int64(q.policy.Keeps(r.life.State)) <= now
}

// reap removes up to n records that are past their retention, or too many.
func (q *queue) reap(now int64, n int) {
	most := q.policy.Keep
	if most == 0 {
		most = q.store.opts.Keep
	}
	for q.nEnded > most {
		q.store.remove(q.ended.head)
	}
	for range n {
		switch {
		case q.ended.head != nil && q.outlived(q.ended.head, now):
			q.store.remove(q.ended.head)
		case q.dead.head != nil && q.outlived(q.dead.head, now):
			q.store.remove(q.dead.head)
		default:
			return
		}
	}
}
