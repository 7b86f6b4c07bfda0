package broker

import (
	"context"
	"errors"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/internal/lookout"
)

// Lookup reads the record. Callers that wait for the same one share its reads: after
// whatever this process writes, and from time to time for what others write.
func (b *Backend) Lookup(ctx context.Context, ref backends.Ref, since uint64) (*backends.Record, error) {
	if b.records == nil {
		return nil, errors.ErrUnsupported
	}
	if err := b.admit(ctx); err != nil {
		return nil, err
	}
	defer b.calls.Done()
	key := recordKey(ref)
	seat := b.lookout.Join(key)
	defer seat.Leave()
	r, err := b.read(ctx, key)
	for err == nil && r.Seq <= since {
		r, err = seat.Next(ctx, r)
	}
	if err != nil {
		return nil, b.why(err)
	}
	rec := r.snapshot()
	rec.Due = at(b.leases.ends(key, r))
	return rec, nil
}

// read is one look, which ends with the Backend.
func (b *Backend) read(ctx context.Context, key string) (*record, error) {
	ctx, leave := b.bound(ctx)
	defer leave()
	return b.look(ctx, key)
}

// mark is by what a record is told from what it was, and will be at its deadline.
func mark(r *record) lookout.Mark {
	m := lookout.Mark{Version: r.Seq}
	if r.Life.State == backends.Waiting && r.Deadline != 0 {
		m.Until = time.Unix(0, r.Deadline)
	}
	return m
}

// poll is how long a record isn't read while lookups wait for it, by the time for which it
// hasn't changed: a twelfth of that, but between every and two and a half times as much.
func poll(every, quiet time.Duration) time.Duration {
	return max(every, min(quiet/12, every/2*5))
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
