package sqlite

import (
	"context"
	"time"

	"github.com/leat-go/leat/backends"
)

// handle is what a lease remembers of its row, so that settling it needs no look: the
// step is written if the row is as it was at the claim. Only the process that got
// the lease has it, and only transactions touch it.
type handle struct {
	store *store
	row   *row // nil = read it again
}

// Settle ends attempts.
func (b *Backend) Settle(ctx context.Context, ss []backends.Settlement) ([]error, error) {
	return b.items(ctx, len(ss), func(ctx context.Context, t *txn, i int) (error, error) {
		s := &ss[i]
		if err := s.Check(b.Features()); err != nil {
			return err, nil
		}
		return t.held(ctx, s.Lease, func(r *row) (bool, error, error) { return t.settle(ctx, r, s) })
	})
}

// held finds the row of a lease and calls f with it, again with a fresh one if the row
// wasn't as its holder remembers it. f tells whether it was, and the verdict.
func (t *txn) held(ctx context.Context, l *backends.Lease, f func(*row) (bool, error, error)) (error, error) {
	h, _ := l.Handle.(*handle)
	if h != nil && h.store == t.store && h.row != nil && h.row.ref == l.Job.Ref && !h.row.outlived(t.now) {
		guess := *h.row
		if err := t.trust(ctx, guess.queue()); err != nil {
			return nil, err
		}
		known, verdict, err := f(&guess)
		if known || err != nil {
			t.remember(h, &guess)
			return verdict, err
		}
	}
	r, err := t.find(ctx, l.Job.Ref)
	if err != nil || r == nil {
		return backends.ErrLost, err
	}
	known, verdict, err := f(r)
	if err == nil && !known {
		err = ErrCorrupt // it was just read, under the lock
	}
	return verdict, err
}

// remember keeps what the handle's row is now, for as long as the transaction stands.
func (t *txn) remember(h *handle, r *row) {
	h.row = r
	t.redo = append(t.redo, func() { h.row = nil })
}

// settle carries out what the rules say of one settlement.
func (t *txn) settle(ctx context.Context, r *row, s *backends.Settlement) (bool, error, error) {
	said := *s
	if said.Verb == backends.Retry || said.Verb == backends.Snooze {
		said.Delay += time.Duration(t.shift)
	}
	next, verdict := r.life.Settle(r.facts(t.now), &said)
	if next == r.life {
		return t.confirmed(ctx, r, verdict)
	}
	c := change{row: r, next: next}
	c.keep(s.Brings(r.life, next, t.now))
	ran, stranger := r.life.State == backends.Running, r.stranger
	known, err := t.move(ctx, c)
	if !known || err != nil {
		return known, nil, err
	}
	if ran && !stranger {
		err = t.hear(ctx, r.queue(), r.class.kind)
	}
	return true, verdict, err
}

// confirmed reports whether a verdict that writes nothing speaks of the row as it is.
func (t *txn) confirmed(ctx context.Context, r *row, verdict error) (bool, error, error) {
	same, err := t.row(ctx, `SELECT 1 FROM leat_jobs`+asItWas, r.was(), new(int))
	return same, verdict, err
}

// keep writes what a settlement brought.
func (c *change) keep(b backends.Brought) {
	if b.Failure != nil {
		c.row.more.Failures, c.more = backends.KeepFailure(c.row.more.Failures, *b.Failure), true
	}
	if b.Stored != "" {
		c.row.more.Stored, c.more = b.Stored, true
	}
	if b.Reason != "" {
		c.row.more.Reason, c.more = b.Reason, true
	}
	if b.Result != nil {
		c.row.result, c.result = b.Result, true
	}
}

// Extend renews leases and stores progress.
func (b *Backend) Extend(ctx context.Context, d time.Duration, beats []backends.Beat) ([]error, error) {
	if err := backends.CheckLease(d, b.Features()); err != nil && len(beats) > 0 {
		return nil, err
	}
	return b.items(ctx, len(beats), func(ctx context.Context, t *txn, i int) (error, error) {
		beat := &beats[i]
		if err := beat.Check(); err != nil {
			return err, nil
		}
		return t.held(ctx, beat.Lease, func(r *row) (bool, error, error) { return t.extend(ctx, r, d, beat) })
	})
}

// extend renews one lease. That it still runs is no news to those who watch the job.
func (t *txn) extend(ctx context.Context, r *row, d time.Duration, beat *backends.Beat) (bool, error, error) {
	next, verdict := r.life.Extend(r.facts(t.now), beat.Lease, d+time.Duration(t.shift))
	if verdict == backends.ErrLost {
		return t.confirmed(ctx, r, verdict)
	}
	c := change{row: r, next: next, stranger: r.stranger, silent: beat.Progress == nil}
	if p := beat.Progress; p != nil {
		now := backends.Progress{Percent: r.more.Percent, Text: r.more.Text}.Then(*p)
		r.more.Percent, r.more.Text, c.more = now.Percent, now.Text, true
	}
	known, err := t.move(ctx, c)
	if !known || err != nil {
		return known, nil, err
	}
	if r.life.State == backends.Running && !r.stranger {
		err = t.hear(ctx, r.queue(), r.class.kind)
	}
	return true, verdict, err
}
