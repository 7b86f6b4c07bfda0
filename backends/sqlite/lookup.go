package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/internal/lookout"
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
	seat := b.lookout().Join(ref)
	defer seat.Leave()
	r, err := b.whole(ctx, ref)
	if err == nil && uint64(r.version) <= since {
		b.hub.block(1)
		defer b.hub.block(-1)
	}
	for err == nil && uint64(r.version) <= since {
		r, err = seat.Next(ctx, r)
	}
	if err != nil {
		return nil, err
	}
	return r.record(), nil
}

// lookout is where lookups of one record share their reads. What a view sees, it sees
// alone.
func (b *Backend) lookout() *lookout.Post[backends.Ref, *row] {
	if b.inside == nil {
		return &b.looks
	}
	return &lookout.Post[backends.Ref, *row]{Read: b.reread, Mark: b.mark, Closed: b.done}
}

// reread is a read after a while, in which the file may have been taken away.
func (b *Backend) reread(ctx context.Context, ref backends.Ref) (*row, error) {
	if err := b.there(); err != nil {
		return nil, err
	}
	return b.whole(ctx, ref)
}

// whole is the row of a job that callers may see.
func (b *Backend) whole(ctx context.Context, ref backends.Ref) (*row, error) {
	r, err := b.see(ctx, ref)
	switch {
	case err != nil && b.there() != nil: // its connection may be newer than the file
		return nil, fmt.Errorf("%w: %w", ErrGone, err)
	case err != nil:
		return nil, err
	case r == nil:
		return nil, backends.ErrNotFound
	}
	return r, nil
}

// mark is by what a row is told from what it was, and will be at its deadline.
func (b *Backend) mark(r *row) lookout.Mark {
	m := lookout.Mark{Row: r.seq, Version: uint64(r.version)}
	if r.deadline != 0 && r.life.State == backends.Waiting {
		now, _ := b.clock.read()
		m.Until = time.Now().Add(time.Duration(r.deadline - now))
	}
	return m
}

// see reads a row, and writes the end that a deadline has brought.
func (b *Backend) see(ctx context.Context, ref backends.Ref) (*row, error) {
	for {
		now, _ := b.clock.read()
		r, err := b.find(ctx, ref)
		if err != nil || r == nil {
			return nil, err
		}
		if r.outlived(now) {
			return nil, nil
		}
		if _, late := r.life.Expire(r.facts(now)); !late {
			return r, nil
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
			return nil, err
		}
	}
}

// atOnce is how many lookups read at a time. Each needs a connection, and to open one costs
// as much as many reads: Open keeps so many.
const atOnce = 4

// find reads a row beside the writers. Should thousands come at once, they take turns.
func (b *Backend) find(ctx context.Context, ref backends.Ref) (*row, error) {
	if b.inside != nil {
		return b.remembered().find(ctx, b.inside, ref, true)
	}
	select {
	case b.turns <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-b.turns }()
	return aside(func() (*row, error) { return b.cat.find(ctx, b.read, ref, true) })
}

// aside calls f on a stack of its own. SQL goes deep, and whoever waits afterwards would
// keep a stack of that size, ten thousand times.
func aside[R any](f func() (R, error)) (r R, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		r, err = f()
	}()
	<-done
	return r, err
}
