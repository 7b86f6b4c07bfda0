package sqlite

import (
	"context"
	"time"
)

// A job of a kind that none of its claimers knows waits for the next deploy, but not
// for ever: UnknownAfter past its due time, and past the last sign of somebody who
// knows the kind, any worker may take it and decide (R10). Signs are written down at
// most every 1/80 of UnknownAfter, and that often by claims that block.

const signs = 80

// leastPatience is what a shorter UnknownAfter counts as: who blocks writes a sign each
// half of it at most.
const leastPatience = 50 * time.Millisecond

func (q *queue) patience() int64 {
	return int64(max(q.policy().UnknownAfter, leastPatience))
}

// signEvery is how often a worker is heard of by other processes.
func (q *queue) signEvery() int64 { return max(q.patience()/signs, int64(leastPatience)/2) }

// meet takes note of a claim.
func (t *txn) meet(ctx context.Context, q *queue, a *asking) error {
	if a.kinds == nil {
		q.heardOf.last = t.now
		if !q.toWrite(q.heardOf) {
			return nil
		}
		q.heardOf.written = t.now
		return t.run(ctx, `UPDATE leat_queues SET heard = ? WHERE id = ?`, t.now, q.id)
	}
	for _, kind := range a.kinds {
		if err := t.hear(ctx, q, kind); err != nil {
			return err
		}
	}
	return nil
}

// hear takes note of who claims or holds jobs of a kind.
func (t *txn) hear(ctx context.Context, q *queue, kind string) error {
	heard := q.heard[kind]
	heard.last = t.now
	writes := q.toWrite(heard)
	if writes {
		heard.written = t.now
	}
	q.heard[kind] = heard
	if !writes {
		return nil
	}
	return t.run(ctx, `INSERT INTO leat_kinds VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET heard = excluded.heard`, q.id, kind, t.now)
}

// toWrite reports whether other processes should know.
func (q *queue) toWrite(s sign) bool {
	return s.written == 0 || s.last-s.written >= q.signEvery()
}

// sign is when a claim that blocks must give its next sign.
func (q *queue) sign(a *asking) int64 {
	last := int64(never)
	if a.kinds == nil {
		last = q.heardOf.written
	}
	for _, kind := range a.kinds {
		last = min(last, q.heard[kind].written)
	}
	if last == never {
		return never
	}
	return last + q.signEvery()
}

// lost is when nobody was heard of for so long that others may have the old jobs of a
// kind.
func (q *queue) lost(kind string) int64 {
	return max(q.heard[kind].last, q.heardOf.last) + q.patience()
}

// openToStrangers reports whether a claim that doesn't know the kind of a line may find
// something in it; if not, when to look again.
func (t *txn) openToStrangers(ctx context.Context, l *line) (bool, int64, error) {
	patience := l.queue.patience()
	if lost := l.queue.lost(l.kind); lost > t.now {
		return false, lost, nil
	}
	if l.oldest == 0 {
		var oldest *int64
		if _, err := t.row(ctx, `SELECT min(place) FROM leat_jobs WHERE line = ?`, []any{l.id}, &oldest); err != nil {
			return false, 0, err
		}
		l.oldest = never
		if oldest != nil {
			l.oldest = *oldest
		}
	}
	switch {
	case l.oldest == never:
		return false, never, nil
	case l.oldest+patience > t.now:
		return false, max(l.oldest+patience, t.now+patience/256), nil
	}
	return true, never, nil
}
