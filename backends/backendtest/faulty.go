package backendtest

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/leat-go/leat/backends"
)

// ErrInjected is what a Fault of kind Fail returns unless it names another error.
var ErrInjected = errors.New("injected fault")

// Verb names what a Fault strikes.
type Verb uint8

// The verbs of a Backend, of its Cells, and of its Operator.
const (
	AnyVerb Verb = iota
	Enqueue
	Claim
	Extend
	Settle
	Lookup
	CellGet
	CellPut
	Stats
	List
	Cancel
	Redrive
	Purge
	Pause
)

func (v Verb) String() string {
	return [...]string{
		"AnyVerb", "Enqueue", "Claim", "Extend", "Settle", "Lookup", "CellGet", "CellPut",
		"Stats", "List", "Cancel", "Redrive", "Purge", "Pause",
	}[v]
}

// Moment is when a Fault strikes.
type Moment uint8

const (
	// Before the effect: the request is lost.
	Before Moment = iota
	// After the effect: the reply is lost. A lost claim leaves leases that
	// nobody knows of, until they lapse.
	After
)

// Kind is what a Fault does.
type Kind uint8

const (
	// Fail returns Fault.Err in place of the answer.
	Fail Kind = iota
	// Repeat makes the call twice and gives the second answer, as a client
	// library does that retries by itself. Moment doesn't matter.
	Repeat
	// Delay waits for Fault.Delay, or for the end of the context, whose error
	// it then returns.
	Delay
	// Stall makes Extend do nothing and say that all is well, so that leases
	// lapse under a holder who doesn't know. Other verbs and Moment don't
	// matter.
	Stall
)

// Rate picks the calls that a Fault strikes: it is told the number of each call
// of the verb since the Fault was injected, from 1. Calls to it are serialised.
type Rate func(call int) bool

// Times strikes the first n calls.
func Times(n int) Rate { return func(call int) bool { return call <= n } }

// Every strikes each n-th call.
func Every(n int) Rate { return func(call int) bool { return call%n == 0 } }

// Share strikes a random share of the calls, 0.1 being one in ten. Equal seeds
// strike equal calls. A Rate made by Share belongs to one Fault.
func Share(share float64, seed uint64) Rate {
	r := rand.New(rand.NewPCG(seed, 0))
	return func(int) bool { return r.Float64() < share }
}

// Fault is one way to go wrong. The zero Fault fails every call before its
// effect.
type Fault struct {
	Verb  Verb
	When  Moment
	Kind  Kind
	Rate  Rate          // nil = every call
	Err   error         // of a Fail; nil = ErrInjected
	Delay time.Duration // of a Delay
}

// Faulty is a Backend that fails where it is told to, around one that doesn't:
//
//	f := backendtest.NewFaulty(b, backendtest.Fault{
//		Verb: backendtest.Settle, When: backendtest.After, Rate: backendtest.Times(2),
//	})
//
// The Operator of the Backend inside, if it has one, fails the same way: find
// it with backends.As. Features and Close never fail. It is safe for concurrent
// use.
type Faulty struct {
	backends.Backend // the one inside

	mu       sync.Mutex
	faults   []*fault
	injected map[Verb]int
}

// fault is a Fault and what it has seen.
type fault struct {
	Fault
	calls map[Verb]int
}

// NewFaulty puts faults around b.
func NewFaulty(b backends.Backend, faults ...Fault) *Faulty {
	f := &Faulty{Backend: b, injected: map[Verb]int{}}
	f.Inject(faults...)
	return f
}

// Inject adds faults to those that are there. When several strike one call they
// do so in order, and the first failure is the answer.
func (f *Faulty) Inject(faults ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, x := range faults {
		f.faults = append(f.faults, &fault{Fault: x, calls: map[Verb]int{}})
	}
}

// Lift removes all faults. Calls that are in one see it through.
func (f *Faulty) Lift() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = nil
}

// Injected counts the faults that struck calls of v so far; AnyVerb: of all.
func (f *Faulty) Injected(v Verb) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if v != AnyVerb {
		return f.injected[v]
	}
	n := 0
	for _, m := range f.injected {
		n += m
	}
	return n
}

// hits are the faults that strike one call.
type hits []Fault

func (f *Faulty) hits(v Verb) hits {
	f.mu.Lock()
	defer f.mu.Unlock()
	var h hits
	for _, x := range f.faults {
		if x.Verb != AnyVerb && x.Verb != v || x.Kind == Stall && v != Extend {
			continue
		}
		x.calls[v]++
		if x.Rate == nil || x.Rate(x.calls[v]) {
			h = append(h, x.Fault)
		}
	}
	f.injected[v] += len(h)
	return h
}

// times is how often the call is made.
func (h hits) times() int {
	n := 1
	for _, x := range h {
		switch x.Kind {
		case Stall:
			return 0
		case Repeat:
			n++
		}
	}
	return n
}

// suffer is what goes wrong at one moment.
func (h hits) suffer(ctx context.Context, when Moment) error {
	for _, x := range h {
		if x.When != when {
			continue
		}
		switch x.Kind {
		case Fail:
			return cmp.Or(x.Err, ErrInjected)
		case Delay:
			select {
			case <-time.After(x.Delay):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return nil
}

// strike makes one call, with what goes wrong before, instead of and after it.
func strike[T any](ctx context.Context, f *Faulty, v Verb, call func() (T, error)) (T, error) {
	var out, none T
	h := f.hits(v)
	err := h.suffer(ctx, Before)
	if err != nil {
		return none, err
	}
	for range h.times() {
		out, err = call()
	}
	if lost := h.suffer(ctx, After); lost != nil {
		return none, lost
	}
	return out, err
}
