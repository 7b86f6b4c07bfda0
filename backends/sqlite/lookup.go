package sqlite

import (
	"context"
	"fmt"

	"github.com/leat-go/leat/backends"
)

// Lookup returns a record, once it is newer than since. It reads beside the writers.
func (b *Backend) Lookup(ctx context.Context, ref backends.Ref, since uint64) (*backends.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := b.enter(); err != nil {
		return nil, err
	}
	defer b.calls.Done()
	changed, stop := b.hub.watch(ref)
	defer stop()
	for {
		r, now, err := b.see(ctx, ref)
		switch {
		case err != nil && b.there() != nil: // its connection may be newer than the file
			return nil, fmt.Errorf("%w: %w", ErrGone, err)
		case err != nil:
			return nil, err
		case r == nil:
			return nil, backends.ErrNotFound
		case uint64(r.version) > since:
			return r.record(), nil
		}
		waits := r.deadline != 0 && r.life.State == backends.Waiting
		if err := b.await(ctx, changed, r.deadline-now, waits); err != nil {
			return nil, err
		}
		if err := b.there(); err != nil {
			return nil, err
		}
	}
}

// see reads a row, and writes the end that a deadline has brought.
func (b *Backend) see(ctx context.Context, ref backends.Ref) (*row, int64, error) {
	for {
		now, _ := b.clock.read()
		r, err := b.remembered().find(ctx, b.reader(), ref, true)
		if err != nil || r == nil {
			return nil, now, err
		}
		if r.outlived(now) {
			return nil, now, nil
		}
		if _, late := r.life.Expire(r.facts(now)); !late {
			return r, now, nil
		}
		err = b.run(ctx, func(ctx context.Context, t *txn) error {
			r, err := t.find(ctx, ref)
			if err != nil || r == nil {
				return err
			}
			if next, late := r.life.Expire(r.facts(t.now)); late {
				_, err = t.move(ctx, change{row: r, next: next})
			}
			return err
		})
		if err != nil {
			return nil, now, err
		}
	}
}
