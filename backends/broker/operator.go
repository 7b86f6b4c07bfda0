package broker

import (
	"context"
	"errors"
	"time"

	"github.com/leat-go/leat/backends"
)

// Cancel ends waiting jobs and marks running ones; the message comes by later and
// finishes the rest.
func (b *Backend) Cancel(ctx context.Context, refs []backends.Ref) ([]error, error) {
	return b.each(ctx, len(refs), func(ctx context.Context, i int) error {
		return b.cancel(ctx, recordKey(refs[i]))
	})
}

// Redrive gives ended jobs another life, by a message of the next generation.
func (b *Backend) Redrive(ctx context.Context, jobs []backends.Redrive) ([]error, error) {
	return b.each(ctx, len(jobs), func(ctx context.Context, i int) error {
		return b.redrive(ctx, recordKey(jobs[i].Ref), jobs[i].Generation)
	})
}

// Stats is unsupported: nobody counts messages exactly, nor by state.
func (b *Backend) Stats(context.Context, string) (backends.Stats, error) {
	return backends.Stats{}, errors.ErrUnsupported
}

// List is unsupported: cells have no order.
func (b *Backend) List(context.Context, backends.ListRequest) (backends.Page, error) {
	return backends.Page{}, errors.ErrUnsupported
}

// Purge is unsupported, as List.
func (b *Backend) Purge(context.Context, backends.PurgeRequest) (int, error) {
	return 0, errors.ErrUnsupported
}

// Pause is unsupported: a mark would cost a read at each claim.
func (b *Backend) Pause(context.Context, string, bool) error { return errors.ErrUnsupported }

func (b *Backend) each(ctx context.Context, n int, do func(ctx context.Context, i int) error) ([]error, error) {
	if b.records == nil {
		return nil, errors.ErrUnsupported
	}
	ctx, leave, err := b.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	errs := make([]error, n)
	for i := range n { // a list may name a job twice
		errs[i] = b.why(do(ctx, i))
	}
	return errs, nil
}

// cancel has the end announced by a message of its own, each time that it is asked: a
// redrive may have died before it sent the one of this life.
func (b *Backend) cancel(ctx context.Context, key string) error {
	if err := b.materialise(ctx, key); err != nil {
		return err
	}
	r, err := b.change(ctx, key, func(r *record) (*record, error) {
		now, policy := time.Now().UnixNano(), b.policy()
		life, told := r.Life.Cancel(r.facts(now, policy))
		if life == r.Life {
			return nil, told
		}
		return r.moved(life, now, policy), told
	})
	if err != nil || r.Life.State != backends.Cancelled || !r.owing() {
		return err
	}
	return b.wake(ctx, r)
}

// materialise writes the life that a redrive has begun, before its message comes.
func (b *Backend) materialise(ctx context.Context, key string) error {
	_, err := b.change(ctx, key, func(r *record) (*record, error) {
		if r.Redriven == 0 {
			return nil, nil
		}
		next, err := r.revived(b.policy())
		if err != nil {
			return nil, err
		}
		next.Seq++
		return next, nil
	})
	return err
}

// redrive notes in the record that a life begins, which keeps the record from
// expiring, then sends. Repeated, it sends again what may be missing.
func (b *Backend) redrive(ctx context.Context, key string, generation int64) error {
	var m *envelope
	_, err := b.change(ctx, key, func(r *record) (*record, error) {
		m = nil
		if r.Redriven != 0 {
			m = nextLife(r, generation)
			if generation == r.Life.Generation+1 {
				return nil, backends.ErrNotReady
			}
			return nil, nil
		}
		now := time.Now().UnixNano()
		life, err := r.Life.Redrive(r.facts(now, b.policy()), generation, r.collates())
		switch {
		case err != nil || life == r.Life:
			return nil, err
		case !r.HasPayload:
			return nil, backends.ErrNotReady
		}
		next := *r
		next.Redriven, next.Gone = now, 0
		next.Seq++
		m = nextLife(&next, generation)
		return &next, nil
	})
	if err != nil || m == nil {
		return err
	}
	return b.send(ctx, m)
}

// nextLife is the message that revives r, if that generation is the one to redrive.
func nextLife(r *record, generation int64) *envelope {
	if generation != r.Life.Generation {
		return nil
	}
	m := r.message(r.Payload)
	m.Generation++
	m.Due, m.Deadline = r.Redriven, 0
	if r.Job.Expiry > 0 {
		m.Deadline = r.Redriven + int64(r.Job.Expiry)
	}
	return m
}
