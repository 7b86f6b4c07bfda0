package worker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// downstream is what the handlers use: a small database that refuses what is too much.
type downstream struct {
	mu      sync.Mutex
	limit   int          // at a time; 0 = no limit
	rate    backends.Cap // calls per second; 0 = no limit
	tokens  backends.Tokens
	running int

	used      float64 // slot-seconds of what it admitted
	changed   time.Time
	admitted  int
	throttled int
}

var errThrottled = errors.New("too many requests")

// call takes about so long, or is refused at once.
func (d *downstream) call(about time.Duration) error {
	if !d.enter() {
		return worker.RetryAfter(time.Second, errThrottled)
	}
	time.Sleep(about/2 + rand.N(about))
	d.leave()
	return nil
}

func (d *downstream) enter() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tokens = d.tokens.Filled(time.Now().UnixNano(), d.rate)
	if d.limit > 0 && d.running >= d.limit || d.rate.Rate > 0 && d.tokens.Claims() < 1 {
		d.throttled++
		return false
	}
	if d.rate.Rate > 0 {
		d.tokens = d.tokens.Take(1)
	}
	d.admitted++
	d.tally()
	d.running++
	return true
}

func (d *downstream) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tally()
	d.running--
}

// tally adds up what was used since it was last called.
func (d *downstream) tally() {
	now := time.Now()
	d.used += float64(d.running) * now.Sub(d.changed).Seconds()
	d.changed = now
}

// during is what went on in a while: how many ran on average, how many calls were
// refused of each that was admitted, and how many were admitted in a second.
func (d *downstream) during(while time.Duration) (mean, refused, perSecond float64) {
	d.mu.Lock()
	d.tally()
	used, admitted, throttled := d.used, d.admitted, d.throttled
	d.mu.Unlock()
	time.Sleep(while)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tally()
	n := float64(d.admitted - admitted)
	return (d.used - used) / while.Seconds(), float64(d.throttled-throttled) / n, n / while.Seconds()
}

// adapting is a queue with a backlog that doesn't end, and workers on one downstream.
type adapting struct {
	*testing.T
	*downstream
	q    *queue.Queue[int, queue.None]
	took time.Duration
	jobs atomic.Int64 // that wait, always
	stop context.CancelFunc
	ctx  context.Context
	all  sync.WaitGroup
}

func adapt(t *testing.T, took time.Duration, story func(*adapting)) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New(memory.Options{})
		defer store.Close()
		a := &adapting{T: t, downstream: &downstream{changed: time.Now()}, q: queue.New[int, queue.None](store, "calls"), took: took}
		a.q.MaxAttempts, a.q.Retention = 1000, -1
		a.jobs.Store(1000)
		a.ctx, a.stop = context.WithCancel(t.Context())
		defer func() { a.stop(); a.all.Wait() }()
		a.all.Go(a.fill)
		story(a)
	})
}

// fill keeps jobs waiting, those that are throttled among them.
func (a *adapting) fill() {
	for a.ctx.Err() == nil {
		st, err := a.q.Stats(a.ctx)
		if n := int(a.jobs.Load()) - st.Depth(); err == nil && n > 0 {
			_, err = a.q.EnqueueAll(a.ctx, make([]queue.Item[int], n))
		}
		if err != nil && a.ctx.Err() == nil {
			a.Error(err)
		}
		select {
		case <-time.After(a.took):
		case <-a.ctx.Done():
		}
	}
}

// work starts a worker, and returns how many calls of it the downstream admitted.
func (a *adapting) work(l worker.Limiter) (w *worker.Worker[int, queue.None], calls func() int) {
	var mu sync.Mutex
	n := 0
	w = worker.New(a.q, worker.NoResult(func(context.Context, *queue.Job[int]) error {
		err := a.call(a.took)
		if err == nil {
			mu.Lock()
			n++
			mu.Unlock()
		}
		return err
	}))
	w.Concurrency, w.Limiter, w.Logger = 64, l, slog.New(slog.DiscardHandler)
	a.all.Go(func() {
		if err := w.Run(a.ctx); err != nil {
			a.Error(err)
		}
	})
	return w, func() int { mu.Lock(); defer mu.Unlock(); return n }
}

func (a *adapting) limitTo(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.limit = n
}

// within fails unless got is want, give or take a share of it.
func within(t *testing.T, what string, got, want, share float64) {
	t.Helper()
	if t.Logf("%s: %.2f, ideally %.0f", what, got, want); got < want*(1-share) || got > want*(1+share) {
		t.Errorf("%s: %.2f, want %.0f ± %.0f %%", what, got, want, share*100)
	}
}

