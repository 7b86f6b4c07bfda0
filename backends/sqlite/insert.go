package sqlite

import (
	"context"
	"fmt"
	"strings"

	"github.com/leat-go/leat/backends"
)

// ten is how many rows one statement inserts where a call has as many: that takes three
// quarters of what ten statements take, and more rows save nothing more.
const ten = 10

// addition is a job of a call, and the answer for it.
type addition struct {
	job *backends.Job
	out *backends.Enqueued
}

// allUsual reports whether nothing is to be looked up or changed for some jobs, but for
// ids that are there.
func (q *queue) allUsual(some []addition) bool {
	for _, a := range some {
		if q.counted || a.job.Supersede != "" || a.job.Batch != nil {
			return false
		}
	}
	return true
}

// addTen creates ten usual jobs by one statement. Should it find that some are there, it
// takes the others back, and each is added on its own.
func (t *txn) addTen(ctx context.Context, q *queue, some []addition) error {
	var rows [ten]*row
	args := make([]any, 0, ten*valuesOfRow)
	for i, a := range some {
		r, err := t.create(ctx, q, a.job)
		if err != nil {
			return err
		}
		if err := t.stand(ctx, r); err != nil {
			return err
		}
		values := r.values()
		rows[i], args = r, append(args, values[:]...)
	}
	n, err := t.exec(ctx, insertTen, args...)
	if err != nil {
		return err
	}
	if n < ten {
		if err := t.run(ctx, `DELETE FROM leat_jobs WHERE seq BETWEEN ? AND ?`, rows[0].seq, rows[ten-1].seq); err != nil {
			return err
		}
		return t.addEach(ctx, q, some)
	}
	for i, a := range some {
		a.out.Order = rows[i].seq
		if err := t.welcome(ctx, rows[i]); err != nil {
			return err
		}
	}
	return nil
}

// insert writes the row of a new job, unless its ref is there.
func (t *txn) insert(ctx context.Context, r *row) (bool, error) {
	if r.supersede != "" {
		if err := t.takePlace(ctx, r); err != nil {
			return false, err
		}
	}
	if err := t.stand(ctx, r); err != nil {
		return false, err
	}
	args := r.values()
	for slot := range int64(slots) {
		n, err := t.exec(ctx, insertJob, args[:]...)
		if n == 1 || err != nil {
			return n == 1, err
		}
		there, err := t.cat.find(ctx, t.session, r.ref, false)
		if there != nil || err != nil {
			return false, err
		}
		args[0] = hash(r.ref) + slot + 1
	}
	return false, fmt.Errorf("%d other jobs have the hash of job %s", slots, r.ref.ID)
}

const (
	insertInto = `INSERT OR IGNORE INTO leat_jobs (hash, seq, queue, class, tenant, id, line, room, rank, place, at, state, flags,
		attempt, crashes, generation, token, version, created, deadline, ended, supersede, member, spec, more, payload) VALUES `
	oneRow    = `(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, ?, 0, 1, ?, ?, 0, ?, ?, ?, ?, ?)`
	insertJob = insertInto + oneRow

	valuesOfRow = 21
)

var insertTen = insertJob + strings.Repeat(", "+oneRow, ten-1)

// values are what a new row has, in the order of oneRow.
func (r *row) values() [valuesOfRow]any {
	line, room := r.standing()
	var supersede, member any
	if r.supersede != "" {
		supersede = r.supersede
	}
	if r.member != "" {
		member = r.member
	}
	l := &r.life
	return [...]any{
		hash(r.ref), r.seq, r.queue().id, r.class.id, r.ref.Tenant, r.ref.ID, line, room, r.rank, l.Place, r.at, int64(l.State), r.flags(),
		l.Generation, r.created, r.deadline, supersede, member,
		packed(&r.spec, r.spec.plain()), packed(&r.more, r.more.empty()), r.payload,
	}
}
