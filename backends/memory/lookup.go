package memory

import (
	"context"
	"time"

	"github.com/leat-go/leat/backends"
)

// Lookup returns a record, once it is newer than since.
func (b *Backend) Lookup(ctx context.Context, ref backends.Ref, since uint64) (*backends.Record, error) {
	for {
		rec, changed, deadline, err := b.look(ctx, ref, since)
		if rec != nil || err != nil {
			return rec, err
		}
		if err := b.await(ctx, changed, deadline); err != nil {
			return nil, err
		}
	}
}

// look returns the record, or what to wait for: its next change, or the span to
// the deadline that ends it while it waits (0 = none).
func (b *Backend) look(ctx context.Context, ref backends.Ref, since uint64) (*backends.Record, <-chan struct{}, time.Duration, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, 0, err
	}
	if err := b.lock(); err != nil {
		return nil, nil, 0, err
	}
	defer b.unlock()
	now := b.now()
	r := b.find(ref, now)
	if r == nil {
		return nil, nil, 0, backends.ErrNotFound
	}
	if next, ended := r.life.Expire(r.facts(now)); ended {
		if err := b.move(r, next, now, 0); err != nil {
			return nil, nil, 0, err
		}
	}
	if uint64(r.version) > since {
		return r.snapshot(), nil, 0, nil
	}
	var left time.Duration
	if d := r.deadline(); d != 0 && r.life.State == backends.Waiting {
		left = until(d, now)
	}
	return nil, r.watch(), left, nil
}

func (b *Backend) await(ctx context.Context, changed <-chan struct{}, deadline time.Duration) error {
	var timer <-chan time.Time
	if deadline > 0 {
		t := time.NewTimer(deadline)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-changed:
	case <-timer:
	case <-ctx.Done():
		return ctx.Err()
	case <-b.done:
		return backends.ErrClosed
	}
	return nil
}
