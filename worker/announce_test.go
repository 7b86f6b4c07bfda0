package worker_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// withTopic gives the queue a topic.
func (s *scene) withTopic() *topic {
	to := &topic{}
	s.q.Announce = to
	return to
}

// owes fails unless so much is still to be announced.
func (s *scene) owes(want int) {
	s.Helper()
	stats, err := s.q.Stats(s.Context())
	match(s, err, nil)
	if stats.Owing != want {
		s.Errorf("%d jobs owe something, want %d", stats.Owing, want)
	}
}

// R6: whoever writes an end, and whichever it is, one event says so.
func TestRule_R6_EveryEndIsAnnouncedOnce(t *testing.T) {
	play(t, func(s *scene) {
		to := s.withTopic()
		want := map[string]queue.Event{}
		end := func(ref queue.Ref, e queue.Event) {
			r := s.record(ref)
			e.ID, e.Queue, e.Ref, e.Generation = ref.ID+"."+strconv.FormatInt(r.Generation, 36), "answers", ref, r.Generation
			e.Order, e.Created, e.Ended = r.Order, r.Created, r.Ended
			want[ref.ID] = e
		}
		w := s.worker(func(ctx context.Context, job *queue.Job[ask]) (int, error) {
			switch job.Args.N {
			case 2:
				return 0, worker.Permanent(errSad)
			case 3:
				return 0, errSad
			case 4:
				<-ctx.Done()
				return 0, ctx.Err()
			}
			return answer(ctx, job)
		})
		w.Concurrency = 20
		s.start(w)
		tenant := queue.Tenant("zeta")
		good := s.enqueue(1, tenant, queue.Header("origin", "portal"))
		poison := s.enqueue(2, tenant)
		sad := s.enqueue(3, queue.MaxAttempts(2))
		cancelled := s.enqueue(4)
		waiting := s.enqueue(5, queue.Delay(time.Hour))
		overtaken := s.enqueue(4, tenant, queue.Supersede("running"))
		pushed := s.enqueue(6, tenant, queue.Supersede("waiting"), queue.Delay(time.Hour))
		late := s.enqueue(4, queue.Expiry(time.Minute))
		never := s.enqueue(7, queue.Delay(time.Hour), queue.Expiry(time.Minute))
		pass(10 * time.Second)
		match(s, s.q.Cancel(s.Context(), cancelled), nil)
		match(s, s.q.Cancel(s.Context(), waiting), nil)
		newer := s.enqueue(8, tenant, queue.Supersede("running"))
		newest := s.enqueue(9, tenant, queue.Supersede("waiting"))
		pass(2 * time.Hour)

		end(good, queue.Event{State: queue.Succeeded, Attempt: 1, Headers: map[string]string{"origin": "portal"}})
		end(poison, queue.Event{State: queue.Dead, Attempt: 1, Reason: "permanent error"})
		end(sad, queue.Event{State: queue.Dead, Attempt: 2, Reason: "its attempts are used up"})
		end(cancelled, queue.Event{State: queue.Cancelled, Attempt: 1})
		end(waiting, queue.Event{State: queue.Cancelled})
		end(overtaken, queue.Event{State: queue.Superseded, Attempt: 1, Supersede: "running", SupersededBy: newer.ID})
		end(pushed, queue.Event{State: queue.Superseded, Supersede: "waiting", SupersededBy: newest.ID})
		end(late, queue.Event{State: queue.Expired, Attempt: 1, Reason: "its deadline passed while it ran"})
		end(never, queue.Event{State: queue.Expired})
		end(newer, queue.Event{State: queue.Succeeded, Attempt: 1, Supersede: "running"})
		end(newest, queue.Event{State: queue.Succeeded, Attempt: 1, Supersede: "waiting"})
		got := map[string]queue.Event{}
		for _, e := range to.delivered() {
			if _, twice := got[e.Ref.ID]; twice {
				t.Errorf("%v of %v came twice", e.State, e.Ref)
			}
			got[e.Ref.ID] = e
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateApproxTime(time.Millisecond)); diff != "" {
			t.Errorf("want -, got +\n%s", diff)
		}
		s.owes(0)
	})
}

