// Package memory is the Backend that lives in the process: no server, no file,
// gone with the process. It holds the whole contract, so it is what programs
// start with, what tests run on, and the example for whoever writes a store.
//
//	b := memory.New(memory.Options{})   // private to whoever holds it
//	b, err := backends.Open(ctx, "memory://shop?queue=whatif") // shared by all in the process who open "shop"
//
// "memory://" is a store too, that of the empty name. A store that was opened by
// URL is gone when the last who holds it has closed it.
//
// # How it works
//
// One mutex guards everything, and every change of a job goes through one
// function (move.go), which holds the step against the table of transitions.
// A job is in at most one container at a time:
//
//	schedule  due later: delays, retries, and the end of every lease
//	lane      due now: one lane per tenant, kind and resource; the lanes of a
//	          kind stand in a ring, and claims go round it (turn.go)
//	door      a lane whose tenant or resource is at its cap waits outside the ring
//	line      ended, until its retention is over
//
// Each is O(1) for records that come in order, and O(log n) for the rest, so a
// claim costs what it claims: not the backlog, the leases in flight, their
// lengths, or the number of tenants. Nothing polls, there is no goroutine and
// no timer per lease: of those who wait in Claim, the first holds one timer.
//
// Its clock is the monotonic one, counted from the wall clock at New: jumps of
// the wall clock neither end leases nor start jobs.
package memory

import (
	"log/slog"
	"sync"
	"time"

	"github.com/leat-go/leat/backends"
)

// Options configure a Backend; the zero value is useful.
type Options struct {
	// Keep is how many ended records a queue keeps, dead letters aside, where
	// its Policy doesn't say; 0 = 100,000. The oldest go first, and with them
	// their idempotency keys.
	Keep int

	// Logger gets the rare warnings; nil = slog.Default.
	Logger *slog.Logger
}

// MaxPayload bounds payloads and results, in bytes.
const MaxPayload = 64 << 20

// Backend is one opening of a store in memory. Make it with New.
type Backend struct {
	*store
	done   chan struct{} // closed by Close
	closed bool          // under the store's lock
}

// store is what its openings share.
type store struct {
	opts  Options
	start time.Time

	mu        sync.Mutex
	queues    map[string]*queue
	tenants   map[string]*tenant
	jobs      directory
	idle      line[*tenant]
	nIdle     int
	resources map[string]*resource
	lastOrder int64
	dirty     []*queue  // got something claimable while the lock was held
	leaving   []*record // have left the store, but not yet the directory
	cells     cells
}

var (
	_ backends.Backend  = (*Backend)(nil)
	_ backends.Operator = (*Backend)(nil)
)

// New returns an empty store.
func New(o Options) *Backend {
	if o.Keep == 0 {
		o.Keep = 100_000
	}
	return (&store{
		opts: o, start: time.Now(),
		queues: map[string]*queue{}, tenants: map[string]*tenant{}, jobs: newDirectory(), resources: map[string]*resource{},
	}).open()
}

// Again opens the same store once more, as another process would a file.
func (b *Backend) Again() *Backend { return b.store.open() }

func (b *store) open() *Backend { return &Backend{store: b, done: make(chan struct{})} }

// Features returns what a store in memory can do: everything but survive.
func (b *Backend) Features() backends.Features {
	return backends.Features{
		Name: "memory", Durability: backends.Process,
		Queues: true, Records: true, Fair: true, Prompt: true, Backlog: true, SharedCaps: true,
		Priority: true, Ordered: true, Kinds: true, CountsMembers: true, KeepsPayload: true,
		Stats: true, ExactStats: true, Lists: true, Pauses: true,
		MaxPayload: MaxPayload, MaxResult: MaxPayload, CheapExtend: true,
	}
}

// Close wakes every blocked call of this opening. The store lives on with the others.
func (b *Backend) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.closed = true
		close(b.done)
	}
	return nil
}

// now is the store's clock in Unix nanoseconds.
func (b *store) now() int64 {
	return b.start.UnixNano() + int64(time.Since(b.start))
}

// lock enters the store, or refuses if it is closed.
func (b *Backend) lock() error {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return backends.ErrClosed
	}
	return nil
}

// unlock leaves it, waking one waiter of each queue that got work.
func (b *store) unlock() {
	b.clear()
	for i, q := range b.dirty {
		q.dirty = false
		q.wake()
		b.dirty[i] = nil
	}
	b.dirty = b.dirty[:0]
	b.mu.Unlock()
}

func (b *store) logger() *slog.Logger {
	if b.opts.Logger != nil {
		return b.opts.Logger
	}
	return slog.Default()
}

// queue finds or makes a queue, and takes note of its policy.
func (b *store) queue(name string, p *backends.Policy) *queue {
	q := b.queues[name]
	if q == nil {
		q = newQueue(b, name)
		b.queues[name] = q
	}
	q.learn(p)
	return q
}

// at is a time of the store as callers see it; 0 is the zero time.
func at(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}