// A limit that moves is found again, and kept within a fifth: no job is dead for it,
// and few calls are made in vain.
func TestLimiterSettlesWhereTheLimitMovesTo(t *testing.T) {
	adapt(t, 100*time.Millisecond, func(a *adapting) {
		w, _ := a.work(&worker.AIMD{})
		for _, limit := range []int{20, 5, 40, 40} {
			a.limitTo(limit)
			time.Sleep(20 * time.Second)
			mean, refused, _ := a.during(time.Minute)
			within(t, fmt.Sprintf("in flight under a limit of %d", limit), mean, float64(limit), 0.2)
			if t.Logf("%.2f %% of the calls are throttled", 100*refused); refused > 0.03 {
				t.Errorf("%.1f %% of the calls are throttled", 100*refused)
			}
			if h := w.Health(); h.Limit > limit+1 || h.Limit < limit/2 || h.Concurrency != 64 || len(h.Problems) > 0 {
				t.Errorf("health %+v", h)
			}
		}
		st, err := a.q.Stats(t.Context())
		if err != nil || st.Ended[queue.Dead] > 0 {
			t.Errorf("%+v, %v", st, err)
		}
	})
}

// Where the limit is a rate, what runs at a time follows from it and from how long a
// call takes.
func TestLimiterSettlesUnderARate(t *testing.T) {
	adapt(t, 200*time.Millisecond, func(a *adapting) {
		a.rate = backends.Cap{Rate: 100, Burst: 10}
		a.work(&worker.AIMD{})
		time.Sleep(30 * time.Second)
		mean, refused, perSecond := a.during(time.Minute)
		within(t, "in flight", mean, 20, 0.2)
		within(t, "calls per second", perSecond, 100, 0.2)
		if t.Logf("%.2f %% of the calls are throttled", 100*refused); refused > 0.03 {
			t.Errorf("%.1f %% of the calls are throttled", 100*refused)
		}
	})
}

// A rate that one slot alone exceeds is a matter of time: at Min the pool pauses.
func TestLimiterPausesWhereOneSlotIsTooMuch(t *testing.T) {
	adapt(t, 10*time.Millisecond, func(a *adapting) {
		a.rate = backends.Cap{Rate: 1, Burst: 1}
		a.jobs.Store(20)
		a.work(&worker.AIMD{})
		time.Sleep(30 * time.Second)
		_, refused, perSecond := a.during(5 * time.Minute)
		t.Logf("%.2f calls a second, %.2f refused for each", perSecond, refused)
		if perSecond < 0.4 || refused > 1.5 {
			t.Errorf("%.2f calls a second, %.2f refused for each", perSecond, refused)
		}
	})
}

// Without a Limiter nothing changes: the pool runs as many as Concurrency says, and most
// calls are in vain. It is what the others are measured against.
func TestWithoutALimiterMostCallsAreThrottled(t *testing.T) {
	adapt(t, 100*time.Millisecond, func(a *adapting) {
		a.limitTo(5)
		w, _ := a.work(nil)
		time.Sleep(10 * time.Second)
		if _, refused, _ := a.during(20 * time.Second); refused < 1 {
			t.Errorf("%.2f refused for each call: nothing to be gained", refused)
		}
		if h := w.Health(); h.Limit != 64 {
			t.Errorf("health %+v", h)
		}
	})
}

// Workers that don't know of each other share what throttles them, whoever was first.
func TestLimitersShareADownstream(t *testing.T) {
	adapt(t, 100*time.Millisecond, func(a *adapting) {
		a.limitTo(30)
		var calls []func() int
		for range 3 {
			_, n := a.work(&worker.AIMD{})
			calls = append(calls, n)
			time.Sleep(20 * time.Second)
		}
		time.Sleep(time.Minute)
		var before []int
		for _, n := range calls {
			before = append(before, n())
		}
		mean, refused, _ := a.during(5 * time.Minute)
		within(t, "all of them", mean, 30, 0.2)
		if t.Logf("%.2f %% of the calls are throttled", 100*refused); refused > 0.05 {
			t.Errorf("%.1f %% of the calls are throttled", 100*refused)
		}
		sum, squares := 0.0, 0.0
		for i, n := range calls {
			x := float64(n() - before[i])
			t.Logf("worker %d: %.1f at a time", i, x*a.took.Seconds()/300)
			sum, squares = sum+x, squares+x*x
		}
		if jain := sum * sum / (3 * squares); jain < 0.95 {
			t.Errorf("Jain's index %.3f", jain)
		}
	})
}

// told is a Limiter that says what a test says, and keeps what it hears.
type told struct {
	mu    sync.Mutex
	limit int
	pause time.Duration
	heard seen[worker.Outcome]
}

func (l *told) Limit() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.limit
}

func (l *told) Ended(o worker.Outcome) time.Duration {
	l.heard.add(o)
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pause
}

// What a Limiter says holds between 1 and Concurrency.
func TestRule_R8_TheLimitIsBetweenOneAndConcurrency(t *testing.T) {
	for limit, want := range map[int]int{-5: 1, 0: 1, 1: 1, 3: 3, 8: 8, 100: 8} {
		play(t, func(s *scene) {
			w := s.worker(waits(10 * time.Second))
			w.Concurrency, w.Limiter = 8, &told{limit: limit}
			s.enqueueAll(20)
			s.start(w)
			pass(time.Second)
			if h := w.Health(); h.Busy != want || h.Limit != want {
				t.Errorf("limit %d: health %+v, want %d", limit, h, want)
			}
		})
	}
}

