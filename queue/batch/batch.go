package batch

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/internal/seam"
	"github.com/leat-go/leat/queue"
)

// Batch is one kind of batch: slices of args S, each with a result P, and a collation of
// args C with a result R. Set its fields before the first use; it is safe for concurrent
// use.
type Batch[S, P, C, R any] struct {
	Slices  *queue.Queue[S, P]
	Collate *queue.Queue[C, R] // on the same backend: most often another kind of the same queue

	// Tolerate is how many slices may end without a result before the collation runs at
	// once; 0 = none, negative = any number.
	Tolerate int

	// Options are those of one slice's job; nil = none. Its tenant is the batch's, its
	// deadline at most the batch's.
	Options func(index int, slice S) []queue.Option
}

// chunk is how many slices one call carries, and about how many are held in memory.
const chunk = 500

// MaxSlices is how many slices a batch may have.
const MaxSlices = 1<<31 - 1

// Start creates the collation job, then the slices, then says that there are no more. The
// options are the collation job's; with queue.Key a Start that broke off may be repeated,
// and goes on. It returns the collation job's Ticket, as soon as there is one, beside an error
// too.
//
// Where the backlog is full it waits for room. An error of the iterator ends it, and
// leaves the batch open: start again, or cancel.
//
// Errors that callers branch on, beside those of Enqueue: queue.ErrKeyReused (the key or a
// slice came with other args before), queue.ErrEnded (the batch was cancelled, or failed
// meanwhile).
func (b *Batch[S, P, C, R]) Start(ctx context.Context, args C, slices iter.Seq2[S, error], opts ...queue.Option) (queue.Ticket, error) {
	t, err := b.start(ctx, args, slices, opts)
	if err != nil {
		err = fmt.Errorf("batch: start: %w", err)
	}
	return t, err
}

func (b *Batch[S, P, C, R]) start(ctx context.Context, args C, slices iter.Seq2[S, error], opts []queue.Option) (queue.Ticket, error) {
	if err := b.check(); err != nil {
		return queue.Ticket{}, err
	}
	open := &backends.Batch{Hold: 1, Tolerate: b.tolerate(), Seed: rand.Text()}
	t, err := b.Collate.Enqueue(ctx, args, tied(opts, "", open)...)
	if err != nil {
		return t, err
	}
	c, err := b.look(ctx, t.Ref)
	switch {
	case err != nil:
		return t, err
	case c.Batch == nil || c.Job.Batch == nil: // the key is that of some other job
		return t, queue.ErrKeyReused
	case c.State.Ended() || c.Batch.Sealed: // all is said
		return t, nil
	}
	n, err := b.split(ctx, c, slices)
	if err != nil {
		return t, err
	}
	shut := *c.Job.Batch
	shut.Sealed, shut.Members = true, int32(n)
	id := ""
	if !t.Duplicate && !keyed(c) {
		id = t.ID
	}
	again, err := b.Collate.Enqueue(ctx, args, tied(opts, id, &shut)...)
	if err == nil && again.ID != t.ID {
		err = fmt.Errorf("the options make another job each time: %w", queue.ErrInvalid)
	}
	return t, err
}

// keyed reports whether a job's id is made of a key.
func keyed(r *backends.Record) bool { return r.Job.Fingerprint != 0 }

// tied are the options of the collation job. If it is time for it, it goes before slices that
// still wait, unless the caller says otherwise.
func tied(opts []queue.Option, id string, b *backends.Batch) []queue.Option {
	return append(append([]queue.Option{queue.Priority(1)}, opts...), queue.Tie(seam.Key{}, id, b))
}

func (b *Batch[S, P, C, R]) tolerate() int32 {
	return int32(min(max(b.Tolerate, -1), 1<<31-1))
}

func (b *Batch[S, P, C, R]) check() error {
	if b.Slices == nil || b.Collate == nil {
		return &queue.InvalidError{Field: "Batch", Reason: "needs two queues, Slices and Collate"}
	}
	in, err := b.Collate.Inside(seam.Key{})
	if err != nil {
		return err
	}
	other, err := b.Slices.Inside(seam.Key{})
	switch {
	case err != nil:
		return err
	case !in.Features.Records:
		return fmt.Errorf("batches on %s: %w", in.Features.Name, errors.ErrUnsupported)
	case in.Backend != other.Backend:
		return &queue.InvalidError{Field: "Batch", Reason: "needs both queues on one backend"}
	case in.Name == other.Name && in.Kind == other.Kind:
		return &queue.InvalidError{Field: "Batch", Reason: "needs another kind, or queue, for the collation than for the slices"}
	}
	return nil
}

// look is the record of the collation job.
func (b *Batch[S, P, C, R]) look(ctx context.Context, ref queue.Ref) (*backends.Record, error) {
	in, err := b.Collate.Inside(seam.Key{})
	if err != nil {
		return nil, err
	}
	return again(ctx, func() (*backends.Record, error) { return in.Backend.Lookup(ctx, ref, 0) }, ofThePart)
}

// split creates the slices, and returns how many there are.
func (b *Batch[S, P, C, R]) split(ctx context.Context, c *backends.Record, slices iter.Seq2[S, error]) (int, error) {
	// Stores count what was created before, in order: that needn't be sent again. What of
	// the last call came to be is not certain.
	skip := max(0, c.Batch.Members-chunk)
	some := make([]queue.Item[S], 0, chunk)
	n := 0
	for s, err := range slices {
		switch {
		case err != nil:
			return n, fmt.Errorf("slice %d: %w", n, err)
		case n == MaxSlices:
			return n, &queue.InvalidError{Field: "Batch", Reason: "has too many slices"}
		}
		if n++; n <= skip {
			continue
		}
		if some = append(some, b.item(c, n-1, s)); len(some) == chunk {
			if err := b.send(ctx, some); err != nil {
				return n, err
			}
			some = some[:0]
		}
	}
	if n < c.Batch.Members {
		return n, fmt.Errorf("%d slices, where there were %d before: %w", n, c.Batch.Members, queue.ErrKeyReused)
	}
	return n, b.send(ctx, some)
}

// item is the job of one slice.
func (b *Batch[S, P, C, R]) item(c *backends.Record, i int, s S) queue.Item[S] {
	var opts []queue.Option
	if b.Options != nil {
		opts = append(opts, b.Options(i, s)...)
	}
	if !c.Deadline.IsZero() {
		opts = append(opts, queue.Expiry(max(time.Millisecond, time.Until(c.Deadline))))
	}
	opts = append(opts, queue.WaitForRoom(), queue.Key(""), queue.Tenant(c.Job.Tenant), queue.Tie(seam.Key{},
		backends.MemberID(c.Job.Batch.Seed, i),
		&backends.Batch{Member: c.Job.Ref, Index: int32(i)}))
	return queue.With(s, opts...)
}

func (b *Batch[S, P, C, R]) send(ctx context.Context, some []queue.Item[S]) error {
	if len(some) == 0 {
		return nil
	}
	_, err := b.Slices.EnqueueAll(ctx, some)
	return err
}
