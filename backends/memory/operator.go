package memory

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/leat-go/leat/backends"
)

// Stats counts one queue, exactly.
func (b *Backend) Stats(ctx context.Context, queue string) (backends.Stats, error) {
	if err := b.enter(ctx, backends.EnqueueRequest{Queue: queue}.Check()); err != nil {
		return backends.Stats{}, err
	}
	defer b.unlock()
	q := b.queues[queue]
	if q == nil {
		return backends.Stats{Ended: map[backends.State]int{}}, nil
	}
	now := b.now()
	q.tidy(now)
	q.reap(now, never)
	c := &q.count
	s := backends.Stats{
		Queued: c.waiting - c.scheduled - c.held, Scheduled: c.scheduled, Held: c.held,
		Running: c.running, Owing: c.owing, Ended: map[backends.State]int{},
		Oldest: q.oldest(now), Paused: q.paused, Dropped: c.dropped,
	}
	for state, n := range c.ended {
		if n > 0 {
			s.Ended[backends.State(state)] = n
		}
	}
	return s, nil
}

// List pages through the records of a queue by order. A page costs a walk over
// the store.
func (b *Backend) List(ctx context.Context, req backends.ListRequest) (backends.Page, error) {
	after, err := cursor(req.Cursor)
	if err == nil {
		err = req.Check()
	}
	if err := b.enter(ctx, err); err != nil {
		return backends.Page{}, err
	}
	defer b.unlock()
	limit := req.Limit
	if limit == 0 {
		limit = backends.MaxPage
	}
	found := b.selected(req.Queue, req.State, req.Tenant, req.AnyTenant, func(r *record) bool {
		return r.order > after && (req.Batch.IsZero() || r.tied(toBatch) && r.job.Batch.Member == req.Batch)
	})
	var page backends.Page
	for _, r := range found[:min(limit, len(found))] {
		page.Records = append(page.Records, r.snapshot())
	}
	if len(found) > limit {
		page.Cursor = strconv.FormatInt(found[limit-1].order, 10)
	}
	return page, nil
}

func cursor(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, &backends.InvalidError{Field: "ListRequest.Cursor", Reason: "is not one of a page before"}
	}
	return n, nil
}

// selected are the records of a queue that are in a state (0 = any), of one
// tenant or all, and match, by order. It walks over the store.
func (b *store) selected(queue string, state backends.State, tenant string, any bool, match func(*record) bool) []*record {
	q := b.queues[queue]
	if q == nil {
		return nil
	}
	now := b.now()
	q.tidy(now)
	q.reap(now, never)
	var found []*record
	for r := range b.jobs.all() {
		if !r.gone && r.seat.queue == q && (any || r.job.Tenant == tenant) && (state == 0 || r.life.State == state) && match(r) {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b *record) int { return cmp.Compare(a.order, b.order) })
	return found
}

// Cancel ends waiting jobs and marks running ones.
func (b *Backend) Cancel(ctx context.Context, refs []backends.Ref) ([]error, error) {
	return b.each(ctx, len(refs), func(i int, now int64) error {
		r := b.find(refs[i], now)
		if r == nil {
			return backends.ErrNotFound
		}
		next, err := r.life.Cancel(r.facts(now))
		switch {
		case next == r.life:
			return err
		case next.State == r.life.State:
			r.life = next // a mark, which its holder finds at its next step
			r.changed()
			return nil
		}
		return cmp.Or(b.move(r, next, now, 0), err) // late, it ends expired
	})
}

// Redrive gives ended jobs another life.
func (b *Backend) Redrive(ctx context.Context, jobs []backends.Redrive) ([]error, error) {
	return b.each(ctx, len(jobs), func(i int, now int64) error {
		r := b.find(jobs[i].Ref, now)
		if r == nil {
			return backends.ErrNotFound
		}
		next, err := r.life.Redrive(r.facts(now), jobs[i].Generation, r.held())
		if err != nil || next == r.life {
			return err
		}
		b.revive(r, &next, now)
		return b.move(r, next, now, 0)
	})
}

// revive makes the rest of a record as it was at first.
func (b *store) revive(r *record, next *backends.Life, now int64) {
	r.seat.queue.takeOut(r)
	if r.tied(toPlace) {
		next.Overtaken = r.seat.placeOf(r).overtaken(r)
	}
	r.ended = 0
	if m := r.rare; m != nil {
		m.deadline = r.job.Deadline(now)
		m.progress, m.result, m.stored, m.reason, m.supersededBy = backends.Progress{}, nil, "", "", ""
	}
}

// Purge removes records that wait or have ended.
func (b *Backend) Purge(ctx context.Context, req backends.PurgeRequest) (int, error) {
	if err := b.enter(ctx, req.Check()); err != nil {
		return 0, err
	}
	defer b.unlock()
	limit := req.Limit
	if limit == 0 {
		limit = backends.MaxPurge
	}
	found := b.selected(req.Queue, req.State, req.Tenant, req.AnyTenant, func(r *record) bool {
		return !r.life.Leased || r.life.Lapsed(b.now())
	})
	found = found[:min(limit, len(found))]
	now := b.now()
	for _, r := range found {
		if r.life.Owes != 0 {
			r.seat.queue.count.dropped++
		}
		b.remove(r)
		if r.tied(toBatch) && !r.life.Counted {
			b.countDown(r.job.Batch.Member, backends.Cancelled, now)
		}
	}
	return len(found), nil
}

// Pause stops the claims of a queue, or lets them go on.
func (b *Backend) Pause(ctx context.Context, queue string, paused bool) error {
	if err := b.enter(ctx, backends.EnqueueRequest{Queue: queue}.Check()); err != nil {
		return err
	}
	defer b.unlock()
	q := b.queue(queue, nil)
	q.paused = paused
	q.touch()
	return nil
}

// enter locks the store for a call whose request was checked with err.
func (b *Backend) enter(ctx context.Context, err error) error {
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return b.lock()
}
