package queue

import (
	"context"
	"io"
	"net/url"
	"sync"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/internal/seam"
)

// Queue is one queue of jobs with args T and results R. Producers, workers and
// readers each hold one; the facts that they must agree on are its fields.
//
// Set the fields before the first use, which reads them once; after that a Queue
// is safe for concurrent use. The zero value of each is its default; what
// makes no sense comes out of every call as an [InvalidError]. Make a Queue with
// [New], [Open] or [View].
type Queue[T, R any] struct {
	// Schema is the version of T. Raise it when older programs could not handle
	// what this one enqueues: newer jobs wait for workers that know them.
	Schema int

	Codec    Codec         // of args and results; nil = JSON
	Inline   int           // most bytes of encoded args or result beside the job; 0 = 64 KiB
	Bucket   Bucket        // for larger ones; nil = ErrTooLarge
	BlobLife time.Duration // how long a job without expiry finds its args in Bucket, from its due time on; 0 = 30 days
	Box      Box           // encrypts args and results; nil = not. Whoever handles or reads them needs it too
	Announce Announcer     // tells the world that jobs have ended; nil = nobody. A program without a worker sets Elsewhere

	MaxAttempts   int           // of a job that has no limit of its own; 0 = 5
	MaxCrashes    int           // so many lost leases end a job dead; 0 = 3
	UnknownAfter  time.Duration // how long a job waits when no worker knows its kind or schema; 0 = 1 h
	Retention     time.Duration // of ended jobs, and of their keys; 0 = 24 h, negative = none
	DeadRetention time.Duration // of dead letters; 0 = 14 days, negative = none
	Keep          int           // most ended jobs kept, dead letters aside; 0 = the store's default

	Backlog int                // most waiting jobs, beyond which Enqueue answers ErrBacklogFull; 0 = unlimited
	Cap     Cap                // of the whole queue; zero = none
	Tenant  Tenancy            // each tenant's share
	Tenants map[string]Tenancy // exceptions by name

	// PolicyVersion orders the limits above, MaxAttempts and what follows, and
	// whether the queue announces, where programs of several versions share a
	// store: the highest wins; of one version those that came first, with a warning
	// in the log. Raise it when you change one.
	PolicyVersion int

	Tracing trace.TracerProvider // nil = the global one
	Metrics metric.MeterProvider // nil = the global one

	name    string
	kind    string
	backend backends.Backend
	bound   error // why a View of the backend could not be had
	inView  bool  // backend is a View of state.root
	state   *state
}

// state is what copies of a Queue share.
type state struct {
	root   backends.Backend
	close  func() error
	once   sync.Once
	facts  *facts
	broken error // why the fields make no sense

	mu       sync.Mutex
	instance []byte // see instanceKey
}

// New returns a queue of this name on b, which stays the caller's to close.
func New[T, R any](b backends.Backend, name string) *Queue[T, R] {
	return &Queue[T, R]{name: name, backend: b, state: &state{root: b}}
}

// Open opens a backend by URL and returns the queue that the URL's "queue"
// parameter names, as in "memory://?queue=whatif". The program imports the
// driver of the URL's scheme. Close the queue to close the backend.
func Open[T, R any](ctx context.Context, rawURL string) (*Queue[T, R], error) {
	u, err := url.Parse(rawURL)
	if err != nil { // which quotes the URL
		return nil, wrap("open", &InvalidError{Field: "URL", Reason: "can't be parsed"})
	}
	name := u.Query().Get("queue")
	switch {
	case rawURL == "": // an environment variable that isn't set, most often
		return nil, wrap("open", &InvalidError{Field: "URL", Reason: "is empty"})
	case u.Scheme == "": // a path, most often
		return nil, wrap("open", &InvalidError{Field: "URL", Reason: "has no scheme, which names its driver, as memory:// does"})
	case name == "":
		return nil, wrap("open", &InvalidError{Field: "URL", Reason: "names no queue: add ?queue=NAME"})
	}
	if err := checkNames(name, "", nil); err != nil {
		return nil, wrap("open", err)
	}
	b, err := backends.Open(ctx, rawURL)
	if err != nil {
		return nil, wrap("open", err)
	}
	q := New[T, R](b, name)
	q.state.close = b.Close
	return q, nil
}

