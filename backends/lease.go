package backends

import "time"

// Lease is one claim of one job, good until a newer one exists. It is a value
// to read and to hand back; nobody changes it.
type Lease struct {
	Job   *Job // read-only: a store may hand the same Job to others
	Queue string

	Token      uint64 // one higher at every claim (R5)
	Generation int64  // one higher at every redrive; (id, generation) names an event
	Attempt    int    // 1 at the first run; counted at claim, before the handler starts (R4)
	Crashes    int    // leases of this job that lapsed and were taken over
	Order      int64  // as Enqueued.Order

	Created  time.Time
	Due      time.Time // when it became claimable: now - Due is how long it waited
	Until    time.Time // end of the lease as claimed
	Deadline time.Time // zero = none

	// Outcome is nil when the handler is to run. Else the job has ended, and
	// this lease is for announcing what the record Owes (R6, R7).
	Outcome *Record

	// Handle is the Backend's own: a row, a receipt. A lease without one, made
	// from ref, generation and token, may be settled on stores; a broker may
	// answer ErrLost.
	Handle any
}

// Beat renews one lease.
type Beat struct {
	Lease    *Lease
	Progress *Progress // nil = unchanged
}

// Progress is what a running job says of itself.
type Progress struct {
	Percent float64 // 0 to 100; of one life of a job it never falls
	Text    string  // capped at MaxText bytes
}

// Then is what a store keeps when p is followed by q: the newest text, capped, and the
// highest percentage. An attempt that begins anew doesn't take back what was shown.
func (p Progress) Then(q Progress) Progress {
	return Progress{max(p.Percent, q.Percent), Capped(q.Text)}
}

// Verb is what a Settlement does. The numbers are stored: new ones go at the end.
type Verb uint8

const (
	// Commit writes the outcome. The lease is kept while something is owed;
	// then Announced, Retry or Release ends it.
	Commit Verb = iota + 1
	// Retry makes the job wait for Delay; the attempt is used up. On an ended
	// job: announce again then.
	Retry
	// Snooze makes the job wait for Delay; the attempt is as before the claim.
	// On an ended job it is a Retry.
	Snooze
	// Release gives the job back at once, in its old place, the attempt as
	// before the claim. On an ended job: announce again now.
	Release
	// Announced says that all that an ended job owed has left.
	Announced
)

func (v Verb) String() string {
	return name(v, "none", "commit", "retry", "snooze", "release", "announced")
}

// Settlement ends one lease.
type Settlement struct {
	Lease *Lease
	Verb  Verb

	Outcome State  // of a Commit: Succeeded, Dead, Cancelled, Superseded or Expired
	Result  []byte // of a Commit that succeeded; at most Features.MaxResult
	Stored  string // of a Commit that succeeded: where a large result lies instead: a key in the queue's bucket, at most MaxName bytes
	Reason  string // of any other end, for people; capped at MaxText

	Error string // why the attempt failed, whatever the verb; kept (KeepFailure), capped at MaxText

	Delay time.Duration // of Retry and Snooze, ≥ 0

	// Owes is what this Commit leaves owed beside Policy.Owes; WriteBack
	// counts for Succeeded alone. On a Retry, Snooze or Release of an ended job
	// it is the part of the debt that stays, 0 = all; of Announced, the part
	// that has left, 0 = all. What stays is due again, at once after Announced.
	Owes Debt
}

// Debt is a set of announcements that a commit leaves owed (R6).
type Debt uint8

const (
	// Event is a "result ready" event to a topic; any end may owe it.
	Event Debt = 1 << iota
	// WriteBack is the worker's after-success hook; only Succeeded owes it.
	WriteBack
)

// In reports whether all of d is in set.
func (d Debt) In(set Debt) bool { return d&^set == 0 }

func (d Debt) String() string {
	return name(d&3, "nothing", "event", "write-back", "event+write-back")
}
