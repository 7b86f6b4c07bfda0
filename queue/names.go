package queue

import (
	"errors"

	"github.com/leat-go/leat/backends"
)

// The words of package backends that users of a queue need.
type (
	// Ref names one job of a store: tenant and id.
	Ref = backends.Ref
	// State is where a job is in its life.
	State = backends.State
	// Record is all that is known of a job, a snapshot: its Job (Job.ID, Job.Tenant,
	// Job.Kind, Job.Headers), State, Attempt, Reason, Failures, times and more.
	// Queue.Args decodes what the job was asked.
	Record = backends.Record
	// Stats counts a queue: Queued, Scheduled, Running, Owing, the Ended by State, and
	// the age of the Oldest.
	Stats = backends.Stats
	// Cap bounds what runs: InFlight jobs at a time, Rate claims per second, Burst of
	// them at once after a pause. A retry is a claim too. 0 = no bound.
	Cap = backends.Cap
	// Tenancy is one tenant's share of a queue: Weight, in jobs per turn, Backlog and
	// Cap.
	Tenancy = backends.Tenancy
	// Resource caps a name that jobs of several queues share (Uses): Name and Cap.
	Resource = backends.Resource
	// Progress is what a running job says of itself: Percent and Text.
	Progress = backends.Progress
	// Failure is one attempt that went wrong: Attempt, At, and the Text of its error.
	Failure = backends.Failure
)

// The states of a job: two in which it lives, and five ends.
const (
	Waiting    = backends.Waiting
	Running    = backends.Running
	Succeeded  = backends.Succeeded
	Dead       = backends.Dead
	Cancelled  = backends.Cancelled
	Superseded = backends.Superseded
	Expired    = backends.Expired
)

// What callers branch on, by errors.Is. A verb that a setup can't do returns
// [errors.ErrUnsupported].
var (
	ErrNotFound    = backends.ErrNotFound    // no such job, of this tenant
	ErrKeyReused   = backends.ErrKeyReused   // same Key, other args
	ErrBacklogFull = backends.ErrBacklogFull // come again later: HTTP 429
	ErrTooLarge    = backends.ErrTooLarge    // and no Bucket to put it in
	ErrInvalid     = backends.ErrInvalid     // a *InvalidError tells the field
	ErrEnded       = backends.ErrEnded       // the job has ended
	ErrNotReady    = backends.ErrNotReady    // not in this state: try later
	ErrClosed      = backends.ErrClosed

	// Causes of a handler's context, by context.Cause.
	ErrLost       = backends.ErrLost       // another worker has the job now
	ErrCancelled  = backends.ErrCancelled  // somebody cancelled it
	ErrSuperseded = backends.ErrSuperseded // a newer job took its place

	// ErrSealBroken says that bytes were not sealed by this Box under this label:
	// damaged, swapped, or of another key.
	ErrSealBroken = errors.New("sealed bytes don't open")
)

// InvalidError tells which field or option is wrong; it matches ErrInvalid.
type InvalidError = backends.InvalidError

// None is the result of jobs that have none; see worker.NoResult.
type None struct{}
