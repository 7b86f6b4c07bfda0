package broker

import (
	"context"
	"errors"
	"time"

	"github.com/leat-go/leat/backends"
)

// Lookup reads the record. While it blocks it is woken by whatever this process
// writes, and reads again from time to time for what others write.
func (b *Backend) Lookup(ctx context.Context, ref backends.Ref, since uint64) (*backends.Record, error) {
	if b.records == nil {
		return nil, errors.ErrUnsupported
	}
	ctx, leave, err := b.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	key := recordKey(ref)
	for {
		rec, wait, err := b.lookOnce(ctx, key, since)
		if rec != nil || err != nil {
			return rec, b.why(err)
		}
		if err := wait(ctx); err != nil {
			return nil, b.why(err)
		}
	}
}

// lookOnce returns the record, or how to wait for its next change.
func (b *Backend) lookOnce(ctx context.Context, key string, since uint64) (*backends.Record, func(context.Context) error, error) {
	changed, leave := b.watchers.watch(key)
	r, err := b.look(ctx, key)
	if err != nil || r.Seq > since {
		leave()
		if err != nil {
			return nil, nil, err
		}
		rec := r.snapshot()
		rec.Due = at(b.leases.ends(key, r))
		return rec, nil, nil
	}
	span := b.opts.Poll
	if r.Life.State == backends.Waiting && r.Deadline != 0 {
		span = min(span, max(1, time.Duration(r.Deadline-time.Now().UnixNano())))
	}
	return nil, func(ctx context.Context) error {
		defer leave()
		timer := time.NewTimer(span)
		defer timer.Stop()
		select {
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		return nil
	}, nil
}

// look is the record as callers see it. Ends that only time or another job brought
// are written first, so that all see the same one.
func (b *Backend) look(ctx context.Context, key string) (*record, error) {
	for range tries {
		r, v, err := b.load(ctx, key, "")
		now := time.Now().UnixNano()
		switch {
		case err != nil:
			return nil, err
		case !r.visible(now):
			return nil, backends.ErrNotFound
		case r.Redriven != 0:
			return r.revived(b.policy())
		}
		policy := b.policy()
		facts := r.facts(now, policy)
		if facts.Deadline == 0 && b.facts.Retention > 0 { // the broker has dropped its message
			facts.Deadline = max(r.Created, r.Life.Place) + int64(b.facts.Retention)
		}
		next, late := r.Life.Expire(facts)
		if !late {
			return r, nil
		}
		ended := r.moved(next, now, policy)
		if _, err = b.put(ctx, r, ended, v); err == nil && !ended.visible(now) {
			return nil, backends.ErrNotFound
		}
		if !errors.Is(err, backends.ErrConflict) {
			return ended, err // its message, which comes now, has it announced
		}
	}
	return nil, errBusy
}
