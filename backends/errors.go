package backends

import (
	"errors"
	"fmt"
)

// What callers branch on, by errors.Is. Verbs that a setup can't do return
// [errors.ErrUnsupported].
var (
	ErrNotFound    = errors.New("no such job")
	ErrLost        = errors.New("lease lost: a newer claim exists or the lease was settled")
	ErrCancelled   = errors.New("job cancelled")
	ErrSuperseded  = errors.New("job superseded by a newer one")
	ErrEnded       = errors.New("job has ended")
	ErrNotReady    = errors.New("job is not ready for this yet")
	ErrKeyReused   = errors.New("idempotency key reused with another payload")
	ErrBacklogFull = errors.New("backlog is full")
	ErrSealed      = errors.New("batch is sealed")
	ErrTooLarge    = errors.New("too large to store inline")
	ErrInvalid     = errors.New("invalid")
	ErrConflict    = errors.New("cell was changed meanwhile")
	ErrClosed      = errors.New("backend is closed")
	// ErrIllegal means that a Backend tried a transition that the table of
	// transitions doesn't have: a bug in it. The write did not happen.
	ErrIllegal = errors.New("illegal transition")
)

// InvalidError tells which field of a request is wrong; it matches ErrInvalid.
// Retrying the same request is pointless.
type InvalidError struct {
	Field  string // as spelled in this package, "Job.Kind"
	Reason string
}

func (e *InvalidError) Error() string { return fmt.Sprintf("invalid %s: %s", e.Field, e.Reason) }

// Is makes every InvalidError match ErrInvalid.
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

func invalid(field, reason string) error { return &InvalidError{Field: field, Reason: reason} }