// A limit that falls drops nothing: what is held runs to its end, and only then less is
// claimed.
func TestRule_R8_AFallingLimitDropsNothing(t *testing.T) {
	play(t, func(s *scene) {
		l := &told{limit: 8}
		w := s.worker(waits(time.Minute))
		w.Concurrency, w.Limiter = 8, l
		refs := s.enqueueAll(20)
		s.start(w)
		pass(time.Second)
		l.mu.Lock()
		l.limit = 2
		l.mu.Unlock()
		pass(30 * time.Second)
		if h := w.Health(); h.Busy != 8 {
			t.Errorf("%d run, all 8 should go on", h.Busy)
		}
		pass(time.Minute)
		if h := w.Health(); h.Busy != 2 || h.Limit != 2 {
			t.Errorf("then %d run, under a limit of 2", h.Busy)
		}
		pass(time.Hour)
		for _, ref := range refs {
			s.expect(ref, queue.Succeeded, 1)
		}
	})
}

// A pause keeps anything from beginning, and ends by itself.
func TestLimiterPauses(t *testing.T) {
	play(t, func(s *scene) {
		var begun seen[time.Duration]
		l := &told{limit: 2, pause: 10 * time.Second}
		w := s.worker(func(context.Context, *queue.Job[ask]) (int, error) {
			begun.add(since())
			return 0, nil
		})
		w.Concurrency, w.Limiter = 2, l
		s.enqueueAll(6)
		s.start(w)
		if h := w.Health(); h.Limit != 0 || h.Busy != 0 {
			t.Errorf("health %+v", h)
		}
		pass(time.Hour)
		want := "[0s 0s 10s 10s 20s 20s]"
		if got := fmt.Sprint(begun.list()); got != want {
			t.Errorf("jobs began after %s, want %s", got, want)
		}
	})
}

// A worker that pauses stops as any other.
func TestLimiterDoesNotHoldUpTheStop(t *testing.T) {
	play(t, func(s *scene) {
		w := s.worker(answer)
		w.Limiter = &told{limit: 1, pause: 1 << 62}
		s.enqueueAll(3)
		sh := s.start(w)
		pass(time.Minute)
		begin := since()
		sh.clean()
		if took := since() - begin; took > time.Second {
			t.Errorf("it stopped after %v", took)
		}
	})
}

// What a Limiter hears is what happened.
func TestLimiterHearsHowHandlersEnd(t *testing.T) {
	play(t, func(s *scene) {
		l := &told{limit: 8}
		w := s.worker(func(ctx context.Context, job *queue.Job[ask]) (int, error) {
			time.Sleep(time.Second)
			switch job.Args.N {
			case 1:
				return 0, fmt.Errorf("the database: %w", worker.RetryAfter(time.Hour, errThrottled))
			case 2:
				return 0, worker.Permanent(errSad)
			case 3:
				<-ctx.Done()
			}
			return 0, nil
		})
		w.Concurrency, w.Limiter, w.RunLimit = 8, l, time.Minute
		s.start(w)
		for n := range 4 {
			s.enqueue(n)
			pass(10 * time.Minute)
		}
		heard := l.heard.list()
		if len(heard) != 4 {
			t.Fatalf("heard %+v", heard)
		}
		for n, o := range heard {
			if o.Running != 1 || o.Concurrency != 8 || o.Took < time.Second || o.Begun.IsZero() || o.Throttled != (n == 1) {
				t.Errorf("of job %d: %+v", n, o)
			}
		}
		match(t, heard[0].Err, nil)
		match(t, heard[1].Err, errThrottled)
		match(t, heard[2].Err, errSad)
		match(t, heard[3].Err, worker.ErrRunLimit)
		if heard[1].After != time.Hour {
			t.Errorf("%+v", heard[1])
		}
	})
}

// alarming is a Limiter with a fault.
type alarming struct{ told }

func (*alarming) Ended(worker.Outcome) time.Duration { panic("alas") }

// A Limiter that panics is not asked any more: its last word stands, and the log says so
// once.
func TestLimiterThatPanicsIsLeftAlone(t *testing.T) {
	play(t, func(s *scene) {
		l := &alarming{told{limit: 3}}
		w := s.worker(waits(time.Second))
		w.Concurrency, w.Limiter = 8, l
		s.enqueueAll(100)
		s.start(w)
		pass(10*time.Second + time.Millisecond)
		l.mu.Lock()
		l.limit = 8
		l.mu.Unlock()
		pass(10 * time.Second)
		if h := w.Health(); h.Limit != 3 || h.Busy != 3 {
			t.Errorf("health %+v", h)
		}
		if n := strings.Count(s.lines.String(), "the Limiter panics"); n != 1 {
			t.Errorf("the log says so %d times", n)
		}
	})
}
