package queue

import (
	"context"
	"errors"
	"time"
)

// Event says that a job has ended, and how: what a "result ready" topic carries.
// It names the result and doesn't hold it, so that no payload leaks into a topic.
type Event struct {
	// ID is the same for every delivery of one event: consumers that keep the ids
	// they have seen make at-least-once into once. A redriven job that ends again
	// has another.
	ID string

	Queue      string
	Kind       string
	Ref        Ref
	Generation int64
	Order      int64 // of two events of one place (Supersede), the higher one is newer
	Supersede  string

	State        State  // one of the five ends
	Reason       string // why not succeeded
	SupersededBy string // id of the newer job, if superseded
	Attempt      int

	Created time.Time
	Ended   time.Time

	Headers map[string]string // of the job, read-only: trace context and the caller's own
}

// Announcer delivers events to a topic. Package announce has one for every
// gocloud.dev/pubsub topic, package webhook one for HTTP receivers.
type Announcer interface {
	// Announce delivers events, in any order, and returns what went wrong with
	// each, parallel to them; nil = all were delivered. It is called with up to a
	// hundred events, by several goroutines at once, and must return when ctx
	// ends. What failed is announced again, by this worker or another.
	Announce(ctx context.Context, events []Event) []error
}

// Elsewhere is the Announcer of a program that enqueues to a queue which
// announces, and runs no worker of it: what is owed is stored, and the workers
// that hold the topic pay it.
var Elsewhere Announcer = elsewhere{}

type elsewhere struct{}

func (elsewhere) Announce(_ context.Context, events []Event) []error {
	errs := make([]error, len(events))
	for i := range errs {
		errs[i] = errors.ErrUnsupported
	}
	return errs
}
