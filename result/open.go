package result

import (
	"context"
	"io"
	"time"

	"github.com/leat-go/leat/internal/seam"
	"github.com/leat-go/leat/queue"
)

// Open returns the result of a job as it is encoded, in the form that
// Status.ContentType names: for a caller that passes it on and needs no R. A large
// result streams from the bucket, as long as ctx lives; the caller closes it.
//
// The errors are those of [Get], but what is wrong with the bytes themselves is
// left to whoever decodes them. The Status is there whenever the job was found:
// beside an error too.
func Open[T, R any](ctx context.Context, q *queue.Queue[T, R], ref queue.Ref) (io.ReadCloser, *Status, error) {
	s, err := q.Inside(seam.Key{})
	if err != nil {
		return nil, nil, wrap("open", err)
	}
	r, err := find(ctx, s, ref, 0)
	if err != nil {
		return nil, nil, wrap("open", err)
	}
	body, err := encoded(ctx, s, r)
	return body, status(s, r, time.Now()), wrap("open", err)
}
