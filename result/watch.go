package result

import (
	"context"
	"iter"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/internal/seam"
	"github.com/leat-go/leat/queue"
)

// Watch yields how a job stands now, and then each change of it, progress
// included, until it has ended: the last Status is that of the end, whichever it
// is. What changes while the loop's body is busy is yielded as one.
//
//	for s, err := range result.Watch(ctx, q, ticket.Ref) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(s.Phase(), s.Progress.Percent)
//	}
//
// An error ends it: queue.ErrNotFound, that of ctx, or one that stayed for about
// four seconds, as in [Wait].
func Watch[T, R any](ctx context.Context, q *queue.Queue[T, R], ref queue.Ref) iter.Seq2[*Status, error] {
	return func(yield func(*Status, error) bool) {
		s, err := q.Inside(seam.Key{})
		for last := (*Status)(nil); err == nil && (last == nil || !last.State.Ended()); {
			if last, err = next(ctx, s, ref, last); err == nil && !yield(last, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, wrap("watch", err))
		}
	}
}

// Next returns how a job stands once that is other than last says, by its version
// or its [Status.Phase]: one step of [Watch], for a loop that has more to do. A
// last of nil is answered at once. Of a job that has ended there may be no next:
// bound ctx.
//
// The errors are those of Watch.
func Next[T, R any](ctx context.Context, q *queue.Queue[T, R], ref queue.Ref, last *Status) (*Status, error) {
	s, err := q.Inside(seam.Key{})
	if err != nil {
		return nil, wrap("next", err)
	}
	st, err := next(ctx, s, ref, last)
	return st, wrap("next", err)
}

func next(ctx context.Context, s *seam.Queue, ref queue.Ref, last *Status) (*Status, error) {
	r, err := changed(ctx, s, ref, last)
	if err != nil {
		return nil, err
	}
	return status(s, r, time.Now()), nil
}

// changed waits for another version, or for the time when the phase changes without one.
func changed(ctx context.Context, s *seam.Queue, ref queue.Ref, last *Status) (*backends.Record, error) {
	switch {
	case last == nil:
		return findAgain(ctx, s, ref, 0)
	case last.Phase() != "scheduled":
		return findAgain(ctx, s, ref, last.Version)
	}
	due, cancel := context.WithDeadline(ctx, last.Due)
	defer cancel()
	r, err := findAgain(due, s, ref, last.Version)
	if err != nil && ctx.Err() == nil && due.Err() != nil {
		return findAgain(ctx, s, ref, 0)
	}
	return r, err
}

// findAgain is find that outlasts a store which is away for a while.
func findAgain(ctx context.Context, s *seam.Queue, ref queue.Ref, since uint64) (*backends.Record, error) {
	return persist(ctx, func() (*backends.Record, error) { return find(ctx, s, ref, since) })
}

// follow waits for the end of a job, and shows each version that it sees.
func follow(ctx context.Context, s *seam.Queue, ref queue.Ref, see func(*backends.Record)) (*backends.Record, error) {
	var since uint64
	for {
		r, err := findAgain(ctx, s, ref, since)
		if err != nil {
			return nil, err
		}
		see(r)
		if r.State.Ended() {
			return r, nil
		}
		since = r.Version
	}
}
