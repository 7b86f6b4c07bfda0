package broker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/internal/lookout"
)

// Records are compare-and-set cells that keep a record per job. Reads must be
// strongly consistent, and a write that a client library repeats must not lose
// to itself (backendtest.Cells proves both).
type Records = backends.Cells

// Options configure a Backend; the zero value is useful.
type Options struct {
	// Queue is the name that the Backend serves; "" = the first that a call
	// names. Another name is errors.ErrUnsupported.
	Queue string

	// Durability is that of Records; the Backend claims the weaker of this and
	// the Transport's. 0 = the Transport's.
	Durability backends.Durability

	// Poll is how often a record is read that other processes may change, while calls of
	// Lookup wait for it, however many; 0 = 2 s. Where nothing changes it becomes
	// two and a half times as long: 5 s after a minute.
	Poll time.Duration

	// Group says which jobs a FIFO queue keeps in order, one after the other, and
	// between which a fair queue goes round; nil = those of a tenant.
	Group func(*backends.Job) string

	// DeadLetters is the queue into which the broker itself puts what was delivered
	// too often, if it has one. Its messages become dead letters in Records, every
	// five minutes (R10); without Records it is left alone. Close closes it.
	DeadLetters Transport

	// Name is what Features say; "" = the Transport's.
	Name string

	// Closer is called by Close, after the Transport is closed; nil = nothing.
	Closer func() error

	// Logger gets the rare warnings; nil = slog.Default.
	Logger *slog.Logger
}

const (
	// maxKept and maxResult leave a record, with its errors and base64, below
	// backends.MaxRecord.
	maxKept   = 96 << 10
	maxResult = 96 << 10

	// overhead is what an envelope needs beside the payload, at most about.
	overhead = 32 << 10

	// keepMessages is the retention of a queue that doesn't tell its own.
	keepMessages = 14 * 24 * time.Hour

	defaultRunLimit = time.Hour
	unlimited       = 50 * 365 * 24 * time.Hour // what is added to a time, at most
	width           = 32                        // calls to the record store at a time, for one call of ours
)

// Backend is a Transport, with or without Records. Make it with New.
type Backend struct {
	transport Transport
	records   Records // nil = fire and forget
	opts      Options
	facts     TransportFeatures
	lookout   lookout.Post[string, *record]
	clock     order
	leases    leaseTable
	gate      gate

	stop context.Context // ends with Close
	halt context.CancelFunc

	mu      sync.Mutex
	queue   string
	newest  *backends.Policy
	health  health
	calls   sync.WaitGroup
	closed  bool
	ending  sync.Once
	closing error // of the one that closed
}

var (
	_ backends.Backend  = (*Backend)(nil)
	_ backends.Operator = (*Backend)(nil)
	_ backends.Reporter = (*Backend)(nil)
	_ Meter             = (*Backend)(nil)
)

// New makes a Backend of a transport and records; nil records make one that
// fires and forgets: no status, result, cancel, key, supersede, batch, fencing.
// Closing it closes the transport.
func New(t Transport, records Records, o Options) *Backend {
	if o.Poll == 0 {
		o.Poll = 2 * time.Second
	}
	stop, halt := context.WithCancel(context.Background())
	b := &Backend{transport: t, records: records, opts: o, facts: t.Features(), queue: o.Queue, stop: stop, halt: halt}
	b.lookout.Read, b.lookout.Mark, b.lookout.Closed = b.read, mark, stop.Done()
	b.lookout.Poll = func(quiet time.Duration) time.Duration { return poll(o.Poll, quiet) }
	if o.DeadLetters != nil && records != nil {
		b.calls.Go(b.drainForEver)
	}
	return b
}

