package backends

import (
	"context"
	"time"
)

// Backend is where jobs live. Users hold a queue.Queue or a worker.Worker and
// never call it; whoever brings a new store or broker implements it.
//
// What holds for every method:
//
//   - It is safe for concurrent use.
//   - It never keeps or changes a slice, a Job or a Lease of the caller after
//     it returned. Payload, result bytes and header maps are the exception:
//     they are immutable from the call on, and may be kept.
//   - Outcomes are per item and parallel to the input; a nil slice of errors
//     says that all went well. A refused item never fails its neighbours. The
//     error beside the slice speaks of the call as a whole (context ended,
//     store unreachable, request malformed); then the slice is nil.
//   - After such an error the outcome is unknown and the same call may be
//     repeated: Enqueue is idempotent by Ref, Settle by lease and verb. The same
//     holds for an item whose error is none of this package's. Nobody below the
//     caller retries, except for what a driver's own client does.
//   - Errors are raw: they match the sentinels of this package by errors.Is and
//     are wrapped once, by the package that users call.
//   - Time is the store's clock (a broker's: the node's). Callers pass spans; an
//     absolute time that they pass ([Job.Due]) is held against that clock. Spans
//     are rounded up to Features.Tick.
//   - A verb that this Backend can't do returns ErrUnsupported, before it looks
//     at the request.
//   - An empty list is no work: it returns at once, without error.
//   - After Close every method returns ErrClosed.
type Backend interface {
	// Enqueue creates jobs. They are as durable as Features.Durability says
	// when it returns; it may share that write with concurrent callers (see
	// Group), never waits on a timer to do so, and one caller's cancellation
	// never cancels the others.
	//
	// Jobs are taken in order, each on its own. A Ref that is there already is
	// a duplicate: nothing is created, and no limit refuses it.
	Enqueue(ctx context.Context, req EnqueueRequest) ([]Enqueued, error)

	// Claim blocks until at least one job is leased or ctx ends, then returns
	// at most req.Max leases, or the error of ctx, the store or its closing:
	// never both, never neither. It goes round the tenants that have work
	// (Features.Fair). It wakes at once (Features.Prompt; else soon) when a job becomes claimable, for whatever reason: enqueue, release, a due
	// time, the end of a lease, room under a cap, resume. A waiter that leaves
	// passes its wake on, so that none is lost. It does a bounded slice
	// of housekeeping, which is all there is: no rule needs a sweeper.
	//
	// A lease whose Outcome is set is claimed for announcing only: the job has
	// ended and the handler must not run again (R7). Such a lease is given only
	// if all that it owes is in req.CanAnnounce, and a WriteBack, which is the
	// hook of a kind's worker, only to a claim that knows the kind. No cap counts
	// or holds it back.
	Claim(ctx context.Context, req ClaimRequest) ([]*Lease, error)

	// Extend makes leases end d from now and stores the newest progress (Progress.Then).
	// Per beat: nil, ErrLost (a newer claim exists, or the lease was settled),
	// ErrCancelled or ErrSuperseded (the lease was renewed all the same, so
	// that the handler has time to stop). A token is stale when a newer one
	// exists, not when a clock says so (R5): a lapsed lease that nobody took
	// is renewed.
	Extend(ctx context.Context, d time.Duration, beats []Beat) ([]error, error)

	// Settle ends attempts, each by one conditional write on its token.
	// Per settlement: nil; ErrLost (stale, settled otherwise, or the record is
	// gone); ErrCancelled / ErrSuperseded: the store wrote that end instead and
	// this result is dropped; a Commit keeps the lease if that end owes
	// something, other verbs leave the announcing to the next claim. Also
	// ErrEnded (Commit of an ended job), ErrNotReady (Announced of a running
	// one), ErrInvalid and ErrTooLarge, which change nothing. A passed deadline
	// refuses no commit. Repeated after a lost reply it answers what the first
	// answered, unless the job was claimed, redriven or removed since.
	Settle(ctx context.Context, settlements []Settlement) ([]error, error)

	// Lookup returns the record once its version is above since, at once for
	// since 0; ErrNotFound if there is none (any more). It is keyed by tenant
	// and id, so that a foreign id is simply absent. While it blocks it ends
	// with ctx, and a deadline that passes meanwhile shows as expired.
	Lookup(ctx context.Context, ref Ref, since uint64) (*Record, error)

	// Cells returns the small compare-and-set values beside the jobs: instance
	// key, last ticks, pause marks. Never nil: see NoCells.
	Cells() Cells

	// Features returns constant facts, read once at Open.
	Features() Features

	// Close waits for what the Backend started, wakes every blocked call with
	// ErrClosed, and releases no lease: those lapse. The second Close is a no-op.
	Close() error
}

// EnqueueRequest asks for jobs in one queue.
type EnqueueRequest struct {
	Queue  string
	Policy *Policy // the queue's; nil = what the store holds, else the defaults
	Jobs   []Job
}

// Enqueued is the outcome for one job of an EnqueueRequest.
type Enqueued struct {
	Ref       Ref
	Duplicate bool  // a job with this Ref was there; this call changed nothing (or sealed it)
	Order     int64 // the job's place in time (R13); a duplicate gets that of the first

	// Err is nil if the job exists now. Nothing was created if it matches
	// ErrInvalid, ErrTooLarge, ErrKeyReused or ErrBacklogFull; for a member of a
	// batch also ErrNotFound (no such collation job), ErrSealed, ErrEnded. Any
	// other error leaves this job's outcome unknown: repeat it. Duplicate may
	// then be true of a job that this caller created.
	Err error
}

// ClaimRequest asks for work of one queue.
type ClaimRequest struct {
	Queue  string
	Policy *Policy // as in EnqueueRequest

	// Kinds is what the worker knows; nil = every kind, empty = none. Jobs of other
	// kinds wait for a worker that knows them. Any worker gets one, and decides,
	// only when Policy.UnknownAfter has passed both since it was due and since the
	// last sign of a worker that knows its kind (R10). Signs are: a Claim of this
	// queue that asks for the kind or for all, for as long as it blocks; and an
	// Extend or a Settle of a running job of the kind, by the lease that such a
	// Claim got. So who is busy is there, and who gives up a job that it doesn't
	// know is none who knows. A store need not write down every sign: it may be
	// off by UnknownAfter/60, and by 50 ms.
	Kinds []string

	Max   int           // most leases returned, > 0; never more than free slots (R8)
	Lease time.Duration // > 0, at most Features.MaxLease

	// RunLimit is the worker's, for jobs that have none, and Grace what it adds
	// before it stops its beats. Brokers need both to judge a silent holder;
	// stores ignore them.
	RunLimit time.Duration
	Grace    time.Duration

	// Resources caps what several queues share. As a Policy, the newest
	// version of each name is kept; names that nobody capped are unlimited.
	Resources []Resource

	// CanAnnounce says which debts of ended jobs this worker can pay; 0: none.
	CanAnnounce Debt
}
