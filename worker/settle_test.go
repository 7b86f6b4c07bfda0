package worker_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// scribe counts what is settled, and may answer for single jobs.
type scribe struct {
	backends.Backend
	mu    sync.Mutex
	calls int
	items int
	odd   func(s *backends.Settlement) error // of an item; nil = the store's
}

func (b *scribe) Settle(ctx context.Context, ss []backends.Settlement) ([]error, error) {
	errs, err := b.Backend.Settle(ctx, ss)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
	b.items += len(ss)
	if b.odd == nil || err != nil {
		return errs, err
	}
	if errs == nil {
		errs = make([]error, len(ss))
	}
	for i := range ss {
		if e := b.odd(&ss[i]); e != nil {
			errs[i] = e
		}
	}
	return errs, nil
}

// written is how many outcomes were settled, in how many calls.
func (b *scribe) written() (items, calls int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.items, b.calls
}

// mean fails unless so many outcomes were settled, in batches of at least 40 on
// average.
func (b *scribe) mean(t *testing.T, want int) {
	t.Helper()
	items, calls := b.written()
	mean := float64(items) / float64(calls)
	t.Logf("%d outcomes in %d calls: %.1f", items, calls, mean)
	if items != want || mean < 40 {
		t.Errorf("%d of %d outcomes, %.1f in a call", items, want, mean)
	}
}

// scribed puts a scribe before the store.
func (s *scene) scribed() *scribe {
	b := &scribe{Backend: s.store}
	s.q = queue.New[ask, int](b, "answers")
	return b
}

// A store that takes its time makes batches: with 150 µs a call and handlers that
// return at once, the mean batch is at least 40 (a goal of the plan).
func TestSettleBatchesGrowWithTheStoresTime(t *testing.T) {
	for name, arrive := range map[string]func(s *scene){
		"backlog": func(s *scene) { s.enqueueAll(4000) },
		"traffic": func(s *scene) { // 400,000 a second
			for range 200 {
				s.enqueueAll(20)
				time.Sleep(50 * time.Microsecond)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *scene) {
				b := s.scribed()
				s.store.Inject(backendtest.Fault{Verb: backendtest.Settle, Kind: backendtest.Delay, Delay: 150 * time.Microsecond})
				w := s.worker(answer)
				w.Concurrency = 100
				s.start(w)
				arrive(s)
				pass(20 * time.Millisecond) // 4000 jobs take 10 ms by 400 in a ms
				b.mean(t, 4000)
			})
		})
	}
}

// When Concurrency outcomes wait to be written, no more is claimed: what runs then may
// come on top.
func TestUnwrittenOutcomesHoldBackClaims(t *testing.T) {
	play(t, func(s *scene) {
		w := s.worker(answer)
		w.Concurrency = 10
		s.start(w)
		s.store.Inject(backendtest.Fault{Verb: backendtest.Settle, Kind: backendtest.Delay, Delay: 10 * time.Second})
		s.enqueueAll(200)
		for range 60 {
			pass(time.Second)
			stats, err := s.q.Stats(s.Context())
			match(s, err, nil)
			if h := w.Health(); h.Settling >= 20 || stats.Running > 20 {
				s.Fatalf("%d wait to be written, %d are leased", h.Settling, stats.Running)
			}
		}
	})
}

// Whatever goes wrong on the way to the store, each outcome is recorded once.
func TestRule_R6_OutcomesAreWrittenThroughFaults(t *testing.T) {
	for name, f := range map[string]backendtest.Fault{
		"requests are lost": {Rate: backendtest.Times(7)},
		"replies are lost":  {When: backendtest.After, Rate: backendtest.Times(7)},
		"one in three":      {When: backendtest.After, Rate: backendtest.Every(3)},
		"repeated":          {Kind: backendtest.Repeat},
		"hangs":             {Kind: backendtest.Delay, Delay: time.Hour, Rate: backendtest.Times(2)},
		"hangs afterwards":  {When: backendtest.After, Kind: backendtest.Delay, Delay: time.Hour, Rate: backendtest.Times(2)},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *scene) {
				to := &topic{}
				s.q.Announce = to
				f.Verb = backendtest.Settle
				s.store.Inject(f)
				w := s.worker(func(ctx context.Context, job *queue.Job[ask]) (int, error) {
					switch job.Args.N % 3 {
					case 1:
						return 0, worker.Permanent(errSad)
					case 2:
						if job.Attempt == 1 {
							return 0, errSad
						}
					}
					return answer(ctx, job)
				})
				w.Concurrency = 4
				s.start(w)
				refs := s.enqueueAll(12)
				pass(time.Hour)
				for i, ref := range refs {
					switch i % 3 {
					case 0:
						s.expectAnswer(ref, 2*i)
						s.expect(ref, queue.Succeeded, 1)
					case 1:
						if r := s.expect(ref, queue.Dead, 1); len(r.Failures) != 1 {
							t.Errorf("failures %v", r.Failures)
						}
					case 2:
						if r := s.expect(ref, queue.Succeeded, 2); len(r.Failures) != 1 {
							t.Errorf("failures %v", r.Failures)
						}
					}
				}
				if n := len(to.delivered()); n < 12 {
					t.Errorf("%d events", n)
				}
				if h := w.Health(); !h.Ready() || h.Settling != 0 || h.Busy != 0 || h.Announcing != 0 {
					t.Errorf("health %+v", h)
				}
				stats, err := s.q.Stats(s.Context())
				match(s, err, nil)
				if stats.Owing != 0 || stats.Running != 0 {
					t.Errorf("stats %+v", stats)
				}
			})
		})
	}
}