// Features tells what the pair can do.
func (b *Backend) Features() backends.Features {
	f := backends.Features{
		Name: b.facts.Name, Durability: b.facts.Durability,
		Shared: b.facts.SharedQueues, Records: b.records != nil,
		MaxDelay: b.facts.MaxDelay, MaxLease: b.facts.MaxLease, Tick: b.facts.Tick, MaxWait: b.facts.Retention,
		MaxBatch: b.facts.MaxBatch, ClaimBatch: b.facts.ClaimBatch, HardLease: b.facts.HardLease, CheapExtend: b.facts.CheapExtend || b.records != nil,
	}
	if b.opts.Name != "" {
		f.Name = b.opts.Name
	}
	if b.records != nil {
		f.MaxResult = maxResult
		if d := b.opts.Durability; d != 0 {
			f.Durability = min(d, f.Durability)
		}
	}
	if b.facts.MaxMessage > 0 {
		f.MaxPayload = max(1, (b.facts.MaxMessage-overhead)/4*3)
	}
	return f
}

// Requests implements [Meter]: those of the Transport and of the dead-letter queue,
// where they count; else 0.
func (b *Backend) Requests() (n int64) {
	for _, t := range []Transport{b.transport, b.opts.DeadLetters} {
		if m, ok := t.(Meter); ok {
			n += m.Requests()
		}
	}
	return n
}

// Close waits for the calls under way, which it wakes, and closes the transport.
func (b *Backend) Close() error {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.halt()
	b.calls.Wait()
	b.ending.Do(func() { // the others wait for it
		b.closing = b.transport.Close()
		if b.opts.DeadLetters != nil {
			b.closing = errors.Join(b.closing, b.opts.DeadLetters.Close())
		}
		if b.opts.Closer != nil {
			b.closing = errors.Join(b.closing, b.opts.Closer())
		}
	})
	return b.closing
}

// enter begins a call: its context ends with the Backend. The caller must leave.
func (b *Backend) enter(ctx context.Context) (_ context.Context, leave func(), err error) {
	if err := b.admit(ctx); err != nil {
		return nil, nil, err
	}
	ctx, free := b.bound(ctx)
	return ctx, func() { free(); b.calls.Done() }, nil
}

// admit begins a call, unless the Backend is closed; b.calls is told when it is over.
func (b *Backend) admit(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return backends.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	b.calls.Add(1)
	return nil
}

// bound is ctx, but ends with the Backend. The caller must free it.
func (b *Backend) bound(ctx context.Context) (_ context.Context, free func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	undo := context.AfterFunc(b.stop, func() { cancel(backends.ErrClosed) })
	return ctx, func() { undo(); cancel(nil) }
}

// why is err, or that the Backend was closed meanwhile.
func (b *Backend) why(err error) error {
	if err != nil && b.stop.Err() != nil {
		return backends.ErrClosed
	}
	return err
}

// serve binds the Backend to its one queue, and takes note of the policy: the
// newest version counts.
func (b *Backend) serve(queue string, p *backends.Policy) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.queue == "" {
		b.queue = queue
	}
	if queue != b.queue {
		return errOtherQueue
	}
	switch {
	case p == nil || p == b.newest:
	case b.newest == nil || p.Version > b.newest.Version:
		b.newest = p
	}
	return nil
}

// limit is the cap of the queue, as far as this process knows.
func (b *Backend) limit() backends.Cap {
	if p := b.policy(); p != nil {
		return p.Cap
	}
	return backends.Cap{}
}

// policy is the newest that this process was told; nil = none yet.
func (b *Backend) policy() *backends.Policy {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.newest
}

// retention is how long the broker keeps a message.
func (b *Backend) retention() time.Duration {
	if b.facts.Retention > 0 {
		return b.facts.Retention
	}
	return keepMessages
}

func (b *Backend) logger() *slog.Logger {
	if b.opts.Logger != nil {
		return b.opts.Logger
	}
	return slog.Default()
}

// order gives numbers that rise in one process and follow its clock.
type order struct {
	mu   sync.Mutex
	last int64
}

func (o *order) next(now, above int64) int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = max(now, o.last+1, above+1)
	return o.last
}
