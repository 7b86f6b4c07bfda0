package backends

import (
	"context"
	"errors"
	"time"
)

// InstanceCell holds 32 random bytes that all programs on one store share, so that
// they make equal ids of equal keys (R2). Whoever needs them first makes them; a store
// with transactions of callers makes them when it is opened.
const InstanceCell = "leat/instance-key"

// Version is an opaque version of a cell; "" = there is none. One that a key had
// never comes back, not even after its value has gone: what was written for an
// old version must not fit a new value.
type Version string

// Cells are small values under a key with compare-and-set on a version. Reads
// are strongly consistent. The records of a broker Backend have the same
// interface: the two verbs are job-blind.
type Cells interface {
	// Get returns the value and its version; nil and "" if the key has none or
	// it has expired. hint is the newest version that the caller knows, "" if
	// none: it may save a read on object stores and never changes the answer.
	Get(ctx context.Context, key string, hint Version) ([]byte, Version, error)

	// Put writes v if the cell's version is still prev ("" = the key must be
	// absent or expired), and returns the new version; else ErrConflict. Where a
	// driver or its client repeats a write that had taken effect, that is a
	// success, not a conflict; a caller that repeats Put reads again first. The
	// value goes at expire; the zero time = never.
	Put(ctx context.Context, key string, v []byte, prev Version, expire time.Time) (Version, error)
}

// NoCells are the Cells of a Backend that has none.
var NoCells Cells = noCells{}

type noCells struct{}

func (noCells) Get(context.Context, string, Version) ([]byte, Version, error) {
	return nil, "", errors.ErrUnsupported
}

func (noCells) Put(context.Context, string, []byte, Version, time.Time) (Version, error) {
	return "", errors.ErrUnsupported
}
