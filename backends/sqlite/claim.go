package sqlite

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/leat-go/leat/backends"
)

// Claim leases jobs, going round the tenants.
func (b *Backend) Claim(ctx context.Context, req backends.ClaimRequest) ([]*backends.Lease, error) {
	if err := req.Check(b.Features()); err != nil {
		return nil, err
	}
	if b.inside != nil {
		return nil, errors.ErrUnsupported
	}
	w := b.hub.join(req.Queue, asking{kinds: req.Kinds, can: req.CanAnnounce})
	defer b.hub.quit(w)
	for {
		var leases []*backends.Lease
		alarm := int64(never)
		var now int64
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		// Once it may be leasing, the call hears it out: a lease that nobody gets
		// would lapse.
		err := b.do(context.WithoutCancel(ctx), func(inner context.Context, t *txn) (err error) {
			if ctx.Err() != nil {
				return nil
			}
			now = t.now
			t.looks(w)
			leases, alarm, err = t.claim(inner, &w.asking, &req)
			return err
		})
		if err != nil || len(leases) > 0 {
			return leases, err
		}
		if err := b.sleep(ctx, w, now, alarm); err != nil {
			return nil, err
		}
	}
}

// asking is what a claim is for.
type asking struct {
	kinds []string // nil = all
	can   backends.Debt
}

func (a *asking) knows(kind string) bool { return a.kinds == nil || slices.Contains(a.kinds, kind) }

// wants reports whether the claim takes what stands in a line. A write-back is the hook
// of a kind's worker, an event is anybody's.
func (a *asking) wants(l *line) bool {
	return l.owes.In(a.can) && (l.owes == backends.Event || a.knows(l.kind))
}

// claim leases up to so many jobs, or says when to look again.
func (t *txn) claim(ctx context.Context, a *asking, req *backends.ClaimRequest) ([]*backends.Lease, int64, error) {
	q, err := t.queue(ctx, req.Queue, req.Policy)
	if err != nil {
		return nil, 0, err
	}
	if err := t.caps(ctx, req.Resources); err != nil {
		return nil, 0, err
	}
	if err := t.tidy(ctx, q); err != nil {
		return nil, 0, err
	}
	if err := t.meet(ctx, q, a); err != nil {
		return nil, 0, err
	}
	d := req.Lease + time.Duration(t.shift)
	var leases []*backends.Lease
	for len(leases) < req.Max {
		picked, alarm, err := t.pick(ctx, q, a, req.Max-len(leases))
		if err != nil {
			return nil, 0, err
		}
		if len(picked) == 0 {
			return leases, min(alarm, q.next, q.sign(a)), nil
		}
		for _, r := range picked {
			if r, err = t.current(ctx, r); err != nil {
				return nil, 0, err
			}
			if r == nil || r.stand <= nowhere {
				continue
			}
			l, err := t.lease(ctx, r, a, d)
			if err != nil {
				return nil, 0, err
			}
			if l != nil {
				leases = append(leases, l)
			}
		}
	}
	for _, l := range q.lines { // there may be more, for the next waiter
		if a.wants(l) {
			t.ready(l)
		}
	}
	return leases, 0, nil
}

// lease claims one job; nil if the claim wrote an end instead.
func (t *txn) lease(ctx context.Context, r *row, a *asking, d time.Duration) (*backends.Lease, error) {
	next, turn := r.life.Claim(r.facts(t.now), d, a.can)
	c := change{row: r, next: next, stranger: !next.State.Ended() && !a.knows(r.class.kind)}
	if next.State == backends.Dead && turn == backends.Over {
		r.more.Reason, c.more = backends.ReasonCrashed, true
	}
	if turn == backends.NotYet { // due by the clock of the process that put it there
		if err := t.settleDown(ctx, r); err != nil {
			return nil, err
		}
		t.expect(r.queue(), max(r.at, t.now+1))
		return nil, nil
	}
	if _, err := t.move(ctx, c); err != nil {
		return nil, err
	}
	switch turn {
	case backends.Run, backends.Announce:
		l := r.lease(t.store)
		h := l.Handle.(*handle)
		t.redo = append(t.redo, func() { h.row = nil })
		return l, nil
	case backends.GaveUp:
		t.cat.logger.Error("leat: announcing a job crashed too often; what it owed is dropped",
			"queue", r.queue().name, "id", r.ref.ID, "dropped", next.Dropped.String())
		return nil, t.run(ctx, `UPDATE leat_queues SET dropped = dropped + 1 WHERE id = ?`, r.queue().id)
	}
	return nil, nil
}
