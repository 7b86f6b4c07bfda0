package webhook

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/queue"
)

func deliveries(b backends.Backend) *queue.Queue[Delivery, queue.None] {
	return Recommend(queue.New[Delivery, queue.None](b, "webhooks"))
}

// waiting are the deliveries of a queue, as tenant/target id.
func waiting(t *testing.T, q *queue.Queue[Delivery, queue.None]) (all []string) {
	t.Helper()
	for r, err := range q.Jobs(t.Context(), queue.Filter{AnyTenant: true}) {
		if err != nil {
			t.Fatal(err)
		}
		d, err := q.Args(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r.Job.Tenant+"/"+d.Target+" "+d.ID)
	}
	slices.Sort(all)
	return all
}

func store(t *testing.T) backends.Backend {
	b := memory.New(memory.Options{})
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func to(names ...string) func(context.Context, *queue.Event) ([]string, error) {
	return func(context.Context, *queue.Event) ([]string, error) { return names, nil }
}

// TestRule_R6_AnEventAnnouncedTwiceIsOneDelivery per target, of the event's tenant;
// also where another worker tells a little else of it, or a target joins.
func TestRule_R6_AnEventAnnouncedTwiceIsOneDelivery(t *testing.T) {
	a := &Announcer{Queue: deliveries(store(t)), Targets: to("billing", "audit", "audit")}
	events := []queue.Event{ended("x.1"), ended("y.1"), ended("x.1")}
	events[1].Ref.Tenant = "eta"
	for range 2 {
		if errs := a.Announce(t.Context(), events); errs != nil {
			t.Fatal(errs)
		}
		events[0].Ended = events[0].Ended.Add(time.Nanosecond)
	}
	want := []string{"eta/audit y_1", "eta/billing y_1", "zeta/audit x_1", "zeta/billing x_1"}
	if got := waiting(t, a.Queue); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	a.Targets = to("billing", "new")
	if errs := a.Announce(t.Context(), events[:1]); errs != nil {
		t.Fatal(errs)
	}
	if got := waiting(t, a.Queue); len(got) != 5 || !slices.Contains(got, "zeta/new x_1") {
		t.Errorf("%q", got)
	}
}

// TestTwoTargetsAreTwo, whatever characters are in their names.
func TestTwoTargetsAreTwo(t *testing.T) {
	a := &Announcer{Queue: deliveries(store(t)), Targets: func(_ context.Context, e *queue.Event) ([]string, error) {
		return []string{"b", " b", "1 b", "_1 b", e.ID}, nil
	}}
	if errs := a.Announce(t.Context(), []queue.Event{ended("a"), ended("a.1")}); errs != nil {
		t.Fatal(errs)
	}
	if got := waiting(t, a.Queue); len(got) != 10 {
		t.Errorf("%q", got)
	}
}

func TestNoTargetIsAnnounced(t *testing.T) {
	a := &Announcer{Queue: deliveries(store(t)), Targets: to()}
	if errs := a.Announce(t.Context(), []queue.Event{ended("x")}); errs != nil {
		t.Error(errs)
	}
	if errs := a.Announce(t.Context(), nil); errs != nil {
		t.Error(errs)
	}
	if got := waiting(t, a.Queue); len(got) != 0 {
		t.Errorf("%q", got)
	}
}

// TestRule_R6_AHookThatFailsLeavesItsEventOwed, and the others well.
func TestRule_R6_AHookThatFailsLeavesItsEventOwed(t *testing.T) {
	away := errors.New("database is away")
	a := &Announcer{Queue: deliveries(store(t)), Targets: func(_ context.Context, e *queue.Event) ([]string, error) {
		switch e.ID {
		case "error":
			return []string{"billing"}, away
		case "panic":
			panic("canary")
		case "goexit":
			runtime.Goexit()
		case "no name":
			return []string{"billing", ""}, nil
		case "long name":
			return []string{strings.Repeat("x", 257)}, nil
		case "no UTF-8":
			return []string{"billing", "\xff"}, nil
		}
		return []string{"billing"}, nil
	}}
	events := []queue.Event{ended("1"), ended("error"), ended("2"), ended("panic"), ended("3"), ended("goexit"), ended("4"), ended("no name"), ended("5"), ended("long name"), ended("6"), ended("no UTF-8"), ended("7")}
	errs := a.Announce(t.Context(), events)
	if len(errs) != len(events) {
		t.Fatalf("%d errors", len(errs))
	}
	for i, err := range errs {
		if (i%2 == 1) != (err != nil) {
			t.Errorf("%s: %v", events[i].ID, err)
		}
	}
	var hook *HookError
	if !errors.Is(errs[1], away) || !errors.As(errs[3], &hook) || strings.Contains(errs[3].Error(), "canary") || !errors.Is(errs[7], queue.ErrInvalid) || !errors.Is(errs[9], queue.ErrInvalid) || !errors.Is(errs[11], queue.ErrInvalid) {
		t.Error(errs)
	}
	if got := waiting(t, a.Queue); len(got) != 7 {
		t.Errorf("%q", got)
	}
}

// TestEveryGoroutineThatAHookEndsLeavesTheRestOwed, never announced.
func TestEveryGoroutineThatAHookEndsLeavesTheRestOwed(t *testing.T) {
	a := &Announcer{Queue: deliveries(store(t)), Targets: func(context.Context, *queue.Event) ([]string, error) {
		runtime.Goexit()
		return nil, nil
	}}
	var events []queue.Event
	for i := range 100 {
		events = append(events, ended(fmt.Sprint(i)))
	}
	if errs := a.Announce(t.Context(), events); len(errs) != 100 || slices.Contains(errs, nil) {
		t.Error(errs)
	}
}

// TestRule_R6_ADeliveryThatIsRefusedLeavesItsEventOwed: the queue may be full.
func TestRule_R6_ADeliveryThatIsRefusedLeavesItsEventOwed(t *testing.T) {
	q := deliveries(store(t))
	q.Backlog = 3
	a := &Announcer{Queue: q, Targets: to("billing", "audit")}
	errs := a.Announce(t.Context(), []queue.Event{ended("x"), ended("y")})
	if len(errs) != 2 || errs[0] != nil || !errors.Is(errs[1], queue.ErrBacklogFull) {
		t.Error(errs)
	}
}

func TestAnEndedContextAnnouncesNothing(t *testing.T) {
	a := &Announcer{Queue: deliveries(store(t)), Targets: to("billing")}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if errs := a.Announce(ctx, []queue.Event{ended("x"), ended("y")}); len(errs) != 2 || !errors.Is(errs[0], context.Canceled) {
		t.Error(errs)
	}
}

func TestAnAnnouncerThatIsHalfMadeSaysSo(t *testing.T) {
	q := deliveries(store(t))
	itself := &Announcer{Queue: q, Targets: to("billing")}
	loop := deliveries(store(t))
	loop.Announce = itself
	itself.Queue = loop
	for name, a := range map[string]*Announcer{"no queue": {Targets: to()}, "no targets": {Queue: q}, "of itself": itself} {
		if errs := a.Announce(t.Context(), []queue.Event{ended("x"), ended("y")}); len(errs) != 2 || !errors.Is(errs[0], queue.ErrInvalid) || !errors.Is(errs[1], queue.ErrInvalid) {
			t.Errorf("%s: %v", name, errs)
		}
	}
}

// TestAQueueWithoutKeysIsRefused: an event announced twice would be two deliveries.
func TestAQueueWithoutKeysIsRefused(t *testing.T) {
	a := &Announcer{Queue: deliveries(keyless{backendtest.NewFaulty(store(t))}), Targets: to("billing")}
	if errs := a.Announce(t.Context(), []queue.Event{ended("x")}); len(errs) != 1 || !errors.Is(errs[0], errors.ErrUnsupported) {
		t.Error(errs)
	}
}

type keyless struct{ backends.Backend }

func (k keyless) Features() backends.Features {
	f := k.Backend.Features()
	f.Records = false
	return f
}
