package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/internal/seam"
	"github.com/leat-go/leat/queue"
)

// engine is one Run: the loops, the slots, and the attempts that they pass around.
//
//	claim loop ─▶ todo ─▶ slots (Concurrency goroutines) ─▶ unwritten ─▶ settle loop
//	                ▲                                                        │
//	                └── write-backs ◀── announce loops ◀── untold ◀──────────┘
//	beat loop: renews every lease that is held    clock: ends contexts in time
//
// No job has a goroutine, a timer or an envelope of its own. One mutex guards what
// the loops share; nobody waits while holding it.
type engine struct {
	Pool
	store backends.Backend
	facts *kind // the first: name, policy and features are the queue's
	kinds map[string]*kind
	wire  []string // all that can be decoded, as stored
	can   backends.Debt
	root  context.Context // Run's values, without its end
	watch *watch
	own   bool          // the caller's goroutine is the only slot (Claims)
	limit time.Duration // the longest run limit of the kinds
	stint seam.Stint    // how the run ends
	until time.Time     // when nothing more is claimed; zero = when Run's context ends

	mu        sync.Mutex
	live      []*attempt // all that hold a lease, or whose handler still runs
	todo      fifo       // wait for a slot
	unwritten fifo       // wait for the settle loop
	untold    fifo       // wait for the announce loops
	busy      int        // slots that run something
	settling  int        // attempts that ran and are not written yet
	telling   int        // attempts whose event has not left
	stopping  bool       // what runs was told to stop, and nothing more begins
	closed    bool       // slots end when they are free
	alarm     time.Time  // when the clock loop looks again
	calm      time.Time  // since when nothing is live, if nothing is
	tales     []func()   // for the log, once the lock is free

	slots slots
	more  bool               // the claim loop's: the last claim brought all that one can
	room  signal             // for the claim loop: a slot is free
	near  context.CancelFunc // breaks off a claim that leaves events out, when the topic isn't behind any more; nil = there is none
	aside context.CancelFunc // breaks off a claim for events alone, when a slot is free; nil = there is none
	write signal             // for the settle loop
	tell  signal             // for the announce loops
	clock signal             // something ends earlier than the clock knows
	pace  pace               // what the Limiter has said
	quiet signal             // for the drain: nothing is live

	hard  context.Context // ends when the drain has waited long enough for events
	halt  context.CancelFunc
	life  context.Context // ends with the loops
	leave context.CancelFunc
}

func newEngine(ctx context.Context, p *Pool, stint *seam.Stint, workers []Kind) (*engine, error) {
	kinds, err := gather(workers)
	if err != nil {
		return nil, err
	}
	first := kinds[0]
	pool, err := p.filled(first.Features)
	if err != nil {
		return nil, err
	}
	if d, ok := ctx.Deadline(); ok && stint == nil && ctx.Err() == nil && time.Until(d) <= pool.Margin {
		return nil, &queue.InvalidError{
			Field: "Pool.Margin", Reason: fmt.Sprintf("the drain begins %v before the context's deadline, which leaves no time to work", pool.Margin),
		}
	}
	e := &engine{
		Pool: pool, store: first.Backend, facts: first, kinds: map[string]*kind{}, wire: []string{},
		root: context.WithoutCancel(ctx), stint: pool.bounds(stint), calm: time.Now(),
		room: newSignal(), write: newSignal(), tell: newSignal(), clock: newSignal(), quiet: newSignal(),
	}
	e.until = e.lastClaim(ctx, stint)
	for _, k := range kinds {
		e.wire = append(e.wire, k.Kinds...)
		for _, name := range k.Kinds {
			e.kinds[name] = k
		}
		e.limit = max(e.limit, k.runLimit)
		if k.hasTopic() {
			e.can |= backends.Event
		}
		if k.writeBack {
			e.can |= backends.WriteBack
		}
	}
	e.watch = newWatch(e)
	e.pace.limit = e.Concurrency
	e.heed()
	e.slots.init(e)
	e.life, e.leave = context.WithCancel(e.root)
	e.hard, e.halt = context.WithCancel(e.life)
	return e, nil
}

// run works until ctx ends, then drains.
func (e *engine) run(ctx context.Context) error {
	e.health.start(e)
	defer e.health.stopped()
	defer e.watch.gauge(e)()
	defer e.endPause()
	var loops sync.WaitGroup
	loops.Go(e.settleLoop)
	loops.Go(e.beatLoop)
	loops.Go(e.clockLoop)
	for range announcers {
		loops.Go(func() { e.announceLoop(&loops) })
	}
	claims, cancel := e.claimContext(ctx, e.until)
	if e.stint.Idle > 0 {
		loops.Go(func() { e.idleLoop(claims, cancel) })
	}
	err := e.claimLoop(claims)
	cancel()
	stuck := e.drain()
	loops.Wait()
	e.slots.wait(len(stuck))
	if len(stuck) > 0 {
		return errors.Join(err, &StuckError{stuck})
	}
	return err
}

