// Package seam joins the rooms that users see: it is how worker and result reach
// what a queue.Queue knows, and how a job reports its progress, without any of it
// being part of the public API.
package seam

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/leat-go/leat/backends"
)

// Key opens a Queue to the other rooms. Nobody outside this module can name it.
type Key struct{}

// Queue is a queue.Queue without its types. It is read-only.
type Queue struct {
	Name     string
	Kind     string   // of the jobs that it enqueues, as stored
	Kinds    []string // whose args this program can decode, as stored
	Backend  backends.Backend
	Features backends.Features
	Policy   *backends.Policy // as passed to the Backend
	Filled   *backends.Policy // with the defaults
	Mime     string           // content type of encoded args and results

	// Encode and Decode are the codec, for results.
	Encode func(v any) ([]byte, error)
	Decode func(data []byte, v any) error

	// Job makes the *queue.Job[T] of a lease. The error matches ErrUndecodable if
	// trying again is pointless.
	Job func(ctx context.Context, a *Attempt) (any, error)

	// Pack brings an encoded result to where it will be: itself, or a key of the
	// bucket.
	Pack func(ctx context.Context, l *backends.Lease, encoded []byte) (inline []byte, stored string, err error)

	// Unpack reads the encoded result of a record that succeeded.
	Unpack func(ctx context.Context, r *backends.Record) (io.ReadCloser, error)

	// Sign makes a URL of the result of a record that succeeded, for so long.
	Sign func(ctx context.Context, r *backends.Record, life time.Duration) (string, error)
}

// Stored is a kind as stores know it: "plan@3" is version 3 of the args of "plan",
// "plan" is version 0. To a store a newer schema is another kind, so that one
// mechanism keeps both for the workers that know them (R10).
func Stored(kind string, version int) string {
	if version == 0 {
		return kind
	}
	return kind + "@" + strconv.Itoa(version)
}

// Schema is the way back. What Stored didn't make is a kind as it stands, version
// 0: a foreign one may be spelled as it likes.
func Schema(stored string) (kind string, version int) {
	at := strings.LastIndexByte(stored, '@')
	if at < 0 {
		return stored, 0
	}
	n, err := strconv.Atoi(stored[at+1:])
	if err != nil || n <= 0 || Stored(stored[:at], n) != stored {
		return stored, 0
	}
	return stored[:at], n
}

// ErrUndecodable marks args that no attempt can decode.
var ErrUndecodable = errors.New("undecodable")

// Attempt is what a running job holds of its attempt.
type Attempt struct {
	Lease *backends.Lease
	Owes  backends.Debt // beside the policy's, if it succeeds

	newest atomic.Pointer[backends.Progress]
}

// Report keeps the newest progress for the next beat. The percentage never falls.
func (a *Attempt) Report(p backends.Progress) {
	switch {
	case !(p.Percent > 0): // NaN, too
		p.Percent = 0
	case p.Percent > 100:
		p.Percent = 100
	}
	for {
		old := a.newest.Load()
		next := p
		if old != nil && old.Percent > next.Percent {
			next.Percent = old.Percent
		}
		if a.newest.CompareAndSwap(old, &next) {
			return
		}
	}
}

// Newest is the newest progress, nil if there is none.
func (a *Attempt) Newest() *backends.Progress { return a.newest.Load() }

// Day is a date as the keys of a bucket begin with, in UTC.
func Day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
