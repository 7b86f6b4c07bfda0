package worker_test

import (
	"context"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// R10: a kind that nobody knows waits for somebody who does, and is a dead letter
// only when nobody has come for UnknownAfter.
func TestRule_R10_UnknownKindWaitsThenIsADeadLetter(t *testing.T) {
	play(t, func(s *scene) {
		s.q.UnknownAfter = 2 * time.Hour
		w := s.worker(answer)
		s.start(w)
		ticket, err := queue.View[ask, int](s.q, "video").Enqueue(s.Context(), ask{1}, queue.Delay(time.Hour))
		match(s, err, nil)
		pass(3*time.Hour - time.Second)
		s.expect(ticket.Ref, queue.Waiting, 0)
		pass(5 * time.Minute)
		r := s.expect(ticket.Ref, queue.Dead, 1)
		if r.Reason != "no worker knows its kind" || r.Failures[0].Text != `kind "video", which this worker doesn't know` || string(r.Job.Payload) != `{"N":1}` {
			t.Errorf("reason %q, failures %v, payload %q", r.Reason, r.Failures, r.Job.Payload)
		}
	})
}

func TestRule_R10_WorkerThatComesInTimeFindsItsKind(t *testing.T) {
	play(t, func(s *scene) {
		s.work(answer)
		videos := queue.View[ask, int](s.q, "video")
		ticket, err := videos.Enqueue(s.Context(), ask{21})
		match(s, err, nil)
		pass(59 * time.Minute)
		w := worker.New(videos, answer)
		w.Logger = s.log
		s.start(w)
		pass(time.Second)
		s.expectAnswer(ticket.Ref, 42)
		s.expect(ticket.Ref, queue.Succeeded, 1)
	})
}

// R10: two versions of a program on one queue. The old one never sees what it can't
// handle; the new one handles both.
func TestRule_R10_TwoVersionsWorkOnOneQueue(t *testing.T) {
	play(t, func(s *scene) {
		version := func(schema int) *queue.Queue[ask, int] {
			q := queue.New[ask, int](s.store, "answers")
			q.Schema = schema
			return q
		}
		var by1, by2 seen[int]
		start := func(schema int, by *seen[int]) *shift {
			w := worker.New(version(schema), func(ctx context.Context, job *queue.Job[ask]) (int, error) {
				by.add(job.Schema)
				time.Sleep(time.Second)
				return answer(ctx, job)
			})
			w.Concurrency, w.Logger = 2, s.log
			return s.start(w)
		}
		old := start(1, &by1)
		start(2, &by2)
		var refs []queue.Ref
		for i := range 60 {
			ticket, err := version(i%3).Enqueue(s.Context(), ask{i})
			match(s, err, nil)
			refs = append(refs, ticket.Ref)
		}
		pass(10 * time.Minute)
		for i, ref := range refs {
			s.expectAnswer(ref, 2*i)
			s.expect(ref, queue.Succeeded, 1)
		}
		if n := counts(by1.list()); n[0] == 0 || n[1] == 0 || n[2] != 0 {
			t.Errorf("the old program handled, by schema, %v", n)
		}
		if n := counts(by2.list()); n[2] != 20 {
			t.Errorf("the new program handled, by schema, %v", n)
		}
		old.clean()
	})
}

func counts(all []int) (n [3]int) {
	for _, v := range all {
		n[v]++
	}
	return n
}

// A newer schema with nobody who knows it: the text says which.
func TestRule_R10_NewerSchemaIsUnknown(t *testing.T) {
	play(t, func(s *scene) {
		s.work(answer)
		newer := queue.New[ask, int](s.store, "answers")
		newer.Schema = 3
		ticket, err := newer.Enqueue(s.Context(), ask{1})
		match(s, err, nil)
		pass(65 * time.Minute)
		r := s.expect(ticket.Ref, queue.Dead, 1)
		if want := `kind "" with schema 3, which this worker doesn't know`; r.Failures[0].Text != want {
			t.Errorf("failure %q", r.Failures[0].Text)
		}
	})
}

// A broker gives everything to whoever asks: the worker puts back what it doesn't
// know, no attempt used, until its time is up.
func TestRule_R10_BrokersUnknownKindIsSnoozed(t *testing.T) {
	play(t, func(s *scene) {
		store := s.store
		s.q = queue.New[ask, int](blind{store}, "answers")
		s.work(answer)
		ticket, err := queue.View[ask, int](s.q, "video").Enqueue(s.Context(), ask{1})
		match(s, err, nil)
		pass(59 * time.Minute)
		r := s.expect(ticket.Ref, queue.Waiting, 0)
		if r.Token < 50 || r.Token > 70 {
			t.Errorf("it was looked at %d times in an hour", r.Token)
		}
		pass(3 * time.Minute)
		s.expect(ticket.Ref, queue.Dead, 1)
	})
}

// Behind a backlog of hours a job is first looked at when its time would be up: it
// has as long from then on.
func TestRule_R10_ABacklogDoesNotUseUpThePatienceForAKind(t *testing.T) {
	play(t, func(s *scene) {
		store := s.store
		s.q = queue.New[ask, int](blind{store}, "answers")
		ticket, err := queue.View[ask, int](s.q, "video").Enqueue(s.Context(), ask{1})
		match(s, err, nil)
		pass(5 * time.Hour)
		s.work(answer)
		pass(59 * time.Minute)
		s.expect(ticket.Ref, queue.Waiting, 0)
		pass(3 * time.Minute)
		s.expect(ticket.Ref, queue.Dead, 1)
	})
}

// blind is a store that can't tell kinds, as brokers can't.
type blind struct{ backends.Backend }

func (b blind) Claim(ctx context.Context, req backends.ClaimRequest) ([]*backends.Lease, error) {
	req.Kinds = nil
	return b.Backend.Claim(ctx, req)
}

func (b blind) Features() backends.Features {
	f := b.Backend.Features()
	f.Kinds = false
	return f
}
