package inbox

import (
	"context"
	"sync"

	"github.com/leat-go/leat/backends/broker"
)

// Message is one that was brought.
type Message struct {
	// Delivery is that of the Queue, or made by who brings it. Its ID names the
	// message within the batch: of two with the same one the second is the first.
	*broker.Delivery
	Group string // in an ordered batch
}

// Batch is the messages of one run. It is safe for concurrent use.
type Batch struct {
	ordered, remove bool
	settled         func()

	mu      sync.Mutex
	items   []*item
	broken  map[string]bool // groups of which one came back
	busy    map[string]bool // groups of which one is out
	changed chan struct{}   // closed when there may be more to hand out
	asked   bool
	closed  bool
	trouble error
}

// Options say what a batch is like.
type Options struct {
	Ordered bool   // keep the order inside a group
	Remove  bool   // an Ack deletes from the Queue; else who brought the batch does
	Settled func() // called once, when all messages are acked or came back; nil = nobody
}

// NewBatch makes a batch.
func NewBatch(messages []Message, o Options) *Batch {
	b := &Batch{
		ordered: o.Ordered, remove: o.Remove, settled: o.Settled,
		broken: map[string]bool{}, busy: map[string]bool{}, changed: make(chan struct{}),
	}
	seen := map[string]bool{}
	for _, m := range messages {
		if !seen[m.ID] {
			seen[m.ID] = true
			b.items = append(b.items, &item{batch: b, m: m})
		}
	}
	return b
}

// Fate is what has become of a message.
type Fate uint8

// The fates of messages.
const (
	Untouched Fate = iota // never handed out
	Out                   // handed out, and nobody has said anything
	Back                  // given back, or its deletion failed: it comes again
	Done                  // acked: nobody needs it any more
)

// item is one message in its batch, whose lock guards it.
type item struct {
	batch *Batch
	m     Message
	fate  Fate
	nack  broker.Nack // how it came back
}

type key struct{}

// Into puts the batch into the context of a run.
func (b *Batch) Into(ctx context.Context) context.Context { return context.WithValue(ctx, key{}, b) }

func of(ctx context.Context) *Batch {
	b, _ := ctx.Value(key{}).(*Batch)
	return b
}

// take hands out up to n, or tells when to look again.
func (b *Batch) take(n int) ([]*broker.Delivery, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = true
	var ds []*broker.Delivery
	for _, it := range b.items {
		if len(ds) == n || b.closed {
			break
		}
		if it.fate != Untouched || b.waits(it) {
			continue
		}
		it.fate = Out
		b.busy[it.m.Group] = true
		d := *it.m.Delivery
		d.Handle = it
		ds = append(ds, &d)
	}
	return ds, b.changed
}

// waits says that another of its group stands before it.
func (b *Batch) waits(it *item) bool {
	return b.stays(it) || b.ordered && b.busy[it.m.Group]
}

// settle notes what became of a message, if it is still out.
func (it *item) settle(f Fate, n broker.Nack) {
	b := it.batch
	b.mu.Lock()
	if it.fate != Out || b.closed {
		b.mu.Unlock()
		return
	}
	it.fate, it.nack = f, n
	b.busy[it.m.Group] = false
	if f == Back {
		b.broken[it.m.Group] = true
	}
	close(b.changed)
	b.changed = make(chan struct{})
	over := b.over()
	b.mu.Unlock()
	if over && b.settled != nil {
		b.settled()
	}
}

// over says that nothing is out, and nothing will be.
func (b *Batch) over() bool {
	for _, it := range b.items {
		if it.fate == Out || it.fate == Untouched && !b.stays(it) {
			return false
		}
	}
	return true
}

// stays says that one of its group, that stands before it, came back.
func (b *Batch) stays(it *item) bool { return b.ordered && b.broken[it.m.Group] }

// Empty reports whether there is nothing to hand out now. What is out may be with a
// worker, or was lost to another one: then nobody will settle it.
func (b *Batch) Empty() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, it := range b.items {
		if it.fate == Untouched && !b.waits(it) {
			return false
		}
	}
	return true
}

// open reports whether the message may still be settled.
func (it *item) open() bool {
	it.batch.mu.Lock()
	defer it.batch.mu.Unlock()
	return !it.batch.closed
}

// note keeps the first thing that went wrong with the Queue.
func (b *Batch) note(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.trouble == nil {
		b.trouble = err
	}
}

// Settled is one message and what became of it.
type Settled struct {
	Message
	Fate Fate
	Nack broker.Nack // of one that came back; its delay is what was asked for
}

// Result is what became of a batch.
type Result struct {
	Messages []Settled // in the order in which they were brought
	Asked    bool      // somebody received from the batch
	Trouble  error     // the first thing that went wrong between us and the Queue
}

// Close ends the batch: nothing is handed out or settled from now on.
func (b *Batch) Close() Result {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	r := Result{Asked: b.asked, Trouble: b.trouble}
	for _, it := range b.items {
		r.Messages = append(r.Messages, Settled{it.m, it.fate, it.nack})
	}
	return r
}
