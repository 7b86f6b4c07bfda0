package broker_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/broker"
)

// story is one directed schedule on a pair of its own, in virtual time.
func story(t *testing.T, f broker.TransportFeatures, play func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, setup: opened(f, true), promised: map[backends.Ref]bool{}, events: map[string]int{}, commits: map[string]int{}}
		defer w.Close()
		play(w)
	})
}

func (w *world) claim(lease time.Duration) *backends.Lease {
	w.Helper()
	l := w.tryClaim(lease, time.Hour)
	if l == nil {
		w.Fatal("nothing to claim")
	}
	return l
}

func (w *world) tryClaim(lease, patience time.Duration) *backends.Lease {
	ctx, cancel := context.WithTimeout(w.Context(), patience)
	defer cancel()
	leases, err := w.Claim(ctx, backends.ClaimRequest{
		Queue: theQueue, Max: 1, Lease: lease, RunLimit: 10 * time.Minute, Grace: time.Second, CanAnnounce: backends.Event,
	})
	if err != nil {
		return nil
	}
	return leases[0]
}

func (w *world) state(id string) *backends.Record {
	w.Helper()
	r, err := w.Lookup(w.Context(), backends.Ref{Tenant: "zeta", ID: id}, 0)
	if err != nil {
		w.Fatal(err)
	}
	return r
}

func (w *world) commit(l *backends.Lease) error {
	errs, err := w.Settle(w.Context(), []backends.Settlement{{Lease: l, Verb: backends.Commit, Outcome: backends.Succeeded}})
	if err != nil || len(errs) == 0 {
		return err
	}
	return errs[0]
}

