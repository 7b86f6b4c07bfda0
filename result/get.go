package result

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/internal/seam"
	"github.com/leat-go/leat/queue"
)

// Get returns the result of a job, if it is there. Errors that callers branch on:
//
//   - queue.ErrNotReady: it waits or runs.
//   - *[EndedError]: it ended without a result.
//   - *[UnreadableError]: it succeeded, and its result is lost or broken.
//   - queue.ErrNotFound: this queue has no such job (any more) of this tenant.
func Get[T, R any](ctx context.Context, q *queue.Queue[T, R], ref queue.Ref) (R, error) {
	var none R
	s, err := q.Inside(seam.Key{})
	if err != nil {
		return none, wrap("get", err)
	}
	r, err := find(ctx, s, ref, 0)
	if err != nil {
		return none, wrap("get", err)
	}
	v, err := decoded[R](ctx, s, r)
	return v, wrap("get", err)
}

// Wait returns the result of a job once it is there, and Get's errors but
// queue.ErrNotReady. It waits as long as ctx lets it; then the error matches that
// of ctx. The end that it sees first counts: it doesn't wait for a redrive.
//
// What goes wrong between here and the store is asked for again, with growing
// pauses, for about four seconds; asking changes nothing.
func Wait[T, R any](ctx context.Context, q *queue.Queue[T, R], ref queue.Ref) (R, error) {
	var none R
	s, err := q.Inside(seam.Key{})
	if err != nil {
		return none, wrap("wait", err)
	}
	var last *backends.Record
	r, err := follow(ctx, s, ref, func(r *backends.Record) { last = r })
	switch {
	case err != nil && ctx.Err() != nil && last != nil:
		return none, wrap("wait", fmt.Errorf("job %s is %v: %w", ref.ID, last.State, err))
	case err != nil:
		return none, wrap("wait", err)
	}
	if r.State.Failed() {
		return none, wrap("wait", ended(r))
	}
	v, err := persist(ctx, func() (R, error) { return decoded[R](ctx, s, r) })
	return v, wrap("wait", err)
}

// decoded reads the result of a record.
func decoded[R any](ctx context.Context, s *seam.Queue, r *backends.Record) (R, error) {
	var v R
	body, err := encoded(ctx, s, r)
	if err != nil {
		return v, err
	}
	if _, nothing := any(v).(queue.None); nothing {
		return v, body.Close()
	}
	data, err := io.ReadAll(body)
	if err = errors.Join(err, body.Close()); err != nil {
		return v, unreadable(r.Job.Ref, err)
	}
	if err := s.Decode(data, &v); err != nil {
		var none R // not what was decoded half
		return none, &UnreadableError{r.Job.Ref, err}
	}
	return v, nil
}

// encoded opens the result of a record, if it has one.
func encoded(ctx context.Context, s *seam.Queue, r *backends.Record) (io.ReadCloser, error) {
	switch {
	case !r.State.Ended():
		return nil, fmt.Errorf("job %s is %v: %w", r.Job.ID, r.State, queue.ErrNotReady)
	case r.State.Failed():
		return nil, ended(r)
	}
	body, err := s.Unpack(ctx, r)
	if err != nil {
		return nil, unreadable(r.Job.Ref, err)
	}
	return body, nil
}
