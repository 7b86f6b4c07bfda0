package queue_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
)

func TestOnActsInsideTheView(t *testing.T) {
	b, tx := store(), &spy{Backend: store()}
	q := newWhatIf(b)
	on := q.On(within(func(root backends.Backend) (backends.Backend, error) {
		if root != b {
			t.Errorf("the View gets %v", root)
		}
		return tx, nil
	}))
	enqueue(t, on, ask)
	queued(t, on, 1)
	queued(t, q, 0)
	if got := inside(t, on).Backend; got != tx {
		t.Errorf("the other rooms see %v", got)
	}
	enqueue(t, queue.View[email, queue.None](on, "email"), email{})
	queued(t, on, 2)
	enqueue(t, on.On(itself), ask) // a View of the backend, not of the View
	queued(t, q, 1)
}

// A View that can't be had says so in the next call, whichever it is.
func TestABindErrorComesOutOfTheNextCall(t *testing.T) {
	foreign := errors.New("a transaction of another database")
	for name, view := range map[string]backends.View{
		"error": within(func(backends.Backend) (backends.Backend, error) { return nil, foreign }),
		"error beside a backend": within(func(b backends.Backend) (backends.Backend, error) {
			return b, foreign
		}),
	} {
		s := &spy{Backend: store()}
		q := newWhatIf(s)
		on := q.On(view)
		for verb, err := range everyCall(t, on) {
			matches(t, name+", "+verb, err, foreign)
			if want := "queue: " + verb + ": a transaction"; !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%v, want %s…", err, want)
			}
		}
		matches(t, "a View of it", second(queue.View[email, plan](on, "email").Enqueue(t.Context(), email{})), foreign)
		if s.count() != 0 {
			t.Errorf("%d calls", s.count())
		}
		enqueue(t, q, ask)
	}
	for name, view := range map[string]backends.View{
		"nil":     nil,
		"nothing": within(func(backends.Backend) (backends.Backend, error) { return nil, nil }),
	} {
		_, err := newWhatIf(store()).On(view).Enqueue(t.Context(), ask)
		invalid(t, name, err, "View")
	}
	_, err := new(whatIf).On(itself).Enqueue(t.Context(), ask)
	invalid(t, "of no queue", err, "Queue")
}

// What failed inside a transaction has spoilt it: to ask again is the caller's.
func TestInsideAViewNothingIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		faulty := backendtest.NewFaulty(store(), backendtest.Fault{Verb: backendtest.Enqueue})
		ticket, err := newWhatIf(faulty).On(itself).Enqueue(t.Context(), ask)
		matches(t, "Enqueue", err, backendtest.ErrInjected)
		if n := faulty.Injected(backendtest.Enqueue); n != 1 || ticket.ID == "" {
			t.Errorf("%d calls, ticket %+v", n, ticket)
		}
	})
}

// cellsOf is a View with other cells than those of its backend.
type cellsOf struct {
	backends.Backend
	cells backends.Cells
}

func (c cellsOf) Cells() backends.Cells { return c.cells }

// The instance key is read through the View, which may hold the only connection,
// and never made there: a rollback would take it away from ids that are out.
func TestRule_R2_AViewReadsTheInstanceKeyAndNeverMakesIt(t *testing.T) {
	b := store()
	tx := backendtest.NewFaulty(b, backendtest.Fault{Verb: backendtest.CellPut})
	inTx := within(func(root backends.Backend) (backends.Backend, error) { return cellsOf{root, tx.Cells()}, nil })

	first := enqueue(t, newWhatIf(b).On(inTx), ask, queue.Key("k"))
	if n := tx.Injected(backendtest.CellPut); n != 0 {
		t.Errorf("%d writes in the transaction", n)
	}

	busy := backendtest.NewFaulty(b, backendtest.Fault{Verb: backendtest.CellGet})
	q := newWhatIf(busy)
	if again := enqueue(t, q.On(inTx), ask, queue.Key("k")); again.Ref != first.Ref || !again.Duplicate {
		t.Errorf("%+v, then %+v", first, again)
	}
	if n := busy.Injected(backendtest.CellGet); n != 0 {
		t.Errorf("%d reads beside the transaction", n)
	}
	if again := enqueue(t, q, ask, queue.Key("k")); !again.Duplicate { // its copies know the key by now
		t.Errorf("%+v", again)
	}

	without := within(func(root backends.Backend) (backends.Backend, error) { return noCells{bare{root}}, nil })
	if again := enqueue(t, newWhatIf(b).On(without), ask, queue.Key("k")); !again.Duplicate {
		t.Errorf("a View without cells: %+v", again)
	}
}

// The fields are read once, at the first use of any copy.
func TestFieldsAreFrozenAtFirstUse(t *testing.T) {
	s := &spy{Backend: store()}
	q := newWhatIf(s)
	q.Tenants = map[string]queue.Tenancy{"zeta": {Weight: 2}}
	on := q.On(itself)
	q.Backlog = 7 // before the first use, though after On
	enqueue(t, q, ask)
	q.Backlog, q.Schema, q.Retention = 1, -1, -1
	q.Tenants["zeta"] = queue.Tenancy{Weight: 99}
	on.Backlog = 2
	enqueue(t, q, ask)
	enqueue(t, on, ask)
	for _, call := range s.calls {
		if call.Policy != s.calls[0].Policy || call.Policy.Backlog != 7 || call.Policy.Tenants["zeta"].Weight != 2 {
			t.Errorf("policy %+v", call.Policy)
		}
	}
}

// What the backend can do doesn't depend on which copy came first.
func TestTheFirstUseMayBeInsideAView(t *testing.T) {
	b := store()
	q := newWhatIf(b)
	less := within(func(root backends.Backend) (backends.Backend, error) {
		return featured{root, func(f *backends.Features) { f.Records, f.MaxPayload = false, 1 }}, nil
	})
	enqueue(t, q.On(less), ask, queue.Key("k"))
	if again := enqueue(t, q, ask, queue.Key("k")); !again.Duplicate {
		t.Errorf("%+v", again)
	}
}

// Any number of goroutines and copies may be the first.
func TestConcurrentFirstUse(t *testing.T) {
	q := newWhatIf(store())
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			mine := q
			if i%2 == 0 {
				mine = q.On(itself)
			}
			ctx := context.Background()
			_, err := mine.Enqueue(ctx, ask, queue.Key("k"))
			_, many := mine.EnqueueAll(ctx, items(3))
			_, stats := mine.Stats(ctx)
			if err := errors.Join(err, many, stats, mine.Pause(ctx), mine.Resume(ctx)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	queued(t, q, 1+32*3)
}