// later has something logged once the lock is free.
func (e *engine) later(tell func()) { e.tales = append(e.tales, tell) }

// unlock gives the lock back, and then tells the log what happened meanwhile: a slow
// log holds up whoever writes it, and nobody else.
func (e *engine) unlock() {
	tales := e.tales
	e.tales = nil
	e.mu.Unlock()
	for _, tell := range tales {
		tell()
	}
}

// adopt takes an attempt among the living.
func (e *engine) adopt(a *attempt) {
	a.index = len(e.live)
	e.live = append(e.live, a)
}

// abandon takes it out. Its place in the slice goes to the last.
func (e *engine) abandon(a *attempt, err error) {
	if a.gone {
		return
	}
	a.gone = true
	last := len(e.live) - 1
	e.live[a.index] = e.live[last]
	e.live[a.index].index = a.index
	e.live[last] = nil
	e.live = e.live[:last]
	a.answer(err)
	if last == 0 {
		e.calm = time.Now()
		e.quiet.send()
	}
}

// toSlot queues the attempt for a slot.
func (a *attempt) toSlot() {
	a.stage = ready
	a.e.todo.push(a)
	a.e.slots.wake()
}

// settle queues what is to be written.
func (a *attempt) settle(s backends.Settlement) {
	a.write = s
	a.write.Lease = a.Lease
	a.stage = settling
	a.e.settling++
	a.e.unwritten.push(a)
	a.e.write.send()
}

// toTopic queues the event of the attempt, or leaves it to others: this worker has
// no topic, or its topic is so far behind that what waits here must not grow.
func (a *attempt) toTopic() {
	e := a.e
	if !a.kind.hasTopic() || e.telling >= e.mostTelling() || e.closing() {
		a.others = true
		a.announced(errors.ErrUnsupported)
		return
	}
	a.stage = announcing
	e.telling++
	e.untold.push(a)
	e.tell.send()
}

// mostTelling bounds the events that wait in this process.
func (e *engine) mostTelling() int { return max(1000, 4*e.Concurrency) }

// closing reports whether what is owed is better left to the next worker.
func (e *engine) closing() bool { return e.hard.Err() != nil }

// kindFor finds who knows a job, as stored.
func (e *engine) kindFor(stored string) *kind {
	if k := e.kinds[stored]; k != nil {
		return k
	}
	return e.unknown(stored)
}

// owes is what a success owes beside the policy.
func (k *kind) owes() backends.Debt {
	if k.writeBack {
		return backends.WriteBack
	}
	return 0
}

// hasTopic reports whether events can leave from here.
func (k *kind) hasTopic() bool { return k.announcer != nil && k.announcer != queue.Elsewhere }

func (k *kind) policyOwes() backends.Debt { return k.Policy.Owes }

func (a *attempt) maxAttempts() int {
	if n := int(a.Lease.Job.MaxAttempts); n > 0 {
		return n
	}
	return a.kind.Filled.MaxAttempts
}

// signal is a wake that is remembered: one, however often it was sent.
type signal chan struct{}

func newSignal() signal { return make(signal, 1) }

func (s signal) send() {
	select {
	case s <- struct{}{}:
	default:
	}
}

// fifo is a queue of attempts.
type fifo struct {
	items []*attempt
	head  int
}

func (f *fifo) len() int { return len(f.items) - f.head }

// push adds one. A queue that is never empty moves to the front of its slice before
// that would grow.
func (f *fifo) push(a *attempt) {
	if f.head > len(f.items)/2 && len(f.items) == cap(f.items) {
		n := copy(f.items, f.items[f.head:])
		clear(f.items[n:])
		f.items, f.head = f.items[:n], 0
	}
	f.items = append(f.items, a)
}

func (f *fifo) pop() *attempt {
	a := f.items[f.head]
	f.items[f.head] = nil
	if f.head++; f.head == len(f.items) {
		f.items, f.head = f.items[:0], 0
	}
	return a
}

// take appends up to n to into.
func (f *fifo) take(into []*attempt, n int) []*attempt {
	for n = min(n, f.len()); n > 0; n-- {
		into = append(into, f.pop())
	}
	return into
}

// after is a wait that a context may end.
func after(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
