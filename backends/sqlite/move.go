package sqlite

import (
	"context"
	"math"

	"github.com/leat-go/leat/backends"
)

// never is a time that doesn't come.
const never = math.MaxInt64

// change is a step of one job: from the life that was loaded, or that its holder
// remembers, to the next.
type change struct {
	*row
	next     backends.Life
	stranger bool // by a claim of somebody who doesn't know the kind
	more     bool // row.more has changed
	result   bool // row.result has
	renew    bool // row.deadline has
	silent   bool // that it still runs is no news
}

// move is the one place where a job changes its life: it refuses what the table of
// transitions doesn't have, writes the step if the job is still as it was, settles
// what an end brings with it, and puts the job where it belongs now. It reports
// false, and has done nothing, if the job was not as it was believed to be.
func (t *txn) move(ctx context.Context, c change) (bool, error) {
	r, prev, next := c.row, c.row.life, c.next
	if err := backends.Legal(prev, next); err != nil {
		return true, err
	}
	first := next.State.Ended() && !prev.State.Ended()
	counts := false
	if first && r.member != "" {
		next, counts = next.Count()
	}
	before := *r
	r.life, r.stranger = next, c.stranger
	if first {
		r.ended = t.now
		if next.State == backends.Superseded && r.supersede != "" {
			if err := t.blame(ctx, r); err != nil {
				return true, err
			}
			c.more = true
		}
	}
	if next.State == backends.Waiting {
		r.ended = 0
	}
	if err := t.stand(ctx, r); err != nil {
		return true, err
	}
	matched, err := t.write(ctx, &before, c)
	if !matched || err != nil {
		*r = before
		return matched, err
	}
	if !c.silent {
		t.changed = append(t.changed, r.ref)
	}
	return true, t.follow(ctx, r, prev, counts)
}

// stand finds out where r stands now.
func (t *txn) stand(ctx context.Context, r *row) error {
	l := &r.life
	r.at = l.Due
	switch {
	case l.Due == 0 && l.State == backends.Dead:
		r.stand, r.at = buried, r.ended
	case l.Due == 0 && l.State.Ended():
		r.stand, r.at = ended, r.ended
	case l.Due == 0:
		r.stand = nowhere
	case l.Due > t.now && l.State == backends.Running:
		r.stand = leased
	case l.Due > t.now:
		r.stand = later
	default:
		return t.enterLine(ctx, r)
	}
	return nil
}

// enterLine puts a job that is due where claims find it, unless it must wait for an older
// one of its place.
func (t *txn) enterLine(ctx context.Context, r *row) error {
	if r.life.State == backends.Waiting {
		blocked, err := t.blocked(ctx, r)
		if err != nil {
			return err
		}
		if blocked {
			r.stand = nowhere
			return nil
		}
	}
	line, err := t.dueLine(ctx, r)
	if err != nil {
		return err
	}
	r.stand = line.id
	if line.oldest != 0 {
		line.oldest = min(line.oldest, r.life.Place)
	}
	t.ready(line)
	return nil
}

// write updates or removes the row, if it is as it was before.
func (t *txn) write(ctx context.Context, before *row, c change) (bool, error) {
	r := c.row
	if r.outlived(t.now) {
		if err := t.bar(ctx, r); err != nil {
			return false, err
		}
		n, err := t.exec(ctx, `DELETE FROM leat_jobs`+asItWas, before.was()...)
		return n == 1, err
	}
	line, room := r.standing()
	l := &r.life
	query := updateLife
	args := make([]any, 0, 24)
	args = append(args, line, room, l.Place, r.at, int64(l.State), r.flags(), int64(l.Attempt), int64(l.Crashes), l.Generation, int64(l.Token), r.ended)
	if !c.silent {
		query += `, version = version + 1`
		r.version++
	}
	if c.more {
		query += `, more = ?`
		args = append(args, packed(&r.more, r.more.empty()))
	}
	if c.result {
		query += `, result = ?`
		args = append(args, r.result)
	}
	if c.renew {
		query += `, deadline = ?`
		args = append(args, r.deadline)
	}
	n, err := t.exec(ctx, query+asItWas, append(args, before.was()...)...)
	return n == 1, err
}

const updateLife = `UPDATE leat_jobs SET line = ?, room = ?, place = ?, at = ?, state = ?, flags = ?, attempt = ?, crashes = ?, generation = ?, token = ?, ended = ?`

// asItWas finds a row if nobody has changed it since it was read. At is among it, as a
// lease may have been renewed through another opening of the file.
const asItWas = ` WHERE seq = ? AND token = ? AND generation = ? AND state = ? AND flags = ? AND at = ? AND version = ?`

func (r *row) was() []any {
	return []any{r.seq, int64(r.life.Token), r.life.Generation, int64(r.life.State), r.flags(), r.at, r.version}
}

// follow does what a step means for others.
func (t *txn) follow(ctx context.Context, r *row, prev backends.Life, counts bool) error {
	q := r.queue()
	switch r.stand {
	case later, leased:
		t.expect(q, r.at)
	case ended, buried:
		q.closed++
		q.reap = min(q.reap, r.ended+int64(q.policy().Keeps(r.life.State)))
	}
	if w, waits := prev.State == backends.Waiting, r.life.State == backends.Waiting; w != waits {
		by := 1
		if w {
			by = -1
		}
		if err := t.wait(ctx, q, r.ref.Tenant, by); err != nil {
			return err
		}
	}
	if r.life.State == backends.Waiting && r.deadline != 0 {
		t.expect(q, r.deadline)
	}
	if prev.State == backends.Running && r.life.State != backends.Running {
		if err := t.freed(ctx, r); err != nil {
			return err
		}
	}
	if r.supersede != "" && prev.State != r.life.State {
		if err := t.placeChanged(ctx, r); err != nil {
			return err
		}
	}
	if r.outlived(t.now) {
		if err := t.forget(ctx, r); err != nil {
			return err
		}
	}
	if counts || r.supersede != "" {
		t.spread++
	}
	if counts {
		ref, _ := r.collation()
		return t.countDown(ctx, ref, r.life.State)
	}
	return nil
}

// remove takes a row out of the store for good.
func (t *txn) remove(ctx context.Context, r *row) error {
	if err := t.bar(ctx, r); err != nil {
		return err
	}
	if err := t.run(ctx, `DELETE FROM leat_jobs WHERE seq = ?`, r.seq); err != nil {
		return err
	}
	t.changed = append(t.changed, r.ref)
	if r.life.State == backends.Waiting {
		if err := t.wait(ctx, r.queue(), r.ref.Tenant, -1); err != nil {
			return err
		}
	}
	return t.forget(ctx, r)
}

// bar keeps the order of a row that goes from being given out again.
func (t *txn) bar(ctx context.Context, r *row) error {
	if r.seq < *t.seqs {
		return nil
	}
	return t.run(ctx, `UPDATE leat_counters SET value = max(value, ?) WHERE name = 'order'`, r.seq)
}

// forget drops what other tables know of a row that is gone.
func (t *txn) forget(ctx context.Context, r *row) error {
	if r.supersede == "" {
		return nil
	}
	return t.leavePlace(ctx, r)
}
