package worker

import (
	"bytes"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/leat-go/leat/backends"
)

// Permanent says that trying again is pointless: the job becomes a dead letter at
// once. Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &PermanentError{Err: err}
}

// deadFor is Permanent for a reason of the library's.
func deadFor(reason string, err error) error { return &PermanentError{err, reason} }

// RetryAfter says that the attempt failed and when the next one is due, in place of
// the backoff: what a throttling server asked for, say. RetryAfter(d, nil) is nil.
func RetryAfter(d time.Duration, err error) error {
	if err == nil {
		return nil
	}
	return &RetryAfterError{max(0, d), err}
}

// Snooze says that it is too early: the job waits for d, and the attempt doesn't
// count.
func Snooze(d time.Duration) error { return &SnoozeError{max(0, d)} }

// Settled says that the handler has committed the job itself, by Complete on a view
// of its queue.
var Settled error = settledError{}

type settledError struct{}

func (settledError) Error() string { return "worker: the handler has settled the job" }

// The errors that a handler's verdict is made of, for middleware and tests.
type (
	// PermanentError is made by Permanent.
	PermanentError struct {
		Err    error
		reason string // of the dead letter, for people; "" = as decide says
	}
	// RetryAfterError is made by RetryAfter.
	RetryAfterError struct {
		After time.Duration
		Err   error
	}
	// SnoozeError is made by Snooze.
	SnoozeError struct{ After time.Duration }
	// PanicError is what a handler panicked with.
	PanicError struct {
		Value any
		Stack []byte
	}
)

func (e *PermanentError) Error() string  { return e.Err.Error() }
func (e *PermanentError) Unwrap() error  { return e.Err }
func (e *RetryAfterError) Error() string { return e.Err.Error() }
func (e *RetryAfterError) Unwrap() error { return e.Err }
func (e *SnoozeError) Error() string     { return "snooze for " + e.After.String() }

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v\n\n%s", e.Value, e.Stack) }

// Unwrap lets errors.Is see an error that was panicked with.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// caught makes an error of a recovered panic.
func caught(p any) error {
	stack := debug.Stack()
	if _, raised, ok := bytes.Cut(stack, []byte("\npanic(")); ok { // what caught it says nothing
		stack = append([]byte("panic("), raised...)
	}
	return &PanicError{p, stack[:min(len(stack), backends.MaxText)]}
}

// The causes of a handler's context, beside those of package queue.
var (
	ErrRunLimit = errors.New("worker: the run limit was reached")
	ErrDeadline = errors.New("worker: the job's deadline has passed")
	ErrStopping = errors.New("worker: the worker stops")
)

// errGoexit is a handler that ended its goroutine.
var errGoexit = errors.New("the handler called runtime.Goexit")
