package result

import (
	"context"
	"fmt"
	"time"

	"github.com/leat-go/leat/internal/seam"
	"github.com/leat-go/leat/queue"
)

// SignedURL returns a URL by which whoever has it may fetch a large result from
// the bucket, for so long, without this program in between. What it serves is the
// result as [Open] gives it; the type of the response says nothing of its encoding.
//
// The error matches errors.ErrUnsupported where there is no such URL: the result
// is small and lies beside the job, it is encrypted, or the bucket (a folder, say)
// signs none. Then use [Open]. The other errors are those of [Get].
func SignedURL[T, R any](ctx context.Context, q *queue.Queue[T, R], ref queue.Ref, life time.Duration) (string, error) {
	s, err := q.Inside(seam.Key{})
	if err != nil {
		return "", wrap("signed URL", err)
	}
	r, err := find(ctx, s, ref, 0)
	if err != nil {
		return "", wrap("signed URL", err)
	}
	switch {
	case !r.State.Ended():
		err = fmt.Errorf("job %s is %v: %w", r.Job.ID, r.State, queue.ErrNotReady)
	case r.State.Failed():
		err = ended(r)
	}
	if err != nil {
		return "", wrap("signed URL", err)
	}
	url, err := s.Sign(ctx, r, life)
	return url, wrap("signed URL", err)
}
