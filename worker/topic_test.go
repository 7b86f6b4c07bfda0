package worker_test

import (
	"context"
	"sync"
	"time"

	"github.com/leat-go/leat/queue"
)

// topic is an Announcer that remembers, and does what a test says.
type topic struct {
	mu     sync.Mutex
	events []queue.Event // that were delivered
	calls  []int         // events of each call
	err    error         // of every event
	delay  time.Duration // of every call, or until its context ends
	do     func(ctx context.Context, events []queue.Event) []error
}

func (t *topic) Announce(ctx context.Context, events []queue.Event) []error {
	t.mu.Lock()
	t.calls = append(t.calls, len(events))
	err, delay, do := t.err, t.delay, t.do
	t.mu.Unlock()
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if do != nil {
		return do(ctx, events)
	}
	errs := make([]error, len(events))
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, e := range events {
		if errs[i] = err; err == nil {
			t.events = append(t.events, e)
		}
	}
	return errs
}

// fail makes every event fail from now on; nil = none.
func (t *topic) fail(err error) {
	t.set(func() { t.err = err })
}

func (t *topic) delivered() []queue.Event {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.events[:len(t.events):len(t.events)]
}

func (t *topic) set(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f()
}