// A job that is redriven and ends again has another event.
func TestRule_R6_RedrivenJobIsAnnouncedAgain(t *testing.T) {
	play(t, func(s *scene) {
		to := s.withTopic()
		s.work(fails(1, worker.Permanent(errSad)))
		ref := s.enqueue(1)
		pass(time.Second)
		match(s, s.q.Redrive(s.Context(), s.expect(ref, queue.Dead, 1)), nil)
		pass(time.Second)
		got := to.delivered()
		if len(got) != 2 || got[0].State != queue.Dead || got[1].State != queue.Succeeded || got[0].ID == got[1].ID || got[1].Generation != got[0].Generation+1 {
			t.Errorf("events %+v", got)
		}
	})
}

// A worker that has no topic leaves the events to those who have.
func TestRule_R6_EventsAreLeftToWorkersWithATopic(t *testing.T) {
	play(t, func(s *scene) {
		s.q.Announce = queue.Elsewhere
		refs := s.enqueueAll(5)
		here := s.worker(answer)
		s.start(here)
		pass(time.Hour)
		s.owes(5)
		for i, ref := range refs {
			s.expectAnswer(ref, 2*i)
		}
		if h := here.Health(); !h.Ready() || h.Announcing != 0 {
			t.Errorf("health %+v", h)
		}
		q := queue.New[ask, int](s.store, "answers")
		to := &topic{}
		q.Announce = to
		w := worker.New(q, func(context.Context, *queue.Job[ask]) (int, error) {
			t.Error("a handler ran for a job that has ended") // R7
			return 0, nil
		})
		w.Logger = s.log
		s.start(w)
		pass(time.Second)
		if n := len(to.delivered()); n != 5 {
			t.Errorf("%d events", n)
		}
		s.owes(0)
	})
}

// R6: the events of a worker that has died must not wait for the longest handler of
// its neighbours; and a slot that becomes free then is filled at once.
func TestRule_R6_BusyWorkerAnnouncesForTheDead(t *testing.T) {
	play(t, func(s *scene) {
		to := s.withTopic()
		var begun []time.Duration
		w := s.worker(func(ctx context.Context, job *queue.Job[ask]) (int, error) {
			begun = append(begun, since())
			time.Sleep(time.Hour + time.Second/2)
			return answer(ctx, job)
		})
		s.start(w)
		s.enqueueAll(2)
		pass(time.Second)
		dead := s.enqueue(7, queue.Priority(1))
		lease := s.claim(time.Minute) // of somebody who commits, and dies
		if lease.Job.Ref != dead {
			s.Fatalf("claimed %v", lease.Job.Ref)
		}
		match(s, s.settle(backends.Settlement{Lease: lease, Verb: backends.Commit, Outcome: backends.Succeeded}), nil)
		pass(59 * time.Second)
		if n := len(to.delivered()); n != 0 {
			t.Errorf("%d events while the lease lasts", n)
		}
		pass(3 * time.Second)
		if got := to.delivered(); len(got) != 1 || got[0].Ref != dead {
			t.Errorf("events %+v", got)
		}
		pass(3 * time.Hour)
		if fmt.Sprint(begun) != "[0s 1h0m0.5s]" {
			t.Errorf("handlers began at %v", begun)
		}
	})
}

// A lease of a job that owes nothing is settled, not kept.
func TestRule_R7_LeaseOfAnEndThatOwesNothingIsSettled(t *testing.T) {
	play(t, func(s *scene) {
		r := &redelivery{Backend: s.store}
		s.q = queue.New[ask, int](r, "answers")
		w := s.worker(func(context.Context, *queue.Job[ask]) (int, error) {
			t.Error("the handler ran")
			return 0, nil
		})
		s.start(w)
		pass(time.Second)
		if len(r.settled) != 1 || r.settled[0].Verb != backends.Announced {
			t.Errorf("settled %+v", r.settled)
		}
	})
}

// redelivery is a broker that brings a message of a job that is long over.
type redelivery struct {
	backends.Backend
	done    bool
	settled []backends.Settlement
}

func (r *redelivery) Claim(ctx context.Context, req backends.ClaimRequest) ([]*backends.Lease, error) {
	if r.done {
		return r.Backend.Claim(ctx, req)
	}
	r.done = true
	job := &backends.Job{Ref: queue.Ref{ID: "old"}}
	return []*backends.Lease{{
		Job: job, Queue: "answers", Token: 7, Attempt: 1,
		Outcome: &backends.Record{Job: job, Queue: "answers", State: queue.Succeeded, Token: 7},
	}}, nil
}

func (r *redelivery) Settle(_ context.Context, ss []backends.Settlement) ([]error, error) {
	r.settled = append(r.settled, ss...)
	return nil, nil
}
