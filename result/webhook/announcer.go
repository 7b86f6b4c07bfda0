package webhook

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/queue"
)

// Delivery is the job of bringing one event to one target. It has neither the
// target's URL nor its secrets: those are looked up when it runs.
type Delivery struct {
	ID      string  `json:"id"`     // the webhook-id, the same at every attempt
	Target  string  `json:"target"` // by its name among those of the tenant
	Message Message `json:"message"`
}

// Announcer is a [queue.Announcer] that makes one delivery job of each event and
// target. Both fields are required. It is safe for concurrent use.
type Announcer struct {
	// Queue takes the deliveries. Its backend must have keys, by which an event that
	// is announced twice is one delivery; see [Recommend] for its facts.
	Queue *queue.Queue[Delivery, queue.None]

	// Targets names who is told of an event, by names that Sender.Lookup knows: those
	// that e.Ref.Tenant has registered for e.State, say, or one that a header of the
	// job speaks of (e.Headers; don't trust it to be another tenant's). None is nobody.
	// A name has 1 to 256 bytes of UTF-8. An error, or a panic, leaves the event owed:
	// it is announced again. Called by up to sixteen goroutines per call of Announce.
	Targets func(ctx context.Context, e *queue.Event) ([]string, error)
}

var _ queue.Announcer = (*Announcer)(nil)

// Announce implements [queue.Announcer]. An event is announced when all its
// deliveries are as durable as their queue; after an error those that exist stay,
// and are found by their keys the next time.
func (a *Announcer) Announce(ctx context.Context, events []queue.Event) []error {
	if err := a.check(); err != nil {
		return slices.Repeat([]error{err}, len(events))
	}
	targets, errs := a.targets(ctx, events)
	var (
		items []queue.Item[Delivery]
		of    []int // the event of each
	)
	for i := range events {
		for _, target := range targets[i] {
			items, of = append(items, delivery(&events[i], target)), append(of, i)
		}
	}
	outcomes, _ := a.Queue.EnqueueAll(ctx, items)
	for k, o := range outcomes {
		if o.Err != nil && !errors.Is(o.Err, queue.ErrKeyReused) {
			errs[of[k]] = o.Err
		}
	}
	if errors.Join(errs...) == nil {
		return nil
	}
	return errs
}

func (a *Announcer) check() error {
	switch {
	case a.Queue == nil:
		return &queue.InvalidError{Field: "Announcer.Queue", Reason: "is missing"}
	case a.Targets == nil:
		return &queue.InvalidError{Field: "Announcer.Targets", Reason: "is missing"}
	case a.Queue.Announce == queue.Announcer(a):
		return &queue.InvalidError{Field: "Announcer.Queue", Reason: "announces by the same Announcer: each delivery would make another"}
	}
	return nil
}

// delivery is the job for one target. Its key names event and target, whatever
// else is said of the event: another worker may date its end otherwise, and
// ErrKeyReused is the first one's delivery.
func delivery(e *queue.Event, target string) queue.Item[Delivery] {
	id := messageID(e.ID)
	return queue.With(
		Delivery{ID: id, Target: target, Message: newMessage(e)},
		queue.Tenant(e.Ref.Tenant), queue.Key(id+" "+target), // an id has no space
	)
}

// maxAsking is how many events one call asks Targets about at a time.
const maxAsking = 16

// targets asks for the targets of each event.
func (a *Announcer) targets(ctx context.Context, events []queue.Event) ([][]string, []error) {
	targets, errs := make([][]string, len(events)), make([]error, len(events))
	for i := range errs {
		errs[i] = errHookLeft // stands if it does
	}
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(len(events), maxAsking) {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(events)); i = next.Add(1) - 1 {
				targets[i], errs[i] = guard("Targets", func() ([]string, error) { return a.ask(ctx, &events[i]) })
			}
		})
	}
	all.Wait()
	return targets, errs
}

func (a *Announcer) ask(ctx context.Context, e *queue.Event) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	names, err := a.Targets(ctx, e)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if name == "" || len(name) > backends.MaxName || !utf8.ValidString(name) { // JSON would change others
			return nil, &queue.InvalidError{Field: "Announcer.Targets", Reason: "gave a name that doesn't have 1 to " + strconv.Itoa(backends.MaxName) + " bytes of UTF-8"}
		}
	}
	return names, nil
}
