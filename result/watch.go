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
		if err == nil {
			_, err = follow(ctx, s, ref, func(r *backends.Record) bool { return yield(status(s, r, time.Now()), nil) })
		}
		if err != nil {
			yield(nil, wrap("watch", err))
		}
	}
}

// follow shows each version of a record that it sees, until it has ended or is
// seen enough, and returns the last one.
func follow(ctx context.Context, s *seam.Queue, ref queue.Ref, see func(*backends.Record) (more bool)) (*backends.Record, error) {
	var since uint64
	for {
		r, err := persist(ctx, func() (*backends.Record, error) { return find(ctx, s, ref, since) })
		if err != nil {
			return nil, err
		}
		if !see(r) || r.State.Ended() {
			return r, nil
		}
		since = r.Version
	}
}
