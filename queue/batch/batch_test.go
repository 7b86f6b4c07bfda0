package batch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/queue/batch"
	"github.com/leat-go/leat/result"
)

func sum(n int) int { return n * (n - 1) }

func TestRule_R14_CollatedOnceWhenTheLastSliceHasEnded(t *testing.T) {
	for _, n := range []int{0, 1, 2, 499, 500, 501, 1203} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			in(t, func(t *testing.T, s *scene) {
				stop := s.work()
				ticket := s.start(upTo(n), queue.Tenant("zeta"))
				got, err := result.Wait(t.Context(), s.batch.Collate, ticket.Ref)
				if err != nil || got != (report{n, 0, sum(n)}) {
					t.Errorf("%+v, %v", got, err)
				}
				stop()
				s.handled(n, 1)
				if len(s.collated) != 1 || !s.collated[0].Whole {
					t.Errorf("collated %+v", s.collated)
				}
			})
		})
	}
}

// The collation job has a place and progress from the first second, and waits for the
// last slice.
func TestRule_R14_TheCollationJobIsThereFromTheStart(t *testing.T) {
	in(t, func(t *testing.T, s *scene) {
		ticket, err := s.batch.Start(t.Context(), night{"2026-12-09"}, breaking(700), queue.Key("night"))
		if !errors.Is(err, errTorn) || ticket.ID == "" {
			t.Fatalf("%+v, %v", ticket, err)
		}
		stop := s.work()
		defer stop()
		time.Sleep(time.Hour)
		st, err := result.Lookup(t.Context(), s.batch.Collate, ticket.Ref)
		if err != nil || st.Phase() != "held" || st.Batch == nil || st.Batch.Ended != 500 || st.Batch.Sealed {
			t.Errorf("%v, %+v of %+v", err, st, st.Batch)
		}
	})
}

// A splitter that died starts again: each slice is one job, and is handled once.
func TestRule_R14_ASplitterThatDiedGoesOn(t *testing.T) {
	in(t, func(t *testing.T, s *scene) {
		stop := s.work()
		defer stop()
		var first queue.Ticket
		for i, broken := range []int{0, 700, 1600, 1600} {
			ticket, err := s.batch.Start(t.Context(), night{"2026-12-09"}, breaking(broken), queue.Key("night"))
			if !errors.Is(err, errTorn) {
				t.Fatal(err)
			}
			if i == 0 {
				first = ticket
			} else if ticket.Ref != first.Ref || !ticket.Duplicate {
				t.Errorf("another job: %+v", ticket)
			}
			time.Sleep(time.Minute)
		}
		for range 2 { // sealed, it is what it is, whatever the iterator has
			s.start(upTo(1800), queue.Key("night"))
		}
		s.start(breaking(3), queue.Key("night"))
		if r := s.ended(first.Ref); r.State != backends.Succeeded {
			t.Fatalf("%v: %s", r.State, r.Reason)
		}
		s.handled(1800, 1)
	})
}

func TestRule_R2_OtherSlicesUnderAKeyAreRefused(t *testing.T) {
	in(t, func(t *testing.T, s *scene) {
		_, err := s.batch.Start(t.Context(), night{"2026-12-09"}, breaking(500), queue.Key("night"))
		if !errors.Is(err, errTorn) {
			t.Fatal(err)
		}
		others := func(yield func(page, error) bool) {
			for i := range 500 {
				if !yield(page{i + 1}, nil) {
					return
				}
			}
		}
		if _, err := s.batch.Start(t.Context(), night{"2026-12-09"}, others, queue.Key("night")); !errors.Is(err, queue.ErrKeyReused) {
			t.Errorf("other slices: %v", err)
		}
		if _, err := s.batch.Start(t.Context(), night{"2026-12-09"}, upTo(499), queue.Key("night")); !errors.Is(err, queue.ErrKeyReused) {
			t.Errorf("fewer slices: %v", err)
		}
		if _, err := s.batch.Start(t.Context(), night{"2026-12-10"}, upTo(3), queue.Key("night")); !errors.Is(err, queue.ErrKeyReused) {
			t.Errorf("other args: %v", err)
		}
		if _, err := s.batch.Collate.Enqueue(t.Context(), night{"x"}, queue.Key("no batch")); err != nil {
			t.Fatal(err)
		}
		if _, err := s.batch.Start(t.Context(), night{"x"}, upTo(3), queue.Key("no batch")); !errors.Is(err, queue.ErrKeyReused) {
			t.Errorf("the key of a job that is no batch: %v", err)
		}
	})
}

