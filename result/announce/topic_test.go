package announce

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"gocloud.dev/gcerrors"
	"gocloud.dev/pubsub"
	"gocloud.dev/pubsub/batcher"
	"gocloud.dev/pubsub/driver"
	"gocloud.dev/pubsub/mempubsub"

	"github.com/leat-go/leat/queue"
)

// wire is a topic that takes a while, and fails to order.
type wire struct {
	takes time.Duration
	fails func(*driver.Message) error // nil = none do
	hangs chan struct{}               // if not nil, SendBatch waits for it, whatever its context

	mu      sync.Mutex
	sending int
	most    int   // that were sending at one time
	batches []int // their sizes
	bodies  []string
}

func (w *wire) SendBatch(ctx context.Context, ms []*driver.Message) error {
	w.mu.Lock()
	w.sending++
	w.most = max(w.most, w.sending)
	w.batches = append(w.batches, len(ms))
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.sending--
	}()
	if w.hangs != nil {
		<-w.hangs
	}
	time.Sleep(w.takes)
	for _, m := range ms {
		if w.fails != nil && w.fails(m) != nil {
			return w.fails(m)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range ms {
		w.bodies = append(w.bodies, string(m.Body))
	}
	return ctx.Err()
}

func (w *wire) IsRetryable(error) bool             { return false }
func (w *wire) As(any) bool                        { return false }
func (w *wire) ErrorAs(error, any) bool            { return false }
func (w *wire) ErrorCode(error) gcerrors.ErrorCode { return gcerrors.Unknown }
func (w *wire) Close() error                       { return nil }

func (w *wire) open(t *testing.T, o batcher.Options) *pubsub.Topic {
	topic := pubsub.NewTopic(w, &o)
	t.Cleanup(func() { _ = topic.Shutdown(context.Background()) })
	return topic
}

func events(n int) []queue.Event {
	es := make([]queue.Event, n)
	for i := range es {
		es[i] = queue.Event{ID: fmt.Sprintf("event-%d", i), Queue: "whatif", Ref: queue.Ref{ID: fmt.Sprintf("job-%d", i)}, State: queue.Succeeded}
	}
	return es
}

// TestRule_R6_EventsReachTheirSubscribers, as they were.
func TestRule_R6_EventsReachTheirSubscribers(t *testing.T) {
	pipe := mempubsub.NewTopic()
	sub := mempubsub.NewSubscription(pipe, time.Minute)
	defer shut(t, pipe, sub)

	want := events(25)
	if errs := To(pipe).Announce(t.Context(), want); errs != nil {
		t.Fatal(errs)
	}
	var got []queue.Event
	for range want {
		m, err := sub.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		m.Ack()
		e, err := Parse(m.Body)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
	}
	byID := func(a, b queue.Event) int { return strings.Compare(a.ID, b.ID) }
	slices.SortFunc(want, byID)
	slices.SortFunc(got, byID)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func shut(t *testing.T, topic *pubsub.Topic, sub *pubsub.Subscription) {
	if err := errors.Join(sub.Shutdown(context.Background()), topic.Shutdown(context.Background())); err != nil {
		t.Error(err)
	}
}

func TestNoEventsAreNoErrors(t *testing.T) {
	w := &wire{}
	if errs := To(w.open(t, batcher.Options{})).Announce(t.Context(), nil); errs != nil {
		t.Error(errs)
	}
}

// TestEventsLeaveTogether: one request for each would be a hundred times dearer.
func TestEventsLeaveTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{takes: 10 * time.Millisecond}
		if errs := To(w.open(t, batcher.Options{})).Announce(t.Context(), events(100)); errs != nil {
			t.Fatal(errs)
		}
		if len(w.batches) > 2 { // the first, and all that came while it was under way
			t.Errorf("100 events in batches of %v", w.batches)
		}
	})
}

func TestSendsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{takes: 10 * time.Millisecond}
		o := batcher.Options{MaxBatchSize: 1, MaxHandlers: 10_000}
		if errs := To(w.open(t, o)).Announce(t.Context(), events(1000)); errs != nil {
			t.Fatal(errs)
		}
		if w.most != maxSends || len(w.bodies) != 1000 {
			t.Errorf("%d at a time, %d sent", w.most, len(w.bodies))
		}
	})
}

// TestAnEventThatFailsLeavesTheOthersWell: the worker tries that one again.
func TestAnEventThatFailsLeavesTheOthersWell(t *testing.T) {
	refused := errors.New("refused")
	w := &wire{fails: func(m *driver.Message) error {
		if e, err := Parse(m.Body); err != nil || e.ID == "event-3" || e.ID == "event-7" {
			return refused
		}
		return nil
	}}
	errs := To(w.open(t, batcher.Options{MaxBatchSize: 1})).Announce(t.Context(), events(10))
	for i, err := range errs {
		if fails := i == 3 || i == 7; fails != errors.Is(err, refused) || fails != (err != nil) {
			t.Errorf("event %d: %v", i, err)
		}
	}
	if len(errs) != 10 || len(w.bodies) != 8 {
		t.Errorf("%d errors, %d sent", len(errs), len(w.bodies))
	}
}

func TestAClosedTopicTakesNothing(t *testing.T) {
	topic := mempubsub.NewTopic()
	if err := topic.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	errs := To(topic).Announce(t.Context(), events(3))
	if len(errs) != 3 || slices.Contains(errs, nil) {
		t.Errorf("%v", errs)
	}
}

// TestAHangingTopicHoldsNobodyLonger than the context: a worker drains in time,
// and no goroutine of ours stays behind.
func TestAHangingTopicHoldsNobodyLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{hangs: make(chan struct{})}
		topic := w.open(t, batcher.Options{MaxBatchSize: 10, MaxHandlers: 4})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		errs := To(topic).Announce(ctx, events(150))
		if took := time.Since(start); took != time.Second {
			t.Errorf("took %v", took)
		}
		if len(errs) != 150 {
			t.Fatalf("%d errors", len(errs))
		}
		for i, err := range errs {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("event %d: %v", i, err)
			}
		}
		close(w.hangs) // what is left are gocloud's own senders; they end with the driver's call
	})
}

func TestAnEndedContextSendsNothing(t *testing.T) {
	w := &wire{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	errs := To(w.open(t, batcher.Options{})).Announce(ctx, events(3))
	if len(errs) != 3 || !errors.Is(errs[0], context.Canceled) || len(w.batches) != 0 {
		t.Errorf("%v, sent %v", errs, w.batches)
	}
}

func TestToWithoutATopicPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	To(nil)
}
