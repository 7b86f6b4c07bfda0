package queue_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
)

// Complete commits what a handler would have returned, and what the job owes stays
// owed.
func TestRule_R6_CompleteCommitsAndLeavesTheDebt(t *testing.T) {
	for name, c := range map[string]struct {
		announce queue.Announcer
		worker   backends.Debt
		owes     backends.Debt
	}{
		"nothing":            {nil, 0, 0},
		"an event":           {queue.Elsewhere, 0, backends.Event},
		"a write-back":       {nil, backends.WriteBack, backends.WriteBack},
		"event + write-back": {queue.Elsewhere, backends.WriteBack, backends.Event | backends.WriteBack},
	} {
		q := newWhatIf(store())
		q.Announce = c.announce
		ticket := enqueue(t, q, ask)
		job, a := claim(t, q)
		a.Owes = c.worker
		matches(t, name, q.On(itself).Complete(t.Context(), job, plan{12, 40}))
		r := record(t, q, ticket.Ref)
		if r.State != queue.Succeeded || string(r.Result) != `{"ReorderPoint":12,"OrderQuantity":40}` || r.Owes != c.owes {
			t.Errorf("%s: %v, result %s, owes %v", name, r.State, r.Result, r.Owes)
		}
		matches(t, "once more", q.On(itself).Complete(t.Context(), job, plan{12, 40}))
	}
}

// Somebody else has the job by now, or nobody wants it any more: the handler rolls
// back.
func TestRule_R5_CompleteIsFenced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newWhatIf(store())
		complete := func(job *queue.Job[settings]) error {
			return q.On(itself).Complete(t.Context(), job, plan{})
		}

		stolen := enqueue(t, q, ask)
		job, _ := claim(t, q)
		time.Sleep(31 * time.Second)
		thief, _ := claim(t, q)
		matches(t, "stolen", complete(job), queue.ErrLost)
		if r := record(t, q, stolen.Ref); r.State != queue.Running {
			t.Errorf("a stale commit made it %v", r.State)
		}
		matches(t, "the thief's", complete(thief))

		cancelled := enqueue(t, q, ask)
		job, _ = claim(t, q)
		matches(t, "Cancel", q.Cancel(t.Context(), cancelled.Ref))
		matches(t, "cancelled", complete(job), queue.ErrCancelled)

		old := enqueue(t, q, ask, queue.Supersede("screen-9"))
		job, _ = claim(t, q)
		newer := enqueue(t, q, ask, queue.Supersede("screen-9"))
		matches(t, "superseded", complete(job), queue.ErrSuperseded)
		if r := record(t, q, old.Ref); r.State != queue.Superseded || r.SupersededBy != newer.ID {
			t.Errorf("%v by %s, want %s", r.State, r.SupersededBy, newer.ID)
		}

		lapsed, _ := claim(t, q)
		time.Sleep(time.Hour)
		matches(t, "lapsed, and nobody took it", complete(lapsed))
	})
}

func TestCompleteRefusesWhatItCannotCommit(t *testing.T) {
	q := newWhatIf(store())
	for name, job := range map[string]*queue.Job[settings]{"nil": nil, "zero": {}, "made by a test": {Args: ask, ID: "x"}} {
		invalid(t, name, q.Complete(t.Context(), job, plan{}), "Job")
	}

	odd := queue.New[settings, any](store(), "whatif")
	ticket := enqueue(t, odd, ask)
	job, _ := claim(t, odd)
	err := odd.Complete(t.Context(), job, func() {})
	matches(t, "a result that can't be encoded", err, queue.ErrInvalid)
	if want := "queue: complete: result can't be encoded: json: unsupported type: func()"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if r := record(t, odd, ticket.Ref); r.State != queue.Running {
		t.Errorf("it made the job %v", r.State)
	}
}

// A reply that was lost may hide a commit: the transaction's owner knows what to
// do, Complete doesn't.
func TestCompleteIsNotRepeated(t *testing.T) {
	faulty := backendtest.NewFaulty(store(), backendtest.Fault{Verb: backendtest.Settle})
	q := newWhatIf(faulty)
	enqueue(t, q, ask)
	job, _ := claim(t, q)
	matches(t, "Complete", q.On(itself).Complete(t.Context(), job, plan{}), backendtest.ErrInjected)
	if n := faulty.Injected(backendtest.Settle); n != 1 {
		t.Errorf("%d calls", n)
	}
}
