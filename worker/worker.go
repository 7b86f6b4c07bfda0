package worker

import (
	"context"
	"time"

	"github.com/leat-go/leat/internal/seam"
	"github.com/leat-go/leat/queue"
)

// Handler does the work. Its context ends when the job's deadline or the run limit
// is reached, when the worker stops, and when the job is no longer this worker's:
// context.Cause tells which (ErrRunLimit, ErrDeadline, ErrStopping, queue.ErrLost,
// queue.ErrCancelled, queue.ErrSuperseded). It should return soon then.
//
// What it returns decides: a result commits the job, an error retries it until its
// attempts are used up; [Permanent], [RetryAfter], [Snooze] and [Settled] say
// otherwise. A panic, or runtime.Goexit, is a failed attempt. Middleware is a func
// from Handler to Handler.
type Handler[T, R any] func(ctx context.Context, job *queue.Job[T]) (R, error)

// NoResult makes a Handler of one that has no result.
func NoResult[T any](f func(ctx context.Context, job *queue.Job[T]) error) Handler[T, queue.None] {
	return func(ctx context.Context, job *queue.Job[T]) (queue.None, error) {
		return queue.None{}, f(ctx, job)
	}
}

// Worker runs the jobs of one queue and kind in a bounded pool. Set its fields
// before Run. Make it with [New].
type Worker[T, R any] struct {
	Pool

	// RunLimit bounds one attempt of a job that has no limit of its own; 0 = 1 h.
	RunLimit time.Duration

	// Backoff is how long a job waits after its n-th attempt failed, from 1; nil =
	// Exponential(1 s, 15 min).
	Backoff func(attempt int) time.Duration

	// AfterSuccess is the write-back: it runs after a job's success was stored,
	// in a slot of the pool and under the same limits, at least once, until it
	// returns nil. A result that was not decodable is logged and never comes. It
	// must be idempotent; job.ID names the job, job.Order the newer of two.
	AfterSuccess func(ctx context.Context, job *queue.Job[T], result R) error

	queue  *queue.Queue[T, R]
	handle Handler[T, R]
}

// New returns a Worker with the defaults.
func New[T, R any](q *queue.Queue[T, R], handle Handler[T, R]) *Worker[T, R] {
	return &Worker[T, R]{Pool: newPool(), queue: q, handle: handle}
}

// Run works until ctx ends, then drains: it claims nothing more, gives back what
// has not started, lets handlers finish for Grace, ends their contexts, waits for
// Kill, and returns. The error is nil after a clean stop, a *[StuckError] if
// handlers never returned, else what kept it from working at all.
//
// If ctx has a deadline, the drain begins Margin before it. One Run of a Worker at a
// time: a second one beside it is refused.
func (w *Worker[T, R]) Run(ctx context.Context) error { return run(ctx, &w.Pool, w) }

// Consume runs handle for the jobs of q, with the defaults, until ctx ends.
func Consume[T, R any](ctx context.Context, q *queue.Queue[T, R], handle Handler[T, R]) error {
	return New(q, handle).Run(ctx)
}

// kind is a Worker without its types, while it runs.
type kind struct {
	*seam.Queue
	announcer queue.Announcer
	runLimit  time.Duration
	backoff   func(attempt int) time.Duration
	writeBack bool
	unknown   bool // to this program: of any name

	// handle runs the handler; what it leaves in a.after is the write-back.
	handle func(ctx context.Context, a *attempt) verdict
	// after makes the write-back of a job that ended elsewhere.
	after func(ctx context.Context, a *attempt) error
}

// Kind is a Worker of any types, for [NewMux].
type Kind interface{ kind() (*kind, error) }

func (w *Worker[T, R]) kind() (*kind, error) {
	if w.handle == nil {
		return nil, &queue.InvalidError{Field: "Worker", Reason: "has no handler"}
	}
	return w.newKind()
}

func (w *Worker[T, R]) newKind() (*kind, error) {
	if w.queue == nil {
		return nil, &queue.InvalidError{Field: "Worker", Reason: "has no queue: make it with New"}
	}
	in, err := w.queue.Inside(seam.Key{})
	if err != nil {
		return nil, err
	}
	if w.RunLimit < 0 {
		return nil, &queue.InvalidError{Field: "Worker.RunLimit", Reason: "must not be negative"}
	}
	k := &kind{
		Queue: in, announcer: w.queue.Announce, runLimit: w.RunLimit, backoff: w.Backoff,
		writeBack: w.AfterSuccess != nil,
		handle:    func(ctx context.Context, a *attempt) verdict { return w.run(ctx, in, a) },
		after:     func(ctx context.Context, a *attempt) error { return w.afterElsewhere(ctx, in, a) },
	}
	if k.runLimit == 0 {
		k.runLimit = DefaultRunLimit
	}
	if k.backoff == nil {
		k.backoff = Exponential(DefaultBackoff, DefaultMaxBackoff)
	}
	return k, nil
}