func TestRule_R14_WhenSlicesFail(t *testing.T) {
	for name, c := range map[string]struct {
		tolerate  int
		torn      []int
		whole     bool
		cancelled bool
		want      report
	}{
		"fail fast":               {0, []int{3}, false, true, report{40, 1, 0}},
		"one is tolerated":        {1, []int{3}, true, false, report{40, 1, sum(40) - 6}},
		"two are too many":        {1, []int{3, 5}, false, true, report{40, 2, 0}},
		"all of them are no harm": {-1, []int{0, 1, 2, 3, 39}, true, false, report{40, 5, sum(40) - 12 - 78}},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, s *scene) {
				s.batch.Tolerate = c.tolerate
				torn := tornAt(c.torn...)
				s.handle = func(ctx context.Context, job *queue.Job[page]) (double, error) {
					d, err := torn(ctx, job)
					if err == nil && job.Args.N > 10 { // still at it when the first fail
						select {
						case <-time.After(time.Minute):
						case <-ctx.Done():
							return d, context.Cause(ctx)
						}
					}
					return d, err
				}
				stop := s.work(20)
				defer stop()
				start := time.Now()
				r := s.ended(s.start(upTo(40)).Ref)
				var got report
				if err := json.Unmarshal(r.Result, &got); err != nil {
					t.Fatal(err)
				}
				if c.cancelled {
					got.Sum = 0 // as many as were done by then
				}
				if got != c.want {
					t.Errorf("%+v", got)
				}
				if fast := time.Since(start) < 30*time.Second; fast != c.cancelled {
					t.Errorf("after %v", time.Since(start))
				}
				if n := len(s.collated); n != 1 || s.collated[0].Whole != c.whole {
					t.Errorf("collated %d times: %+v", n, s.collated)
				}
				time.Sleep(10 * time.Second)
				states := s.states()
				if live := states[backends.Waiting] + states[backends.Running]; live > 0 || states[backends.Dead] != len(c.torn) || (states[backends.Cancelled] > 0) != c.cancelled {
					t.Errorf("%v", states)
				}
			})
		})
	}
}

// Of a slice without a result the handler is told why.
func TestPartsSayWhatBecameOfEach(t *testing.T) {
	in(t, func(t *testing.T, s *scene) {
		s.batch.Tolerate = -1
		s.handle = tornAt(1)
		stop := s.work()
		defer stop()
		ticket := s.start(upTo(3))
		s.ended(ticket.Ref)
		parts, err := s.batch.Parts(t.Context(), ticket.Ref)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for part, err := range parts.All(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			what := fmt.Sprint(part.Result.N)
			if ended, ok := errors.AsType[*result.EndedError](part.Err); ok {
				what = ended.State.String()
			}
			got = append(got, what)
		}
		if d := cmp.Diff([]string{"0", "dead", "4"}, got); d != "" {
			t.Error(d)
		}
		results := map[int]int{}
		for i, p := range parts.Results(t.Context()) {
			results[i] = p.N
		}
		if d := cmp.Diff(map[int]int{0: 0, 2: 4}, results); d != "" {
			t.Error(d)
		}
		s.store.Inject(backendtest.Fault{Verb: backendtest.Lookup})
		for part, err := range parts.All(t.Context()) {
			if !errors.Is(err, backendtest.ErrInjected) {
				t.Errorf("a store that is away: %+v, %v", part, err)
			}
		}
	})
}