// View returns q for jobs of another kind, with other types: several kinds share
// one queue, its limits and its fair turns. The kind of New and Open is "". Set
// the fields of q first: they are copied. Kinds are at most 240 bytes without '@'.
// What q is [Queue.On] holds for the new one; to close the backend remains q's.
//
//	emails := queue.View[Email, queue.None](q, "email")
//
// Jobs of a kind that no worker knows wait for UnknownAfter, then they are dead
// letters. Where all kinds are views, q needs no types: it is a Queue[None, None]. Its
// operator verbs are for all kinds.
func View[T, R, T0, R0 any](q *Queue[T0, R0], kind string) *Queue[T, R] {
	return &Queue[T, R]{
		Schema: q.Schema, Codec: q.Codec, Inline: q.Inline, Bucket: q.Bucket, BlobLife: q.BlobLife, Box: q.Box, Announce: q.Announce,
		MaxAttempts: q.MaxAttempts, MaxCrashes: q.MaxCrashes, UnknownAfter: q.UnknownAfter,
		Retention: q.Retention, DeadRetention: q.DeadRetention, Keep: q.Keep,
		Backlog: q.Backlog, Cap: q.Cap, Tenant: q.Tenant, Tenants: q.Tenants, PolicyVersion: q.PolicyVersion,
		Tracing: q.Tracing, Metrics: q.Metrics,
		name: q.name, kind: kind, backend: q.backend, bound: q.bound, inView: q.inView, state: &state{root: q.root()},
	}
}

// On returns q acting inside something of the caller's: a transaction, say. What
// keeps it from doing so comes out of the next call.
//
//	q.On(sqlite.Tx(tx)).Enqueue(ctx, args) // exists if and only if tx commits
//
// It is cheap: make one for each transaction. What failed inside isn't repeated.
func (q *Queue[T, R]) On(v backends.View) *Queue[T, R] {
	on := *q
	on.inView = true
	switch root := q.root(); {
	case root == nil:
		on.bound = errNoBackend
	case v == nil:
		on.bound = &InvalidError{Field: "View", Reason: "is nil"}
	default:
		on.backend, on.bound = v.Bind(root)
		if on.backend == nil && on.bound == nil {
			on.bound = &InvalidError{Field: "View", Reason: "binds to nothing"}
		}
	}
	return &on
}

// root is the backend that q was made on, nil if it wasn't made by New or Open.
func (q *Queue[T, R]) root() backends.Backend {
	if q.state == nil {
		return nil
	}
	return q.state.root
}

// Name is the queue's name.
func (q *Queue[T, R]) Name() string { return q.name }

// Kind is the kind of its jobs, "" unless it is a View.
func (q *Queue[T, R]) Kind() string { return q.kind }

// Close closes the backend if Open opened it.
func (q *Queue[T, R]) Close() error {
	if q.state == nil || q.state.close == nil {
		return nil
	}
	return q.state.close()
}

// ready reads the fields, once, and returns what they come to.
func (q *Queue[T, R]) ready() (*facts, error) {
	s := q.state
	if s == nil {
		return nil, errNoBackend
	}
	s.once.Do(func() { s.facts, s.broken = q.read() })
	if s.broken != nil {
		return nil, s.broken
	}
	return s.facts, q.bound
}

// Inside is for the other rooms of this module.
func (q *Queue[T, R]) Inside(seam.Key) (*seam.Queue, error) {
	f, err := q.ready()
	if err != nil {
		return nil, err
	}
	return &seam.Queue{
		Name: f.name, Kind: f.kind, Kinds: f.kinds, Backend: q.backend, Features: f.features,
		Policy: f.policy, Filled: f.filled, Mime: f.codec.ContentType(),
		Encode: f.encodeResult, Decode: f.decodeResult,
		Job:    func(ctx context.Context, a *seam.Attempt) (any, error) { return leased[T](ctx, f, a) },
		Pack:   f.packResult,
		Unpack: func(ctx context.Context, r *backends.Record) (io.ReadCloser, error) { return f.openResult(ctx, r) },
		Sign: func(ctx context.Context, r *backends.Record, life time.Duration) (string, error) {
			return f.signResult(ctx, r, life)
		},
	}, nil
}
