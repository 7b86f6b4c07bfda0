package backendtest

import (
	"sync"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/backends"
)

// identityCases: one Ref is one job.
var identityCases = []testCase{
	{
		"R2", "EqualRefIsADuplicate", "a caller that repeats a request after a timeout pays for the computation twice",
		records,
		func(e *env) {
			j := job("zeta")
			first := e.enqueue(j)[0]
			before := e.lookup(j.Ref)
			other := j
			other.Payload, other.Kind, other.Delay = []byte("another"), "other", e.unit
			e.expectDuplicate(e.tryEnqueue(other)[0], first)
			if d := cmp.Diff(before, e.lookup(j.Ref)); d != "" {
				e.Fatalf("the duplicate changed the record:\n%s", d)
			}
			e.expectJob(e.claim(), j)
			e.claimNone(e.request(1))
		},
	},
	{
		"R2", "DuplicateInsideOneRequest", "a bulk insert that lists a row twice runs it twice",
		records,
		func(e *env) {
			j := job("zeta")
			out := e.tryEnqueue(j, j, j)
			if out[0].Err != nil || out[0].Duplicate {
				e.Fatalf("the first: %+v", out[0])
			}
			e.expectDuplicate(out[1], out[0])
			e.expectDuplicate(out[2], out[0])
			e.claim()
			e.claimNone(e.request(1))
		},
	},
	{
		"R2", "DuplicateAfterTheEnd", "a replayed request runs again although its result is there",
		records,
		func(e *env) {
			for _, end := range ends {
				j := job("zeta")
				first := e.enqueue(j)[0]
				e.mustSettle(commitAs(e.claim(), end))
				e.expectDuplicate(e.tryEnqueue(j)[0], first)
				e.expectState(j.Ref, end)
			}
			e.claimNone(e.request(10))
		},
	},
	{
		"R2", "ConcurrentEqualEnqueuesGiveOneJob", "a double click, or a retrying proxy, starts the same work many times",
		records,
		func(e *env) {
			j := job("zeta")
			out := make([]backends.Enqueued, 100)
			var wg sync.WaitGroup
			for i := range out {
				wg.Go(func() {
					got, err := e.B.Enqueue(e.Context(), backends.EnqueueRequest{Queue: theQueue, Jobs: []backends.Job{j}})
					if err != nil || len(got) != 1 {
						e.Errorf("Enqueue: %v, %v", got, err)
						return
					}
					out[i] = got[0]
				})
			}
			wg.Wait()
			created := 0
			for _, o := range out {
				if !o.Duplicate {
					created++
				}
				if o.Err != nil || o.Ref != j.Ref || o.Order != out[0].Order {
					e.Fatalf("one of them got %+v, another %+v", o, out[0])
				}
			}
			if created != 1 {
				e.Fatalf("%d of them were told that they created it", created)
			}
			e.claim()
			e.claimNone(e.request(1))
		},
	},
	{
		"R2", "KeyWithOtherPayloadIsRefused", "a caller that reuses a key by mistake gets the result of another request",
		records,
		func(e *env) {
			j := job("zeta", func(j *backends.Job) { j.Fingerprint = 7 })
			first := e.enqueue(j)[0]
			before := e.lookup(j.Ref)

			other := j
			other.Fingerprint = 8
			e.expect(e.tryEnqueue(other)[0].Err, backends.ErrKeyReused)
			if d := cmp.Diff(before, e.lookup(j.Ref)); d != "" {
				e.Fatalf("the refused job changed the record:\n%s", d)
			}
			e.commit(e.claim())
			e.expect(e.tryEnqueue(other)[0].Err, backends.ErrKeyReused)
			e.expectDuplicate(e.tryEnqueue(j)[0], first)
		},
	},
	{
		"R2", "NoFingerprintIsNotGuarded", "jobs whose id is the caller's own are refused as reused keys",
		records,
		func(e *env) {
			for _, prints := range [][2]uint64{{7, 0}, {0, 7}, {0, 0}} {
				j := job("zeta", func(j *backends.Job) { j.Fingerprint = prints[0] })
				first := e.enqueue(j)[0]
				j.Fingerprint = prints[1]
				e.expectDuplicate(e.tryEnqueue(j)[0], first)
			}
		},
	},
	{
		"R2", "SameIDUnderTwoTenantsIsTwoJobs", "one customer's request swallows another's",
		nil,
		func(e *env) {
			a, b := job("zeta"), job("eta")
			b.ID = a.ID
			e.enqueue(a, b)
			got := refs(e.claimMany(2))
			if !got[a.Ref] || !got[b.Ref] {
				e.Fatalf("claimed %v", got)
			}
		},
	},
	{
		"R2", "OneRefIsOneJobInAllQueues", "Lookup, which knows no queue, finds one of two jobs by chance",
		func(f backends.Features) bool { return f.Records && f.Queues },
		func(e *env) {
			j := job("zeta")
			first := e.enqueue(j)[0]
			out, err := e.B.Enqueue(e.Context(), backends.EnqueueRequest{Queue: "other", Jobs: []backends.Job{j}})
			if err != nil || len(out) != 1 {
				e.Fatalf("Enqueue in another queue: %v, error %v", out, err)
			}
			e.expectDuplicate(out[0], first)
			if r := e.lookup(j.Ref); r.Queue != theQueue {
				e.Fatalf("the job moved to queue %q", r.Queue)
			}
		},
	},
}
