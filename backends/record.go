package backends

import (
	"fmt"
	"time"
)

// State is where a job is in its life; see [Life] for the drawing. The numbers
// are stored: new ones go at the end.
type State uint8

const (
	// Waiting: to be claimed, now or later. "scheduled", "queued" and
	// "retrying" are views of it (due, attempt); held is waiting without due.
	Waiting State = iota + 1
	// Running: leased to a worker.
	Running
	// Succeeded: the handler returned a result.
	Succeeded
	// Dead: given up, kept as a dead letter for redrive (R10).
	Dead
	// Cancelled by an operator or a caller.
	Cancelled
	// Superseded by a newer job of the same place (R13).
	Superseded
	// Expired: its deadline passed first.
	Expired
)

// Ended reports whether s is one of the five ends.
func (s State) Ended() bool { return s >= Succeeded }

// Failed reports whether s is an end without a result.
func (s State) Failed() bool { return s > Succeeded }

// Redrivable reports whether an operator may give the job another life.
func (s State) Redrivable() bool { return s == Dead || s == Cancelled }

func (s State) String() string {
	return name(s, "none", "waiting", "running", "succeeded", "dead", "cancelled", "superseded", "expired")
}

// Record is all that is known of a job, a snapshot that the caller may keep.
type Record struct {
	Job   *Job // read-only; Payload is nil where Features.KeepsPayload is false
	Queue string

	State      State
	Version    uint64 // grows with every visible change; hand it to Lookup to wait for the next
	Generation int64  // one higher at every redrive; it starts with the time of birth in ms, so that an id used again after its record has gone has another
	Token      uint64
	Attempt    int
	Crashes    int
	Order      int64

	Created  time.Time
	Due      time.Time // claimable from then: Running, the end of the lease; ended, the next announcement; zero when held or closed
	Deadline time.Time // zero = none
	Ended    time.Time // zero while it lives

	Progress     Progress
	Result       []byte
	Stored       string // as in Settlement
	Reason       string
	Failures     []Failure // oldest first, at most MaxFailures: the first and the newest
	SupersededBy string    // id of the job that took its place
	Cancelling   bool      // running, and to be cancelled at its next step

	Owes    Debt // unpaid
	Dropped Debt // given up: announcing it killed the process MaxCrashes times

	Batch *BatchProgress // of a collation job
}

// ReasonCrashed is the Reason of a job that the store gave up because its
// leases lapsed Policy.MaxCrashes times.
const ReasonCrashed = "crashed too often: its lease lapsed and nobody settled it"

// ReasonDelivered is the Reason of a job whose broker has put its message into a
// dead-letter queue of its own.
const ReasonDelivered = "delivered too often: the broker moved its message to its dead-letter queue"

// Failure is one attempt that went wrong.
type Failure struct {
	Attempt int
	At      time.Time
	Text    string
}

func (f Failure) String() string { return fmt.Sprintf("attempt %d: %s", f.Attempt, f.Text) }

// BatchProgress counts the members of a collation job.
type BatchProgress struct {
	Members int  // created so far
	Ended   int  // of any kind, each counted once
	Failed  int  // of those, not succeeded
	Hold    int  // claimable when 0
	Sealed  bool // no more members
}

// name spells an enumeration.
func name[T ~uint8](v T, names ...string) string {
	if int(v) < len(names) {
		return names[v]
	}
	return "unknown"
}
