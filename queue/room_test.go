package queue_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
)

// full is a queue that takes one waiting job and has it.
func full(t *testing.T, b backends.Backend) *whatIf {
	t.Helper()
	q := newWhatIf(b)
	q.Backlog = 1
	enqueue(t, q, ask, queue.Key("first"))
	return q
}

func TestRule_R12_AFullBacklogIsSaidAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s := &spy{Backend: store()}
		q := full(t, s)
		_, err := q.Enqueue(t.Context(), ask)
		matches(t, "without WaitForRoom", err, queue.ErrBacklogFull)
		_, err = q.On(itself).Enqueue(t.Context(), ask, queue.WaitForRoom())
		matches(t, "inside a transaction", err, queue.ErrBacklogFull)
		if took := time.Since(start); took != 0 || s.count() != 3 {
			t.Errorf("took %v and %d calls", took, s.count())
		}
	})
}

func TestRule_R12_WaitForRoomWaits(t *testing.T) {
	for name, limit := range map[string]func(*whatIf){
		"of the queue":  func(q *whatIf) { q.Backlog = 1 },
		"of the tenant": func(q *whatIf) { q.Tenant.Backlog = 1 },
		"of an exception": func(q *whatIf) {
			q.Tenants = map[string]queue.Tenancy{"zeta": {Backlog: 1}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := newWhatIf(store())
				limit(q)
				enqueue(t, q, ask, queue.Tenant("zeta"))
				time.AfterFunc(time.Hour, func() { lease(t, q) })
				start := time.Now()
				enqueue(t, q, ask, queue.Tenant("zeta"), queue.WaitForRoom())
				if took := time.Since(start); took < time.Hour || took > time.Hour+time.Second {
					t.Errorf("took %v", took)
				}
				queued(t, q, 1)
			})
		})
	}
}

// Waiting ends with the context, and then says both: what it waited for, and that
// it may not wait longer.
func TestRule_R12_WaitForRoomEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := full(t, store())
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		ticket, err := q.Enqueue(ctx, ask, queue.WaitForRoom())
		matches(t, "WaitForRoom", err, queue.ErrBacklogFull, context.DeadlineExceeded)
		if took := time.Since(start); took != time.Minute || ticket.ID == "" {
			t.Errorf("took %v, ticket %+v", took, ticket)
		}
		queued(t, q, 1)
	})
}

// It looks soon at first and then once a second: room is seldom far, and a full
// store has other things to do.
func TestRule_R12_WaitForRoomLooksSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &spy{Backend: store()}
		q := full(t, s)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		before := s.count()
		matches(t, "WaitForRoom", second(q.Enqueue(ctx, ask, queue.WaitForRoom())), queue.ErrBacklogFull)
		if looks := s.count() - before; looks < 60 || looks > 130 {
			t.Errorf("%d looks in a minute", looks)
		}
	})
}

// Waiting is not failing: what goes wrong meanwhile is forgotten when the store
// answers again, and counts when it doesn't.
func TestRule_R12_WaitForRoomBearsFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := store()
		q := full(t, b)
		faulty := backendtest.NewFaulty(b, backendtest.Fault{Verb: backendtest.Enqueue, Rate: backendtest.Every(2)})
		waiting := newWhatIf(faulty)
		waiting.Backlog = 1
		time.AfterFunc(time.Hour, func() { lease(t, q) })
		enqueue(t, waiting, ask, queue.WaitForRoom())

		faulty.Lift()
		faulty.Inject(backendtest.Fault{Verb: backendtest.Enqueue})
		_, err := waiting.Enqueue(t.Context(), ask, queue.WaitForRoom())
		matches(t, "a store that is gone", err, backendtest.ErrInjected)
	})
}

func TestRule_R12_AnExistingKeyIsNeverRefused(t *testing.T) {
	q := full(t, store())
	if again := enqueue(t, q, ask, queue.Key("first")); !again.Duplicate {
		t.Errorf("%+v", again)
	}
}

// Beside a job that waits for room, one that the store can't create is given up in
// the end; the other waits on.
func TestRule_R12_WaitingDoesNotKeepAFailureAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := store()
		q := full(t, b)
		asked := 0
		broken := newWhatIf(&answers{Backend: b, change: func(_ int, out []backends.Enqueued) ([]backends.Enqueued, error) {
			for i := range out {
				if out[i].Ref.Tenant == "broken" {
					out[i].Err = backendtest.ErrInjected
					asked++
				}
			}
			return out, nil
		}})
		broken.Backlog = 1
		time.AfterFunc(time.Hour, func() { lease(t, q) })
		out, err := broken.EnqueueAll(t.Context(), []queue.Item[settings]{
			queue.With(ask, queue.WaitForRoom()),
			queue.With(ask, queue.Tenant("broken")),
		})
		matches(t, "the one that waits", out[0].Err)
		matches(t, "the broken one", out[1].Err, backendtest.ErrInjected)
		matches(t, "both", err, backendtest.ErrInjected)
		if asked != 4 {
			t.Errorf("asked %d times for the broken one", asked)
		}
	})
}