// copyAll puts a second copy of each message behind the first, as a producer that
// repeats its send would.
func (p *pipe) copyAll(t *testing.T) {
	for _, m := range p.messages {
		copied := m.Message
		copied.Dedup += "copy"
		if _, err := p.Send(t.Context(), []broker.Message{copied}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRule_R3_ForeignMessageIsAJob(t *testing.T) {
	story(t, standardFacts(), func(w *world) {
		if _, err := w.pipe.Send(w.Context(), []broker.Message{{Body: []byte(`{"sku":"1"}`), Headers: map[string]string{"leat-x": "1", "a": "b"}}}); err != nil {
			w.Fatal(err)
		}
		l := w.claim(time.Second)
		if string(l.Job.Payload) != `{"sku":"1"}` || len(l.Job.Headers) != 1 || l.Job.Headers["a"] != "b" {
			w.Fatalf("lease of %+v", l.Job)
		}
		again := w.claim(time.Minute) // the first holder fell silent
		if again.Job.Ref != l.Job.Ref || again.Crashes != 1 {
			w.Fatalf("redelivered as %+v", again)
		}
		if err := w.commit(again); err != nil {
			w.Fatal(err)
		}
		if w.tryClaim(time.Minute, 24*time.Hour) != nil || len(w.pipe.messages) != 0 {
			w.Fatal("it comes again")
		}
	})
}

func TestRule_R3_LateForeignMessageIsNoNewJob(t *testing.T) {
	f := standardFacts()
	f.Retention = 24 * time.Hour
	story(t, f, func(w *world) {
		if _, err := w.pipe.Send(w.Context(), []broker.Message{{Body: []byte("x")}}); err != nil {
			w.Fatal(err)
		}
		time.Sleep(25 * time.Hour)
		if l := w.tryClaim(time.Minute, time.Minute); l != nil || len(w.pipe.messages) != 1 {
			w.Fatalf("claimed %+v, %d messages left", l, len(w.pipe.messages))
		}
	})
}

func TestRule_R3_MessageWithoutRecordIsNeverAcked(t *testing.T) {
	story(t, standardFacts(), func(w *world) {
		w.enqueue(w.setup, plainJob("a"))
		w.shelf.(*backendtest.Shelf).Clear()
		if l := w.tryClaim(time.Minute, 10*time.Minute); l != nil || len(w.pipe.messages) != 1 {
			w.Fatalf("claimed %+v, %d messages left", l, len(w.pipe.messages))
		}
		if w.Health() == nil {
			w.Fatal("health is green")
		}
	})
}

func TestRule_R1_SpareIsKeptUntilTheRunMustBeOver(t *testing.T) {
	story(t, standardFacts(), func(w *world) {
		w.enqueue(w.setup, plainJob("a"))
		w.pipe.copyAll(w.T)
		start := time.Now()
		l := w.claim(10 * time.Minute)
		if w.tryClaim(time.Minute, 9*time.Minute) != nil {
			w.Fatal("a spare stole the job")
		}
		w.pipe.mu.Lock() // the holder's message is gone, by a stale ack
		w.pipe.messages = w.pipe.messages[1:]
		w.pipe.mu.Unlock()
		next := w.claim(time.Minute)
		if took := time.Since(start); took < 10*time.Minute || took > 11*time.Minute || next.Token != l.Token+1 {
			w.Fatalf("taken over after %v: %+v", took, next)
		}
		if err := w.commit(l); !errors.Is(err, backends.ErrLost) {
			w.Fatalf("the first holder's commit: %v", err)
		}
		if err := w.commit(next); err != nil {
			w.Fatal(err)
		}
	})
}

func TestRule_R2_LateCopyDoesNotFitANewLife(t *testing.T) {
	story(t, standardFacts(), func(w *world) {
		policy := &backends.Policy{Retention: time.Hour}
		enqueue := func(payload string) {
			j := plainJob("a")
			j.Payload = []byte(payload)
			out, err := w.Enqueue(w.Context(), backends.EnqueueRequest{Queue: theQueue, Policy: policy, Jobs: []backends.Job{j}})
			if err != nil || out[0].Err != nil || out[0].Duplicate {
				w.Fatalf("%+v, %v", out, err)
			}
		}
		enqueue("old")
		late := w.pipe.messages[0].Message
		late.Delay = 0
		if err := w.commit(w.claim(time.Minute)); err != nil {
			w.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		if _, err := w.pipe.Send(w.Context(), []broker.Message{late}); err != nil {
			w.Fatal(err)
		}
		enqueue("new")
		if l := w.claim(time.Minute); string(l.Job.Payload) != "new" {
			w.Fatalf("claimed %s", l.Job.Payload)
		}
	})
}

func TestRule_R1_EndIsFoundByItsLateMessages(t *testing.T) {
	story(t, standardFacts(), func(w *world) {
		policy := &backends.Policy{Retention: time.Hour}
		j := plainJob("a")
		j.Delay = 48 * time.Hour
		if _, err := w.Enqueue(w.Context(), backends.EnqueueRequest{Queue: theQueue, Policy: policy, Jobs: []backends.Job{j}}); err != nil {
			w.Fatal(err)
		}
		if _, err := w.Cancel(w.Context(), []backends.Ref{j.Ref}); err != nil {
			w.Fatal(err)
		}
		if w.tryClaim(time.Minute, 72*time.Hour) != nil || w.Health() != nil || len(w.pipe.messages) != 0 {
			w.Fatalf("health %v, %d messages left", w.Health(), len(w.pipe.messages))
		}
	})
}

func TestRule_R9_DelaysBeyondTheBrokerHop(t *testing.T) {
	for _, f := range []broker.TransportFeatures{standardFacts(), fifoFacts()} {
		story(t, f, func(w *world) {
			j := plainJob("a")
			j.Delay = 3 * time.Hour
			start := time.Now()
			w.enqueue(w.setup, j)
			l := w.tryClaim(time.Minute, 4*time.Hour)
			if took := time.Since(start); l == nil || took < 3*time.Hour || took > 3*time.Hour+time.Second {
				w.Fatalf("%s: %+v after %v", f.Name, l, took)
			}
			if l.Token != 1 {
				w.Fatalf("hops were counted: %+v", l)
			}
		})
	}
}

func TestRule_R13_NewestOfEqualOrdersIsOne(t *testing.T) {
	story(t, standardFacts(), func(w *world) {
		other := w.again() // its own clock of orders
		defer other.Close()
		w.enqueue(w.setup, placedJob("a"))
		w.enqueue(other, placedJob("b"))
		w.enqueue(w.setup, placedJob("c"))
		w.work(w.setup, time.Minute)
		if got := w.state("c"); got.State != backends.Succeeded {
			w.Fatalf("the newest is %v", got.State)
		}
		for _, id := range []string{"a", "b"} {
			if got := w.state(id); got.State != backends.Superseded {
				w.Fatalf("%s is %v", id, got.State)
			}
		}
	})
}

func TestRule_R13_RepeatedEnqueueOfAnOlderJobTakesNoPlace(t *testing.T) {
	story(t, standardFacts(), func(w *world) {
		w.enqueue(w.setup, placedJob("a"))
		w.enqueue(w.setup, placedJob("b"))
		leases, err := w.Claim(w.Context(), backends.ClaimRequest{Queue: theQueue, Max: 1, Lease: time.Minute}) // announces nothing
		if err != nil || leases[0].Job.ID != "b" {
			w.Fatal(leases, err)
		}
		w.enqueue(w.setup, placedJob("c"))
		w.enqueue(w.setup, placedJob("a")) // its producer didn't hear the answer
		if err := w.commit(leases[0]); !errors.Is(err, backends.ErrSuperseded) {
			w.Fatalf("committed beside a newer one: %v", err)
		}
	})
}

func TestRule_R10_RedriveOutlivesTheDeadLetter(t *testing.T) {
	f := standardFacts()
	f.Retention = time.Hour
	story(t, f, func(w *world) {
		policy := &backends.Policy{DeadRetention: 2 * time.Hour}
		if _, err := w.Enqueue(w.Context(), backends.EnqueueRequest{Queue: theQueue, Policy: policy, Jobs: []backends.Job{plainJob("a")}}); err != nil {
			w.Fatal(err)
		}
		l := w.claim(time.Minute)
		if _, err := w.Settle(w.Context(), []backends.Settlement{{Lease: l, Verb: backends.Commit, Outcome: backends.Dead}}); err != nil {
			w.Fatal(err)
		}
		time.Sleep(2*time.Hour - time.Minute)
		if errs, err := w.Redrive(w.Context(), []backends.Redrive{{Ref: l.Job.Ref, Generation: l.Generation}}); err != nil || errs[0] != nil {
			w.Fatal(errs, err)
		}
		time.Sleep(5 * time.Minute)
		if next := w.claim(time.Minute); next.Generation != l.Generation+1 {
			w.Fatalf("%+v", next)
		}
	})
}

func TestRule_R14_CollationDoesNotStandInFrontOfItsMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := setup{pipe: newPipe(fifoFacts()), shelf: backendtest.NewShelf()}
		s.Backend = broker.New(opening{s.pipe}, s.shelf, quiet()) // groups by tenant
		w := &world{T: t, setup: s, promised: map[backends.Ref]bool{}, events: map[string]int{}, commits: map[string]int{}}
		defer w.Close()
		scenes["collate"](w, s)
		w.judge()
	})
}

func TestBackend_ServesOneQueueName(t *testing.T) {
	story(t, standardFacts(), func(w *world) {
		w.enqueue(w.setup, plainJob("a"))
		_, err := w.Enqueue(w.Context(), backends.EnqueueRequest{Queue: "other", Jobs: []backends.Job{plainJob("b")}})
		if !errors.Is(err, errors.ErrUnsupported) {
			w.Fatal(err)
		}
	})
}

// breaking is a transport whose receives fail so many times.
type breaking struct {
	broker.Transport
	left *int
}

func (b breaking) Receive(ctx context.Context, n int, d time.Duration) ([]*broker.Delivery, error) {
	if *b.left > 0 {
		*b.left--
		return nil, errKilled
	}
	return b.Transport.Receive(ctx, n, d)
}

func TestRule_R17_BrokenTransportIsReopened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, left, opens := newPipe(standardFacts()), 3, 0
		tr := broker.Reopening(p.Features(), func(context.Context) (broker.Transport, error) {
			if opens++; opens == 2 {
				return nil, errKilled
			}
			return breaking{opening{p}, &left}, nil
		})
		b := broker.New(tr, backendtest.NewShelf(), quiet())
		defer b.Close()
		w := &world{T: t, setup: setup{Backend: b, pipe: p}, promised: map[backends.Ref]bool{}}
		w.enqueue(b, plainJob("a"))
		start, tried := time.Now(), 0
		for ; ; tried++ {
			if l := w.tryClaim(time.Minute, time.Hour); l != nil {
				break
			}
			if b.Health() == nil || tried > 10 {
				t.Fatalf("try %d, health %v", tried, b.Health())
			}
		}
		if took := time.Since(start); opens != 5 || took < 500*time.Millisecond || took > 2*time.Second || b.Health() != nil {
			t.Fatalf("%d openings in %v, health %v", opens, took, b.Health())
		}
	})
}

