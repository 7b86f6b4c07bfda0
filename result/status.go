package result

import (
	"context"
	"slices"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/internal/seam"
	"github.com/leat-go/leat/queue"
)

// Status says how a job stands: a snapshot, without its args and its result. It is
// the caller's to keep and to change.
type Status struct {
	Ref    queue.Ref
	Kind   string // the caller's word, without the schema version
	Schema int

	State      queue.State
	Cancelling bool // it runs, was cancelled, and ends so at its next step
	Attempt    int  // that runs or ran last; 0 before the first
	Crashes    int  // attempts whose worker was lost
	Progress   queue.Progress

	Created  time.Time
	Due      time.Time // while it waits: when it may start; zero if it waits for a batch
	Deadline time.Time // zero = none
	Ended    time.Time // zero while it lives
	Read     time.Time // when this snapshot was taken, by the clock of this process

	Reason       string                  // why it ended, if not well; for people
	Failures     []queue.Failure         // attempts that went wrong, oldest first: the first, and the newest
	SupersededBy queue.Ref               // zero unless superseded
	Batch        *backends.BatchProgress // of a collation job, else nil

	Order      int64  // of two jobs of one place (queue.Supersede), the higher one is newer
	Generation int64  // another after each redrive
	Version    uint64 // grows with every visible change

	ContentType string // of an encoded result, as [Open] gives it
}

// Phase is the state in words that people use:
//
//	held        waits for the members of its batch
//	scheduled   waits for its time
//	queued      waits for a worker
//	retrying    an attempt failed, and it waits for the next
//	running     a worker has it
//	cancelling  a worker has it, and was told to stop
//
// or the name of one of the five ends: succeeded, dead, cancelled, superseded,
// expired. It is the phase at s.Read.
func (s *Status) Phase() string {
	switch {
	case s.State == queue.Running && s.Cancelling:
		return "cancelling"
	case s.State != queue.Waiting:
		return s.State.String()
	case s.Due.IsZero():
		return "held"
	case s.Attempt > 0:
		return "retrying"
	case s.Due.After(s.Read):
		return "scheduled"
	}
	return "queued"
}

// Lookup returns how a job stands now, queue.ErrNotFound if this queue has no such
// job (any more) of this tenant.
func Lookup[T, R any](ctx context.Context, q *queue.Queue[T, R], ref queue.Ref) (*Status, error) {
	s, err := q.Inside(seam.Key{})
	if err != nil {
		return nil, wrap("lookup", err)
	}
	r, err := find(ctx, s, ref, 0)
	if err != nil {
		return nil, wrap("lookup", err)
	}
	return status(s, r, time.Now()), nil
}

func status(s *seam.Queue, r *backends.Record, now time.Time) *Status {
	kind, schema := seam.Schema(r.Job.Kind)
	st := &Status{
		Ref: r.Job.Ref, Kind: kind, Schema: schema,
		State: r.State, Cancelling: r.Cancelling, Attempt: r.Attempt, Crashes: r.Crashes, Progress: r.Progress,
		Created: r.Created, Deadline: r.Deadline, Ended: r.Ended, Read: now,
		Reason: r.Reason, Failures: slices.Clone(r.Failures), SupersededBy: newer(r), Batch: r.Batch,
		Order: r.Order, Generation: r.Generation, Version: r.Version,
		ContentType: s.Mime,
	}
	if r.State == queue.Waiting { // the end of a lease is nothing to callers
		st.Due = r.Due
	}
	return st
}

// newer is the job that took the place of r: one of the same tenant.
func newer(r *backends.Record) queue.Ref {
	if r.SupersededBy == "" {
		return queue.Ref{}
	}
	return queue.Ref{Tenant: r.Job.Tenant, ID: r.SupersededBy}
}
