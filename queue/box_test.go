package queue_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/internal/seam"
	"github.com/leat-go/leat/queue"
)

// canary stands for what nobody who can read the store may see.
const canary = "c4n4ry-7f3a"

// sealed is a queue of texts with a Box.
func sealed(t testing.TB, b backends.Backend, bucket queue.Bucket) (*queue.Queue[string, string], *aesBox) {
	box := newBox(t)
	q := texts(b, bucket)
	q.Box = box
	return q, box
}

// unpack reads a result as package result does.
func unpack(t testing.TB, q *queue.Queue[string, string], r *queue.Record) (string, error) {
	t.Helper()
	stream, err := inside(t, q).Unpack(t.Context(), r)
	if err != nil {
		return "", err
	}
	defer stream.Close()
	text, err := io.ReadAll(stream)
	return string(text), err
}

// Args and results are opaque to the store and the bucket, and whole to those who
// have the Box.
func TestABoxHidesArgsAndResults(t *testing.T) {
	for name, inline := range map[string]int{"beside the job": 0, "in the bucket": 1} {
		t.Run(name, func(t *testing.T) {
			bucket := &mapBucket{}
			q, _ := sealed(t, store(), bucket)
			q.Inline = inline
			ticket := enqueue(t, q, canary, queue.Tenant("zeta"), queue.Key("k"))
			if again := enqueue(t, q, canary, queue.Tenant("zeta"), queue.Key("k")); !again.Duplicate {
				t.Errorf("the same args, sealed anew, are taken for others: %+v", again)
			}
			job, _ := claim(t, q)
			if job.Args != canary {
				t.Errorf("the handler gets %q", job.Args)
			}
			if err := q.Complete(t.Context(), job, canary+"!"); err != nil {
				t.Fatal(err)
			}
			r := record(t, q, ticket.Ref)
			if got, err := unpack(t, q, r); err != nil || got != canary+"!" {
				t.Errorf("the result is %q, %v", got, err)
			}
			if got, err := q.Args(t.Context(), r); err != nil || got != canary {
				t.Errorf("the operator gets %q, %v", got, err)
			}
			seen := slices.Concat(r.Job.Payload, r.Result)
			for _, key := range bucket.keys() {
				seen = append(seen, bucket.objects[key]...)
			}
			if bytes.Contains(seen, []byte(canary)) || len(seen) == 0 {
				t.Errorf("the store sees %q", seen)
			}
		})
	}
}

// What is sealed belongs to one tenant and id, a result to one life of its job.
func TestABoxIsTiedToItsJob(t *testing.T) {
	b := store()
	q, box := sealed(t, b, nil)
	victim := enqueue(t, q, canary, queue.Tenant("victim"))
	other := enqueue(t, q, "x", queue.Tenant("victim"))
	stolen := lease(t, q).Job
	if stolen.ID == other.ID {
		stolen = lease(t, q).Job
	}
	for name, ref := range map[string]queue.Ref{
		"another tenant": {Tenant: "thief", ID: victim.ID},
		"another id":     {Tenant: "victim", ID: victim.ID[:len(victim.ID)-1]},
		"another frame":  {Tenant: "victim" + victim.ID[:1], ID: victim.ID[1:]},
	} {
		job := backends.Job{Ref: ref, Payload: stolen.Payload}
		_, err := inside(t, q).Job(t.Context(), &seam.Attempt{Lease: &backends.Lease{Job: &job}})
		matches(t, name, err, seam.ErrUndecodable, queue.ErrSealBroken)
	}

	in := inside(t, q)
	life := &backends.Lease{Job: stolen, Generation: 7}
	result, _, err := in.Pack(t.Context(), life, []byte(canary))
	if err != nil {
		t.Fatal(err)
	}
	whole := &queue.Record{Job: stolen, Generation: 7, Result: result}
	if got, err := unpack(t, q, whole); err != nil || got != canary {
		t.Errorf("%q, %v", got, err)
	}
	_, err = unpack(t, q, &queue.Record{Job: stolen, Generation: 8, Result: result})
	matches(t, "another life", err, queue.ErrSealBroken)
	_, err = unpack(t, q, &queue.Record{Job: stolen, Generation: 7, Result: stolen.Payload})
	matches(t, "args as a result", err, queue.ErrSealBroken)
	_, err = unpack(t, q, &queue.Record{Job: stolen, Generation: 7, Result: []byte("plain")})
	matches(t, "never sealed", err, queue.ErrSealBroken)

	slices.Sort(box.labels)
	if got := slices.Compact(box.labels); len(got) != 3 {
		t.Errorf("three seals have %d labels: %q", len(got), got)
	}
	for _, label := range box.labels {
		if !strings.Contains(label, "victim") {
			t.Errorf("label %q names no tenant", label)
		}
	}
}

// A Box that is out of order fails the call and no job; what it can't open it may
// open later, unless it says that it never will.
func TestABoxThatFails(t *testing.T) {
	out := errors.New("key service is out")
	s := &spy{Backend: store()}
	q, box := sealed(t, s, nil)
	enqueue(t, q, "x")
	l := lease(t, q)

	box.fail = out
	ticket, err := q.Enqueue(t.Context(), canary)
	matches(t, "Seal", err, out)
	if !ticket.IsZero() || s.count() != 1 || strings.Contains(err.Error(), canary) {
		t.Errorf("ticket %+v, %d calls, %v", ticket, s.count(), err)
	}
	_, err = inside(t, q).Job(t.Context(), &seam.Attempt{Lease: l})
	matches(t, "Open", err, out)
	if errors.Is(err, seam.ErrUndecodable) {
		t.Errorf("%v is taken for final", err)
	}
	_, _, err = inside(t, q).Pack(t.Context(), l, nil)
	matches(t, "Seal of a result", err, out)

	other := texts(s.Backend, nil)
	other.Box = newBox(t)
	_, err = inside(t, other).Job(t.Context(), &seam.Attempt{Lease: l})
	matches(t, "another Box", err, seam.ErrUndecodable, queue.ErrSealBroken)
}

// The limit beside the job counts what is stored, which is more than what was
// asked.
func TestABoxCountsInTheLimit(t *testing.T) {
	bucket := &mapBucket{}
	q, _ := sealed(t, store(), bucket)
	q.Inline = 100
	enqueue(t, q, strings.Repeat("x", 72)) // GCM adds 28
	if n := len(bucket.keys()); n != 0 {
		t.Errorf("%d objects", n)
	}
	enqueue(t, q, strings.Repeat("x", 73))
	if n := len(bucket.keys()); n != 1 {
		t.Errorf("%d objects", n)
	}
}