func TestBackend_OversizeIsRefusedBeforeItsRecord(t *testing.T) {
	story(t, standardFacts(), func(w *world) {
		j := plainJob("a")
		j.Payload = []byte(strings.Repeat("x", w.Features().MaxPayload+1))
		out, err := w.Enqueue(w.Context(), backends.EnqueueRequest{Queue: theQueue, Jobs: []backends.Job{j}})
		if err != nil || !errors.Is(out[0].Err, backends.ErrTooLarge) || w.shelf.(*backendtest.Shelf).Len() != 0 {
			w.Fatal(out, err)
		}
	})
}

// hard is a transport on which a lapsed lease can't be renewed.
type hard struct{ broker.Transport }

func (hard) Extend(_ context.Context, _ time.Duration, ds []*broker.Delivery) ([]error, error) {
	errs := make([]error, len(ds))
	for i := range errs {
		errs[i] = backends.ErrLost
	}
	return errs, nil
}

func TestRule_R6_CommitStandsThoughItsLeaseCannotBeKept(t *testing.T) {
	story(t, standardFacts(), func(w *world) {
		b := broker.New(hard{opening{w.pipe}}, w.shelf, quiet())
		defer b.Close()
		w.setup.Backend = b
		w.enqueue(b, plainJob("a"))
		l := w.claim(time.Minute)
		time.Sleep(59 * time.Second)
		if err := w.commit(l); err != nil {
			w.Fatal(err)
		}
		errs, err := b.Settle(w.Context(), []backends.Settlement{{Lease: l, Verb: backends.Announced}})
		if err := errors.Join(append(errs, err)...); err != nil || len(w.pipe.messages) != 0 {
			w.Fatalf("announced: %v, %d messages left", err, len(w.pipe.messages))
		}
	})
}

