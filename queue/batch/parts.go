package batch

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"golang.org/x/sync/errgroup"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result"
)

// Part is what became of one slice.
type Part[P any] struct {
	Index  int // from 0, in the order of the slices
	Ref    queue.Ref
	Result P

	// Err says why there is no result: a *result.EndedError, queue.ErrNotReady of one
	// that was not waited for, queue.ErrNotFound of one that is no longer kept.
	Err error
}

// Parts are those of one batch, as its collation job sees them.
type Parts[P any] struct {
	Members int  // slices that there are
	Failed  int  // of them, ended without a result; a lower bound behind a broker
	Whole   bool // all have ended; false if more failed than is tolerated

	tenant, seed string
	get          func(context.Context, queue.Ref) (P, error)
}

// window is how many results are read ahead, and lanes how many at a time.
const (
	window = 64
	lanes  = 8
)

// All yields the parts, in order. An error that is not a part's ends it: the store is away,
// or ctx has ended.
func (p Parts[P]) All(ctx context.Context) iter.Seq2[Part[P], error] {
	return func(yield func(Part[P], error) bool) {
		for from := 0; from < p.Members; from += window {
			some, err := p.read(ctx, from, min(from+window, p.Members))
			if err != nil {
				yield(Part[P]{}, fmt.Errorf("batch: parts: %w", err))
				return
			}
			for _, part := range some {
				if !yield(part, nil) {
					return
				}
			}
		}
	}
}

// Results yields the results of the parts that have one, by their index.
func (p Parts[P]) Results(ctx context.Context) iter.Seq2[int, P] {
	return func(yield func(int, P) bool) {
		for part, err := range p.All(ctx) {
			if err != nil {
				return
			}
			if part.Err == nil && !yield(part.Index, part.Result) {
				return
			}
		}
	}
}

func (p Parts[P]) ref(i int) queue.Ref {
	return queue.Ref{Tenant: p.tenant, ID: backends.MemberID(p.seed, i)}
}

// read reads some parts at once.
func (p Parts[P]) read(ctx context.Context, from, to int) ([]Part[P], error) {
	some := make([]Part[P], to-from)
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(lanes)
	for i := range some {
		all.Go(func() error {
			part := &some[i]
			part.Index, part.Ref = from+i, p.ref(from+i)
			part.Result, part.Err = again(ctx, func() (P, error) { return p.get(ctx, part.Ref) }, ofThePart)
			if part.Err != nil && !ofThePart(part.Err) {
				return part.Err
			}
			return nil
		})
	}
	return some, all.Wait()
}

// ofThePart reports whether an error says something of the slice, rather than of the store.
func ofThePart(err error) bool {
	_, ended := errors.AsType[*result.EndedError](err)
	_, unreadable := errors.AsType[*result.UnreadableError](err)
	return ended || unreadable || errors.Is(err, queue.ErrNotReady) || errors.Is(err, queue.ErrNotFound)
}