// An item whose error says nothing is asked again; its neighbours are not.
func TestUnknownOutcomeOfOneJobIsAskedAgain(t *testing.T) {
	play(t, func(s *scene) {
		b := s.scribed()
		odd, tries := queue.Ref{}, 0
		b.odd = func(x *backends.Settlement) error {
			if x.Lease.Job.Ref != odd || tries == 5 {
				return nil
			}
			tries++
			return errors.New("connection reset")
		}
		refs := s.enqueueAll(10)
		odd = refs[3]
		w := s.worker(answer)
		w.Concurrency = 10
		s.start(w)
		pass(time.Minute)
		for i, ref := range refs {
			s.expectAnswer(ref, 2*i)
		}
		if items, _ := b.written(); tries != 5 || items != 15 {
			t.Errorf("%d tries, %d items", tries, items)
		}
	})
}

// One job that never gets an answer doesn't slow down the others for long.
func TestOneJobWithoutAnswerHoldsNobodyUp(t *testing.T) {
	play(t, func(s *scene) {
		b := s.scribed()
		b.odd = func(x *backends.Settlement) error {
			if x.Lease.Job.Tenant == "odd" {
				return errors.New("connection reset")
			}
			return nil
		}
		w := s.worker(answer)
		w.Concurrency = 10
		s.start(w)
		s.enqueue(1, queue.Tenant("odd"))
		refs := s.enqueueAll(1000)
		pass(time.Minute)
		for i, ref := range refs {
			s.expectAnswer(ref, 2*i)
		}
	})
}

// Every answer of the contract is final: the attempt is over, whatever it says.
func TestAnswersOfTheContractAreFinal(t *testing.T) {
	for _, err := range []error{
		backends.ErrLost, backends.ErrCancelled, backends.ErrSuperseded, backends.ErrEnded, backends.ErrNotFound,
		backends.ErrNotReady, backends.ErrTooLarge, backends.ErrInvalid, backends.ErrIllegal, errors.ErrUnsupported,
	} {
		for _, end := range []error{nil, errSad, worker.Permanent(errSad), worker.Snooze(time.Hour)} {
			play(t, func(s *scene) {
				b := s.scribed()
				b.odd = func(*backends.Settlement) error { return err }
				w := s.worker(fails(1, end))
				s.start(w)
				s.enqueue(1)
				pass(time.Second / 2)
				if h := w.Health(); h.Settling != 0 || h.Busy != 0 || h.Announcing != 0 {
					t.Errorf("%v of %v: %+v", err, end, h)
				}
				if _, calls := b.written(); calls == 0 || calls > 3 {
					t.Errorf("%v of %v: %d calls", err, end, calls)
				}
			})
		}
	}
}

// A store that was closed under the worker: Run ends with that, and at once, since
// nothing will ever be written.
func TestClosedStoreEndsTheWorker(t *testing.T) {
	play(t, func(s *scene) {
		w := s.worker(func(ctx context.Context, job *queue.Job[ask]) (int, error) {
			time.Sleep(time.Minute)
			return answer(ctx, job)
		})
		w.Concurrency, w.Grace = 3, time.Hour
		sh := s.start(w)
		s.enqueueAll(2)
		pass(time.Second)
		match(s, s.store.Close(), nil)
		match(s, sh.wait(), queue.ErrClosed)
		if d := since(); d != time.Minute {
			t.Errorf("it ended after %v", d)
		}
	})
}
