package worker_test

import (
	"context"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/internal/seam"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// Whatever hangs, the end comes in time.
func TestRule_R16_DrainIsNeverTooLong(t *testing.T) {
	for name, c := range map[string]struct {
		faults []backendtest.Fault
		topic  bool
		bucket bool
	}{
		"the store fails":      {faults: []backendtest.Fault{{}}},
		"the store hangs":      {faults: []backendtest.Fault{{Kind: backendtest.Delay, Delay: time.Hour}}},
		"it loses its replies": {faults: []backendtest.Fault{{When: backendtest.After}}},
		"settling hangs":       {faults: []backendtest.Fault{{Verb: backendtest.Settle, Kind: backendtest.Delay, Delay: time.Hour}}},
		"settling hangs late":  {faults: []backendtest.Fault{{Verb: backendtest.Settle, Kind: backendtest.Delay, Delay: time.Hour, When: backendtest.After}}},
		"beats hang":           {faults: []backendtest.Fault{{Verb: backendtest.Extend, Kind: backendtest.Delay, Delay: time.Hour}}},
		"the topic hangs":      {topic: true},
		"the bucket hangs":     {bucket: true},
	} {
		for _, mode := range []string{"quick", "long", "obedient"} {
			t.Run(name+"/"+mode, func(t *testing.T) {
				play(t, func(s *scene) {
					b, to := s.withShelf(), s.withTopic()
					w := s.worker(func(ctx context.Context, _ *queue.Job[ask]) (int, error) {
						switch mode {
						case "long":
							time.Sleep(worker.DefaultGrace - time.Second)
						case "obedient":
							<-ctx.Done()
						}
						return large, nil
					})
					w.Concurrency = 4
					w.AfterSuccess = func(context.Context, *queue.Job[ask], int) error { return nil }
					sh := s.start(w)
					pass(time.Second)
					s.store.Inject(c.faults...)
					b.set(func() { b.hangs = c.bucket })
					if c.topic {
						to.set(func() { to.delay = time.Hour })
					}
					in, err := s.q.Inside(seam.Key{})
					match(s, err, nil)
					for i := range 8 { // past the faults
						_, err := s.store.Backend.Enqueue(s.Context(), backends.EnqueueRequest{
							Queue: "answers", Policy: in.Policy, Jobs: []backends.Job{{Ref: queue.Ref{ID: string(rune('a' + i))}, Payload: []byte(`{}`)}},
						})
						match(s, err, nil)
					}
					pass(time.Second)
					d, err := sh.took()
					if d > allOfIt+time.Second {
						t.Errorf("it took %v", d)
					}
					match(s, err, nil)
				})
			})
		}
	}
}

// What was decided and could not be written runs again: the lease lapses.
func TestRule_R16_UnwrittenOutcomesRunElsewhere(t *testing.T) {
	play(t, func(s *scene) {
		w, way := s.cutOff(answer)
		sh := s.start(w)
		way.Inject(backendtest.Fault{Verb: backendtest.Settle})
		ref := s.enqueue(21)
		pass(time.Second)
		d, err := sh.took()
		if match(s, err, nil); d > allOfIt+time.Second {
			t.Errorf("it took %v", d)
		}
		s.expect(ref, queue.Running, 1)
		s.work(answer)
		pass(worker.DefaultLease)
		s.expectAnswer(ref, 42)
	})
}

// Leases that come as the worker stops are given back unused.
func TestRule_R16_LateLeasesAreGivenBack(t *testing.T) {
	play(t, func(s *scene) {
		s.q = queue.New[ask, int](&lateStore{s.store}, "answers")
		w := s.worker(func(context.Context, *queue.Job[ask]) (int, error) {
			t.Error("the handler ran")
			return 0, nil
		})
		w.Concurrency = 5
		sh := s.start(w)
		refs := s.enqueueAll(5)
		pass(time.Second)
		if d, err := sh.took(); d != 0 || err != nil {
			t.Errorf("it took %v, %v", d, err)
		}
		for _, ref := range refs {
			if r := s.expect(ref, queue.Waiting, 0); r.Token != 1 {
				t.Errorf("token %d: it was never leased", r.Token)
			}
		}
	})
}

// lateStore answers a claim when nobody wants it any more.
type lateStore struct{ backends.Backend }

func (l *lateStore) Claim(ctx context.Context, req backends.ClaimRequest) ([]*backends.Lease, error) {
	<-ctx.Done()
	return l.Backend.Claim(context.WithoutCancel(ctx), req)
}
