package worker_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// reports is a Reporter that remembers.
type reports struct {
	percent seen[float64]
	text    seen[string]
}

func (r *reports) Progress(percent float64, text string) {
	r.percent.add(percent)
	r.text.add(text)
}

func TestEachRunsAllWithinTheLimit(t *testing.T) {
	for limit, want := range map[int]time.Duration{1: 10, 3: 4, 10: 1, 1000: 1} {
		synctest.Test(t, func(t *testing.T) {
			var running, most atomic.Int64
			var r reports
			done := make([]string, 10)
			begun := time.Now()
			err := worker.Each(t.Context(), &r, limit, []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"},
				func(_ context.Context, i int, item string) error {
					most.Store(max(most.Load(), running.Add(1)))
					time.Sleep(time.Second)
					running.Add(-1)
					done[i] = item
					return nil
				})
			if err != nil || time.Since(begun) != want*time.Second || most.Load() > int64(limit) {
				t.Errorf("limit %d: %v after %v, %d at a time", limit, err, time.Since(begun), most.Load())
			}
			if got := r.percent.list(); len(got) != 10 || !slices.IsSorted(got) || got[9] != 100 || r.text.list()[2] != "3 of 10" {
				t.Errorf("reports %v, %q", got, r.text.list())
			}
			if !slices.Equal(done, []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}) {
				t.Errorf("done %q", done)
			}
		})
	}
}

func TestEachOfNothing(t *testing.T) {
	err := worker.Each(t.Context(), nil, 4, nil, func(context.Context, int, int) error { return errSad })
	if err != nil {
		t.Error(err)
	}
}

func TestEachWithoutALimitTakesTheProcessors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running, most atomic.Int64
		err := worker.Each(t.Context(), nil, 0, make([]int, 100), func(context.Context, int, int) error {
			most.Store(max(most.Load(), running.Add(1)))
			time.Sleep(time.Second)
			running.Add(-1)
			return nil
		})
		if err != nil || most.Load() != int64(min(100, runtime.GOMAXPROCS(0))) {
			t.Errorf("%v, %d at a time", err, most.Load())
		}
	})
}

// The first error ends the others, begins no more, and is the answer.
func TestEachEndsWithTheFirstError(t *testing.T) {
	for name, fail := range map[string]func() error{
		"error": func() error { return errSad }, "panic": func() error { panic(errSad) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var begun, told atomic.Int64
				var r reports
				err := worker.Each(t.Context(), &r, 3, make([]int, 100), func(ctx context.Context, i int, _ int) error {
					begun.Add(1)
					if i == 1 {
						time.Sleep(time.Second)
						return fail()
					}
					<-ctx.Done()
					told.Add(1)
					return errors.New("told to stop")
				})
				if !errors.Is(err, errSad) || begun.Load() != 3 || told.Load() != 2 || r.text.len() != 0 {
					t.Errorf("%v after %d, %d of which were told", err, begun.Load(), told.Load())
				}
				if name == "panic" && !isA[*worker.PanicError](err) {
					t.Errorf("error %T", err)
				}
			})
		})
	}
}

// A goroutine that ends itself has failed; nobody waits for it, or loses its item.
func TestEachSurvivesGoexit(t *testing.T) {
	for _, limit := range []int{1, 2, 100} {
		synctest.Test(t, func(t *testing.T) {
			err := worker.Each(t.Context(), nil, limit, make([]int, 100), func(_ context.Context, i int, _ int) error {
				if i%10 == 5 {
					runtime.Goexit()
				}
				return nil
			})
			if err == nil || err.Error() != "the handler called runtime.Goexit" {
				t.Errorf("limit %d: %v", limit, err)
			}
		})
	}
}

func TestEachEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		var begun atomic.Int64
		time.AfterFunc(2500*time.Millisecond, func() { cancel(errSad) })
		err := worker.Each(ctx, nil, 2, make([]int, 100), func(ctx context.Context, _, _ int) error {
			begun.Add(1)
			time.Sleep(time.Second)
			return ctx.Err()
		})
		if err != errSad || begun.Load() != 6 {
			t.Errorf("%v after %d", err, begun.Load())
		}
	})
}

func TestEachOfAContextThatHasEndedBeginsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := worker.Each(ctx, nil, 2, make([]int, 100), func(context.Context, int, int) error {
		t.Error("it began")
		return nil
	})
	if err != context.Canceled {
		t.Error(err)
	}
}

// All is done, though the context has ended: that is no error.
func TestEachThatIsDoneIsDone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	err := worker.Each(ctx, nil, 1, make([]int, 3), func(_ context.Context, i, _ int) error {
		if i == 2 {
			cancel()
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestEachReportsToTheJob(t *testing.T) {
	play(t, func(s *scene) {
		s.work(func(ctx context.Context, job *queue.Job[ask]) (int, error) {
			err := worker.Each(ctx, job, 1, make([]int, 10), func(context.Context, int, int) error {
				time.Sleep(time.Second)
				return nil
			})
			return 42, err
		})
		ref := s.enqueue(1)
		pass(6*time.Second + time.Millisecond)
		if p := s.record(ref).Progress; p.Percent < 50 || p.Percent > 60 {
			t.Errorf("progress %+v", p)
		}
		pass(10 * time.Second)
		s.expectAnswer(ref, 42)
	})
}

// The handler's end is that of its items.
func TestEachEndsWithTheJob(t *testing.T) {
	play(t, func(s *scene) {
		var left atomic.Int64
		w := s.worker(func(ctx context.Context, job *queue.Job[ask]) (int, error) {
			return 0, worker.Each(ctx, job, 4, make([]int, 10), func(ctx context.Context, _, _ int) error {
				<-ctx.Done()
				left.Add(1)
				return ctx.Err()
			})
		})
		w.RunLimit = time.Minute
		s.start(w)
		ref := s.enqueue(1, queue.MaxAttempts(1))
		pass(2 * time.Minute)
		r := s.expect(ref, queue.Dead, 1)
		if want := "worker: the run limit was reached: worker: the run limit was reached"; r.Failures[0].Text != want || left.Load() != 4 {
			t.Errorf("failure %q, %d were told", r.Failures[0].Text, left.Load())
		}
	})
}