func TestCancelEndsAll(t *testing.T) {
	in(t, func(t *testing.T, s *scene) {
		told := make(chan error, 1000)
		s.handle = func(ctx context.Context, job *queue.Job[page]) (double, error) {
			<-ctx.Done()
			told <- context.Cause(ctx)
			return double{}, ctx.Err()
		}
		stop := s.work(5)
		defer stop()
		ticket := s.start(upTo(100))
		time.Sleep(time.Second)
		for range 2 {
			if err := s.batch.Cancel(t.Context(), ticket.Ref); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		if d := cmp.Diff(map[backends.State]int{backends.Cancelled: 100}, s.states()); d != "" {
			t.Error(d)
		}
		if err := <-told; len(told) != 4 || !errors.Is(err, queue.ErrCancelled) {
			t.Errorf("%d more were told, the first: %v", len(told), err)
		}
		if r := s.ended(ticket.Ref); r.State != backends.Cancelled || len(s.collated) != 0 {
			t.Errorf("%v, collated %d times", r.State, len(s.collated))
		}
		if _, err := s.batch.Start(t.Context(), night{"x"}, func(yield func(page, error) bool) {
			yield(page{0}, nil)
		}, queue.Key("k")); err != nil {
			t.Fatal(err)
		}
		if err := s.batch.Cancel(t.Context(), queue.Ref{ID: "none"}); !errors.Is(err, queue.ErrNotFound) {
			t.Errorf("%v", err)
		}
	})
}

// A batch that is cancelled while it is split takes no more slices.
func TestASplitterHearsThatItsBatchHasEnded(t *testing.T) {
	in(t, func(t *testing.T, s *scene) {
		var ref queue.Ref
		slices := func(yield func(page, error) bool) {
			for i := range 2000 {
				if i == 1200 {
					for r, err := range s.root.Jobs(t.Context(), queue.Filter{AnyTenant: true}) {
						if err == nil && r.Job.Kind == "report" {
							ref = r.Job.Ref
						}
					}
					if err := s.batch.Cancel(t.Context(), ref); err != nil {
						t.Error(err)
					}
				}
				if !yield(page{i}, nil) {
					return
				}
			}
		}
		if _, err := s.batch.Start(t.Context(), night{"x"}, slices); !errors.Is(err, queue.ErrEnded) {
			t.Errorf("%v", err)
		}
		if d := cmp.Diff(map[backends.State]int{backends.Cancelled: 1000}, s.states()); d != "" {
			t.Error(d)
		}
	})
}

func TestABatchThatExpiresTakesItsSlicesAlong(t *testing.T) {
	in(t, func(t *testing.T, s *scene) {
		ticket := s.start(upTo(10), queue.Expiry(time.Hour), queue.Tenant("zeta"))
		time.Sleep(time.Hour + time.Second)
		if r := s.ended(ticket.Ref); r.State != backends.Expired {
			t.Errorf("%v", r.State)
		}
		stop := s.work()
		time.Sleep(time.Minute)
		stop()
		if d := cmp.Diff(map[backends.State]int{backends.Expired: 10}, s.states()); d != "" {
			t.Error(d)
		}
		s.handled(0, 0)
	})
}

// A splitter is bounded by the backlog, and waits for room.
func TestRule_R12_ASplitterWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := memory.New(memory.Options{})
		defer inner.Close()
		s := newScene(t, inner)
		s.root.Backlog = 600
		s.batch.Slices, s.batch.Collate = queue.View[page, double](s.root, "page"), queue.View[night, report](s.root, "report")
		s.handle = func(context.Context, *queue.Job[page]) (double, error) {
			st, err := s.root.Stats(t.Context())
			if err != nil || st.Depth() > 601 {
				t.Errorf("%d wait, %v", st.Depth(), err)
			}
			time.Sleep(time.Second)
			return double{}, nil
		}
		stop := s.work(50)
		defer stop()
		s.ended(s.start(upTo(3000)).Ref)
		s.handled(3000, 1)
	})
}

func TestABatchThatCantBe(t *testing.T) {
	in(t, func(t *testing.T, s *scene) {
		other := memory.New(memory.Options{})
		defer other.Close()
		for name, b := range map[string]batch.Batch[page, double, night, report]{
			"no queues":      {},
			"no collation":   {Slices: s.batch.Slices},
			"two backends":   {Slices: s.batch.Slices, Collate: queue.New[night, report](other, "nightly")},
			"the same kinds": {Slices: s.batch.Slices, Collate: queue.View[night, report](s.root, "page")},
		} {
			if _, err := b.Start(t.Context(), night{}, upTo(1)); !errors.Is(err, queue.ErrInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		plain := &forgetful{other}
		b := batch.Batch[page, double, night, report]{
			Slices: queue.New[page, double](plain, "pages"), Collate: queue.New[night, report](plain, "reports"),
		}
		if _, err := b.Start(t.Context(), night{}, upTo(1)); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("without records: %v", err)
		}
		if n := len(s.states()); n != 0 {
			t.Errorf("%d states", n)
		}
	})
}

// forgetful is a backend without records.
type forgetful struct{ backends.Backend }

func (f *forgetful) Features() backends.Features {
	have := f.Backend.Features()
	have.Records = false
	return have
}

// A handler of the collation's that gets a job of another origin says so.
func TestACollationThatNobodyStarted(t *testing.T) {
	in(t, func(t *testing.T, s *scene) {
		stop := s.work()
		defer stop()
		ticket, err := s.batch.Collate.Enqueue(t.Context(), night{"x"}, queue.MaxAttempts(1))
		if err != nil {
			t.Fatal(err)
		}
		if r := s.ended(ticket.Ref); r.State != backends.Dead || len(r.Failures) != 1 || len(s.collated) != 0 {
			t.Errorf("%+v", r)
		}
	})
}
