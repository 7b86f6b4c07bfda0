package result

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/queue"
)

// EndedError says that a job ended without a result. It matches queue.ErrCancelled
// or queue.ErrSuperseded if that is how.
type EndedError struct {
	Ref          queue.Ref
	State        queue.State // Dead, Cancelled, Superseded or Expired
	Reason       string      // for people, as whoever ended the job gave it; may be ""
	Attempts     int         // that were started
	SupersededBy queue.Ref   // the newer job that took its place; zero unless superseded

	// Failures are the attempts that went wrong, oldest first, in the words of the
	// handler. Error leaves them out: it ends in logs, and they may quote the args.
	Failures []queue.Failure
}

func ended(r *backends.Record) *EndedError {
	return &EndedError{
		Ref: r.Job.Ref, State: r.State, Reason: r.Reason, Attempts: r.Attempt, SupersededBy: newer(r), Failures: r.Failures,
	}
}

func (e *EndedError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "job %s ended %v", e.Ref.ID, e.State)
	if e.SupersededBy.ID != "" {
		fmt.Fprintf(&b, " by %s", e.SupersededBy.ID)
	}
	switch {
	case e.Attempts == 1:
		b.WriteString(" after 1 attempt")
	case e.Attempts > 1:
		fmt.Fprintf(&b, " after %d attempts", e.Attempts)
	}
	if e.Reason != "" {
		b.WriteString(": " + e.Reason)
	}
	return b.String()
}

// Is makes the error match the sentinel of its end.
func (e *EndedError) Is(target error) bool {
	switch target {
	case queue.ErrCancelled:
		return e.State == queue.Cancelled
	case queue.ErrSuperseded:
		return e.State == queue.Superseded
	}
	return false
}

// UnreadableError says that a job succeeded and its result can't be read, now or
// later. Err matches fs.ErrNotExist if the object that held it has gone from the
// bucket, queue.ErrSealBroken if it isn't what was encrypted, queue.ErrInvalid if
// this Queue has no Bucket to look in; else it is the codec's.
type UnreadableError struct {
	Ref queue.Ref
	Err error
}

func (e *UnreadableError) Error() string {
	return fmt.Sprintf("the result of job %s can't be read: %v", e.Ref.ID, e.Err)
}

func (e *UnreadableError) Unwrap() error { return e.Err }

// unreadable marks what no repetition will change, and leaves other errors as they are.
func unreadable(ref queue.Ref, err error) error {
	for _, final := range [...]error{fs.ErrNotExist, queue.ErrSealBroken, queue.ErrInvalid} {
		if errors.Is(err, final) {
			return &UnreadableError{ref, err}
		}
	}
	return err
}

func wrap(verb string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("result: %s: %w", verb, err)
}
