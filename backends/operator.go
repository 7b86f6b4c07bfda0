package backends

import (
	"context"
	"time"
)

// Operator is what people and tools do to a queue beside the traffic. A Backend
// has it or not: find it with [As], which sees through decorators. Features
// tells which of its verbs answer; the others return errors.ErrUnsupported.
type Operator interface {
	// Stats counts one queue; a queue that nobody used yet is all zeros.
	Stats(ctx context.Context, queue string) (Stats, error)

	// List pages through the records of one queue, oldest order first. It may
	// miss or repeat what changes state between two pages.
	List(ctx context.Context, req ListRequest) (Page, error)

	// Cancel ends waiting jobs at once and marks running ones: their next beat
	// says ErrCancelled, and any later step writes Cancelled. Per ref: nil (also
	// for a job that is cancelled already), ErrNotFound, ErrEnded. It wins over
	// supersede.
	Cancel(ctx context.Context, refs []Ref) ([]error, error)

	// Redrive gives ended jobs another life, each by one conditional write on
	// the generation as listed, so that a bulk redrive may be repeated after a
	// crash. Per item: nil (also when another generation shows that it was
	// done before), ErrNotFound, ErrNotReady (waiting, running, or still
	// announcing, or its payload is not at hand yet: try later), ErrEnded (an
	// end that can't be redriven).
	Redrive(ctx context.Context, jobs []Redrive) ([]error, error)

	// Purge removes records that are waiting or have ended and that nobody
	// holds, at most req.Limit, and returns how many. What they still owe is
	// given up: the way out when nobody can pay it any more. A waiting member of
	// a batch is counted as failed first. Running jobs are left alone.
	Purge(ctx context.Context, req PurgeRequest) (int, error)

	// Pause stops the claims of a queue, or lets them go on. What runs goes on,
	// ended jobs are still announced, and the mark outlives the process where
	// the store does.
	Pause(ctx context.Context, queue string, paused bool) error
}

// Stats counts one queue.
type Stats struct {
	Queued    int // waiting and due
	Scheduled int // waiting for a due time
	Held      int // waiting for members of a batch
	Running   int // leased to a handler; lapsed leases that nobody took included
	Owing     int // ended, with something still to be announced

	Ended map[State]int // kept records by end

	Oldest time.Duration // age of the oldest queued job since it was due; 0 = none
	Paused bool

	Dropped uint64 // debts given up since the store was opened
}

// Depth is all that waits.
func (s Stats) Depth() int { return s.Queued + s.Scheduled + s.Held }

// ListRequest selects records. The zero State is all, AnyTenant all tenants.
type ListRequest struct {
	Queue     string
	State     State
	Tenant    string
	AnyTenant bool
	Batch     Ref    // the members of this collation job only; zero = all
	Limit     int    // 1 to MaxPage; 0 = MaxPage
	Cursor    string // of the page before; "" = from the start
}

// Page is a piece of a listing. Cursor is "" on the last.
type Page struct {
	Records []*Record
	Cursor  string
}

// Redrive names one life of one job, as a listing showed it.
type Redrive struct {
	Ref        Ref
	Generation int64
}

// PurgeRequest selects what to remove: records in State, which must be Waiting
// or an end.
type PurgeRequest struct {
	Queue     string
	State     State
	Tenant    string
	AnyTenant bool
	Limit     int // 1 to MaxPurge; 0 = MaxPurge
}

// Reporter is a Backend that knows how it is beyond what its calls answer: a broker
// that meets messages of another deployment, say. It is found by [As].
type Reporter interface {
	// Health is what is wrong; nil = nothing.
	Health() error
}

// Wrapper is a decorator that lets As look inside.
type Wrapper interface{ Unwrap() Backend }

// As finds the first T in a chain of decorators, the outermost first.
//
//	op, ok := backends.As[backends.Operator](b)
func As[T any](b Backend) (T, bool) {
	for b != nil {
		if t, ok := b.(T); ok {
			return t, true
		}
		w, ok := b.(Wrapper)
		if !ok {
			break
		}
		b = w.Unwrap()
	}
	var none T
	return none, false
}

// View turns a Backend into one that acts inside something of the caller's, a
// transaction say. An error comes out of the next call.
type View interface {
	Bind(Backend) (Backend, error)
}
