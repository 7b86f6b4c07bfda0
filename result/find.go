package result

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/internal/seam"
	"github.com/leat-go/leat/queue"
)

// find returns the record of a job once its version is above since. A store knows
// jobs by tenant and id alone: those of other queues and kinds are not this
// Queue's to read.
func find(ctx context.Context, s *seam.Queue, ref queue.Ref, since uint64) (*backends.Record, error) {
	r, err := s.Backend.Lookup(ctx, ref, since)
	switch {
	case errors.Is(err, queue.ErrNotFound), err == nil && (r.Queue != s.Name || !sameKind(r.Job.Kind, s.Kind)):
		return nil, fmt.Errorf("job %q of tenant %q: %w", ref.ID, ref.Tenant, queue.ErrNotFound)
	case err != nil:
		return nil, err
	}
	return r, nil
}

// sameKind compares kinds as stored, whatever their schema versions.
func sameKind(a, b string) bool {
	a, _ = seam.Schema(a)
	b, _ = seam.Schema(b)
	return a == b
}

// How often a read is tried, and how long it rests before the second time; twice
// as long each time after, up to mostPause. In all that is about four seconds.
const (
	tries     = 8
	pause     = 50 * time.Millisecond
	mostPause = 2 * time.Second
)

// persist calls read until it has an answer, or an error that will stay, or it has
// failed often enough. The error matches that of ctx if ctx has ended.
func persist[A any](ctx context.Context, read func() (A, error)) (A, error) {
	for n := 1; ; n++ {
		a, err := read()
		if err == nil || final(err) {
			return a, err
		}
		if n < tries {
			rest(ctx, min(pause<<(n-1), mostPause))
		}
		switch over := ctx.Err(); {
		case over != nil && !errors.Is(err, over):
			return a, fmt.Errorf("%w: %w", over, err)
		case over != nil || n == tries:
			return a, err
		}
	}
}

// final reports whether asking again is pointless. A deadline that a driver set
// for itself is not final; that of the caller is seen by persist.
func final(err error) bool {
	for _, sure := range [...]error{queue.ErrNotFound, queue.ErrInvalid, queue.ErrClosed, errors.ErrUnsupported} {
		if errors.Is(err, sure) {
			return true
		}
	}
	_, broken := errors.AsType[*UnreadableError](err)
	return broken
}

// rest waits for about d, or for the end of ctx.
func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d/2 + rand.N(d/2+1))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