// mute is a transport that can't send.
type mute struct{ broker.Transport }

func (mute) Send(context.Context, []broker.Message) ([]error, error) { return nil, errKilled }

// TestRule_R6_CancelAfterARedriveThatDied: the record says that a life has begun, its
// message was never sent, and so nobody would tell of the life's end.
func TestRule_R6_CancelAfterARedriveThatDied(t *testing.T) {
	story(t, standardFacts(), func(w *world) {
		j := plainJob("a")
		w.enqueue(w.setup, j)
		l := w.claim(time.Minute)
		settle := func(x backends.Settlement) {
			x.Lease = l
			if errs, err := w.Settle(w.Context(), []backends.Settlement{x}); errors.Join(append(errs, err)...) != nil {
				w.Fatal(errs, err)
			}
		}
		settle(backends.Settlement{Verb: backends.Commit, Outcome: backends.Dead})
		settle(backends.Settlement{Verb: backends.Announced})
		dying := broker.New(mute{opening{w.pipe}}, w.shelf, quiet())
		defer dying.Close()
		errs, err := dying.Redrive(w.Context(), []backends.Redrive{{Ref: j.Ref, Generation: l.Generation}})
		if errors.Join(append(errs, err)...) == nil {
			w.Fatal("the redrive did not die: the test tests nothing")
		}
		if errs, err := dying.Cancel(w.Context(), []backends.Ref{j.Ref}); errors.Join(append(errs, err)...) == nil {
			w.Fatal("a cancel whose message couldn't be sent was acknowledged")
		}
		if errs, err := w.Cancel(w.Context(), []backends.Ref{j.Ref}); errors.Join(append(errs, err)...) != nil {
			w.Fatal(errs, err)
		}
		if l := w.tryClaim(time.Minute, time.Hour); l == nil || l.Outcome == nil || l.Outcome.State != backends.Cancelled {
			w.Fatalf("nobody is told: lease %+v", l)
		}
	})
}
