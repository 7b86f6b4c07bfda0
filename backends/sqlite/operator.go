package sqlite

import (
	"context"
	"strconv"

	"github.com/leat-go/leat/backends"
)

// admit begins a call whose request was checked with err.
func (b *store) admit(ctx context.Context, err error) error {
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return b.enter()
}

// sweep brings a queue up to date before somebody looks at the whole of it.
func (b *Backend) sweep(ctx context.Context, queue string) error {
	err := b.run(ctx, func(ctx context.Context, t *txn) error {
		q, err := t.cat.queue(ctx, t.session, queue)
		if err != nil || q == nil {
			return err
		}
		if err := t.tidy(ctx, q); err != nil {
			return err
		}
		return t.reap(ctx, q, reapAll)
	})
	return err
}

// reapAll is how many old records go before a look at the whole queue.
const reapAll = 10_000

// List pages through the records of a queue by order.
func (b *Backend) List(ctx context.Context, req backends.ListRequest) (backends.Page, error) {
	after, err := cursor(req.Cursor)
	if err == nil {
		err = req.Check()
	}
	var page backends.Page
	if err := b.admit(ctx, err); err != nil {
		return page, err
	}
	defer b.calls.Done()
	if err := b.sweep(ctx, req.Queue); err != nil {
		return page, err
	}
	limit := req.Limit
	if limit == 0 {
		limit = backends.MaxPage
	}
	where, args := selection(req.State, req.Tenant, req.AnyTenant)
	if !req.Batch.IsZero() {
		where += ` AND member = ?`
		args = append(args, memberKey(req.Batch))
	}
	query := `SELECT ` + columns + `, payload, result FROM leat_jobs WHERE seq > ? AND queue = (SELECT id FROM leat_queues WHERE name = ?)` + where + ` ORDER BY seq LIMIT ? + 0`
	args = append(append([]any{after, req.Queue}, args...), limit+1)
	var last int64
	cat := b.remembered()
	err = b.reader().each(ctx, query, args, func(scan func(...any) error) error {
		r, err := cat.scan(ctx, b.reader(), scan, true)
		if err != nil {
			return err
		}
		if len(page.Records) == limit {
			page.Cursor = strconv.FormatInt(last, 10)
			return nil
		}
		last = r.seq
		page.Records = append(page.Records, r.record())
		return nil
	})
	return page, err
}

// selection is what records must match, for a WHERE that has other conditions already.
func selection(state backends.State, tenant string, any_ bool) (string, []any) {
	var where string
	var args []any
	if state == backends.Dead {
		where += ` AND state = 4` // the literal finds the index of dead letters
	} else if state != 0 {
		where += ` AND state = ?`
		args = append(args, int64(state))
	}
	if !any_ {
		where += ` AND tenant = ?`
		args = append(args, tenant)
	}
	return where, args
}

func cursor(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, invalid("ListRequest.Cursor", "is not one of a page before")
	}
	return n, nil
}

// Cancel ends waiting jobs and marks running ones.
func (b *Backend) Cancel(ctx context.Context, refs []backends.Ref) ([]error, error) {
	return b.items(ctx, len(refs), func(ctx context.Context, t *txn, i int) (error, error) {
		r, err := t.find(ctx, refs[i])
		if err != nil || r == nil {
			return backends.ErrNotFound, err
		}
		next, verdict := r.life.Cancel(r.facts(t.now))
		if next == r.life {
			return verdict, nil
		}
		_, err = t.apply(ctx, change{row: r, next: next, stranger: r.stranger})
		return verdict, err // late, it ends expired
	})
}

// Redrive gives ended jobs another life.
func (b *Backend) Redrive(ctx context.Context, jobs []backends.Redrive) ([]error, error) {
	return b.items(ctx, len(jobs), func(ctx context.Context, t *txn, i int) (error, error) {
		r, err := t.find(ctx, jobs[i].Ref)
		if err != nil || r == nil {
			return backends.ErrNotFound, err
		}
		next, verdict := r.life.Redrive(r.facts(t.now), jobs[i].Generation, r.held())
		if verdict != nil || next == r.life {
			return verdict, nil
		}
		return nil, t.revive(ctx, r, next)
	})
}

// revive makes the rest of a record as it was at first.
func (t *txn) revive(ctx context.Context, r *row, next backends.Life) error {
	if r.supersede != "" {
		var err error
		if next.Overtaken, err = t.overtaken(ctx, r); err != nil {
			return err
		}
	}
	r.deadline = 0
	if r.spec.Expiry > 0 {
		r.deadline = t.now + t.shift + int64(r.spec.Expiry)
	}
	r.result = nil
	r.more = more{Failures: r.more.Failures, Batch: r.more.Batch}
	_, err := t.move(ctx, change{row: r, next: next, more: true, result: true, renew: true})
	return err
}

// Purge removes records that wait or have ended.
func (b *Backend) Purge(ctx context.Context, req backends.PurgeRequest) (int, error) {
	if err := b.admit(ctx, req.Check()); err != nil {
		return 0, err
	}
	defer b.calls.Done()
	limit := req.Limit
	if limit == 0 {
		limit = backends.MaxPurge
	}
	if err := b.sweep(ctx, req.Queue); err != nil {
		return 0, err
	}
	where, args := selection(req.State, req.Tenant, req.AnyTenant)
	query := `SELECT ` + columns + ` FROM leat_jobs WHERE queue = (SELECT id FROM leat_queues WHERE name = ?)` + where +
		` AND (flags & 1 = 0 OR at <= ? OR room > 2) ORDER BY seq LIMIT ? + 0`
	n := 0
	err := b.run(ctx, func(ctx context.Context, t *txn) error {
		n = 0
		found, err := t.rows(ctx, query, append(append([]any{req.Queue}, args...), t.now, limit)...)
		if err != nil {
			return err
		}
		for _, r := range found {
			if r, err = t.current(ctx, r); err != nil {
				return err
			}
			if r == nil {
				continue
			}
			if err := t.purge(ctx, r); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return n, err
}

// purge removes one record. What it still owes is given up.
func (t *txn) purge(ctx context.Context, r *row) error {
	if r.life.Owes != 0 {
		if err := t.run(ctx, `UPDATE leat_queues SET dropped = dropped + 1 WHERE id = ?`, r.queue().id); err != nil {
			return err
		}
	}
	if err := t.remove(ctx, r); err != nil {
		return err
	}
	ref, ok := r.collation()
	if !ok || r.life.Counted {
		return nil
	}
	return t.countDown(ctx, ref, backends.Cancelled)
}

// Pause stops the claims of a queue, or lets them go on.
func (b *Backend) Pause(ctx context.Context, queue string, paused bool) error {
	if err := b.admit(ctx, (backends.EnqueueRequest{Queue: queue}).Check()); err != nil {
		return err
	}
	defer b.calls.Done()
	err := b.run(ctx, func(ctx context.Context, t *txn) error {
		q, err := t.queue(ctx, queue, nil)
		if err != nil {
			return err
		}
		if q.paused == paused {
			return nil
		}
		q.paused = paused
		t.stir(q)
		return t.run(ctx, `UPDATE leat_queues SET paused = ? WHERE id = ?`, paused, q.id)
	})
	return err
}
