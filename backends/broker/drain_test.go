package broker_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/broker"
)

// gaveUp moves all messages of one pipe to another, as a broker does when they
// were delivered too often.
func gaveUp(from, to *pipe) {
	from.mu.Lock()
	moved := from.messages
	from.messages = nil
	from.mu.Unlock()
	to.mu.Lock()
	defer to.mu.Unlock()
	for _, m := range moved {
		m.visible, m.receipt = time.Now(), 0
	}
	to.messages = append(to.messages, moved...)
	to.tell()
}

func drained(t *testing.T, f func(w *world, dead *pipe)) { drainedOf(t, standardFacts(), f) }

func drainedOf(t *testing.T, facts broker.TransportFeatures, f func(w *world, dead *pipe)) {
	synctest.Test(t, func(t *testing.T) {
		p, dead, shelf := newPipe(facts), newPipe(facts), backendtest.NewShelf()
		o := quiet()
		o.Queue, o.DeadLetters = theQueue, opening{dead}
		b := broker.New(opening{p}, shelf, o)
		defer b.Close()
		f(&world{T: t, setup: setup{Backend: b, pipe: p, shelf: shelf}, promised: map[backends.Ref]bool{}}, dead)
	})
}

func (w *world) record(j backends.Job) *backends.Record {
	w.Helper()
	r, err := w.Lookup(w.Context(), j.Ref, 0)
	if err != nil {
		w.Fatal(err)
	}
	return r
}

func TestRule_R10_BrokersDeadLettersGetRecords(t *testing.T) {
	drained(t, func(w *world, dead *pipe) {
		j := plainJob("a")
		w.enqueue(w, j)
		gaveUp(w.pipe, dead)
		time.Sleep(6 * time.Minute)
		r := w.record(j)
		if r.State != backends.Dead || r.Reason != backends.ReasonDelivered || string(r.Job.Payload) != string(j.Payload) {
			w.Fatalf("%v, %q, payload %q", r.State, r.Reason, r.Job.Payload)
		}
		if len(dead.messages) != 0 {
			w.Fatalf("%d messages left", len(dead.messages))
		}
		l := w.tryClaim(time.Minute, time.Minute)
		if l == nil || l.Outcome == nil || l.Outcome.State != backends.Dead {
			w.Fatalf("its event doesn't leave: %+v", l)
		}
	})
}

func TestRule_R10_ForeignDeadLettersGetRecords(t *testing.T) {
	drained(t, func(w *world, dead *pipe) {
		if _, err := w.pipe.Send(w.Context(), []broker.Message{{Body: []byte(`{"sku":1}`)}}); err != nil {
			w.Fatal(err)
		}
		w.enqueue(w, plainJob("a")) // which tells the policy
		gaveUp(w.pipe, dead)
		time.Sleep(6 * time.Minute)
		for range 2 {
			l := w.tryClaim(time.Minute, time.Minute)
			if l == nil || l.Outcome == nil || l.Outcome.State != backends.Dead {
				w.Fatalf("lease %+v", l)
			}
			if string(l.Outcome.Job.Payload) == `{"sku":1}` {
				return
			}
		}
		w.Fatal("the foreign message is no dead letter")
	})
}

func TestRule_R10_WhatOnlyWaitedTooOftenGoesBack(t *testing.T) {
	drained(t, func(w *world, dead *pipe) {
		j := plainJob("a")
		j.Delay = time.Hour
		w.enqueue(w, j)
		gaveUp(w.pipe, dead)
		time.Sleep(2 * time.Hour)
		if l := w.tryClaim(time.Minute, time.Minute); l == nil || l.Outcome != nil || l.Job.ID != j.ID {
			w.Fatalf("lease %+v", l)
		}
	})
}

func TestRule_R10_WhatRunsIsNotDead(t *testing.T) {
	drained(t, func(w *world, dead *pipe) {
		j := plainJob("a")
		w.enqueue(w, j)
		l := w.tryClaim(time.Minute, time.Minute)
		gaveUp(w.pipe, dead)
		time.Sleep(9 * time.Minute)
		if r := w.record(j); r.State != backends.Running {
			w.Fatalf("%v after half of its run limit", r.State)
		}
		errs, err := w.Settle(w.Context(), []backends.Settlement{{Lease: l, Verb: backends.Commit, Outcome: backends.Succeeded}})
		if err := errors.Join(append(errs, err)...); err != nil {
			w.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		if r := w.record(j); r.State != backends.Succeeded || len(dead.messages) != 0 {
			w.Fatalf("%v, %d messages left", r.State, len(dead.messages))
		}
	})
}

func TestRule_R10_MessagesOfAnotherDeploymentStay(t *testing.T) {
	drained(t, func(w *world, dead *pipe) {
		w.enqueue(w, plainJob("a"))
		w.shelf.(*backendtest.Shelf).Clear()
		gaveUp(w.pipe, dead)
		time.Sleep(time.Hour)
		if len(dead.messages) != 1 {
			w.Fatal("a message was taken whose job nobody knows")
		}
	})
}

// TestRule_R1_SentAnewIsNoRepeat: a FIFO queue drops what it has seen within five
// minutes.
func TestRule_R1_SentAnewIsNoRepeat(t *testing.T) {
	drainedOf(t, fifoFacts(), func(w *world, dead *pipe) {
		time.Sleep(4 * time.Minute)
		j := plainJob("a")
		j.Delay = time.Hour
		w.enqueue(w, j)
		gaveUp(w.pipe, dead)
		time.Sleep(2 * time.Hour)
		if l := w.tryClaim(time.Minute, time.Minute); l == nil || l.Job.ID != j.ID {
			w.Fatalf("lost: lease %+v", l)
		}
	})
}
