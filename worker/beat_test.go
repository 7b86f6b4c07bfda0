package worker_test

import (
	"context"
	"math"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
)

// spy counts what beats carry.
type spy struct {
	backends.Backend
	beats    int // calls
	leases   int // renewed, in all
	progress []backends.Progress
}

func (b *spy) Extend(ctx context.Context, d time.Duration, beats []backends.Beat) ([]error, error) {
	b.beats++
	b.leases += len(beats)
	for _, x := range beats {
		if x.Progress != nil {
			b.progress = append(b.progress, *x.Progress)
		}
	}
	return b.Backend.Extend(ctx, d, beats)
}

// spied puts a spy before the store; only one worker beats in these stories.
func (s *scene) spied() *spy {
	b := &spy{Backend: s.store}
	s.q = queue.New[ask, int](b, "answers")
	return b
}

func TestRule_R8_LeaseIsKeptThroughALongHandler(t *testing.T) {
	play(t, func(s *scene) {
		s.work(func(ctx context.Context, job *queue.Job[ask]) (int, error) {
			time.Sleep(50 * time.Minute)
			return answer(ctx, job)
		})
		ref := s.enqueue(21)
		pass(time.Second)
		s.work(answer) // it would take what lapses
		pass(time.Hour)
		s.expectAnswer(ref, 42)
		if r := s.record(ref); r.Token != 1 || r.Crashes != 0 {
			t.Errorf("token %d, %d crashes", r.Token, r.Crashes)
		}
	})
}

func TestProgressLeavesWithTheNextBeat(t *testing.T) {
	play(t, func(s *scene) {
		b := s.spied()
		s.work(func(ctx context.Context, job *queue.Job[ask]) (int, error) {
			for i := range 10_000 { // 1,000 reports a second
				job.Progress(float64(i)/100, "going on")
				time.Sleep(time.Millisecond)
			}
			time.Sleep(time.Minute)
			job.Progress(50, "this goes back") // it doesn't
			job.Progress(math.NaN(), "nor is this a number")
			time.Sleep(time.Minute)
			return answer(ctx, job)
		})
		ref := s.enqueue(1)
		pass(3 * time.Second)
		if p := s.record(ref).Progress; p.Percent < 19 || p.Percent > 21 || p.Text != "going on" {
			t.Errorf("after a beat: %+v", p)
		}
		pass(time.Minute)
		if p := s.record(ref).Progress; p.Percent != 99.99 {
			t.Errorf("after all reports: %+v", p)
		}
		pass(2 * time.Minute)
		if p := s.record(ref).Progress; p.Percent != 99.99 || p.Text != "nor is this a number" {
			t.Errorf("at the end: %+v", p)
		}
		if n := len(b.progress); n != 6 {
			t.Errorf("beats carried %d reports, %v", n, b.progress)
		}
	})
}

// Progress that a beat could not bring leaves with the next.
func TestProgressIsNotLostWithABeat(t *testing.T) {
	play(t, func(s *scene) {
		s.work(func(ctx context.Context, job *queue.Job[ask]) (int, error) {
			job.Progress(40, "there")
			<-ctx.Done()
			return 0, ctx.Err()
		})
		s.store.Inject(backendtest.Fault{Verb: backendtest.Extend, Rate: backendtest.Times(3)})
		ref := s.enqueue(1)
		pass(7 * time.Second)
		if p := s.record(ref).Progress; p.Percent != 0 {
			t.Errorf("progress %+v", p)
		}
		pass(2 * time.Second)
		if p := s.record(ref).Progress; p.Percent != 40 {
			t.Errorf("progress %+v", p)
		}
	})
}

// A store that can't renew for a while, as long as it is less than a lease, costs
// nothing.
func TestBeatsThatFailForAWhileAreMadeUpFor(t *testing.T) {
	for name, f := range map[string]backendtest.Fault{
		"fail": {}, "hang": {Kind: backendtest.Delay, Delay: time.Hour}, "lose their reply": {When: backendtest.After},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *scene) {
				s.work(func(ctx context.Context, job *queue.Job[ask]) (int, error) {
					time.Sleep(5 * time.Minute)
					return answer(ctx, job)
				})
				ref := s.enqueue(21)
				pass(time.Second)
				s.work(answer)
				f.Verb = backendtest.Extend
				for range 5 {
					s.store.Inject(f)
					pass(18 * time.Second)
					s.store.Lift()
					pass(12 * time.Second)
				}
				pass(5 * time.Minute)
				s.expectAnswer(ref, 42)
				if r := s.record(ref); r.Token != 1 {
					t.Errorf("token %d", r.Token)
				}
			})
		})
	}
}

// What has run, and waits to be written or announced, is still held.
func TestRule_R8_LeaseIsKeptUntilAllIsWritten(t *testing.T) {
	play(t, func(s *scene) {
		to := &topic{}
		s.q.Announce = to
		s.work(answer)
		s.store.Inject(backendtest.Fault{Verb: backendtest.Settle, Rate: backendtest.Times(50)})
		to.delay = 25 * time.Second // below the timeout of a call
		ref := s.enqueue(21)
		pass(10 * time.Second)
		s.work(answer)
		pass(time.Hour)
		s.expectAnswer(ref, 42)
		if r := s.record(ref); r.Token != 1 || r.Owes != 0 {
			t.Errorf("token %d, owes %v", r.Token, r.Owes)
		}
		if n := len(to.delivered()); n != 1 {
			t.Errorf("%d events", n)
		}
	})
}

func TestOneBeatRenewsAllLeases(t *testing.T) {
	play(t, func(s *scene) {
		b := s.spied()
		w := s.worker(untilDone)
		w.Concurrency = 50
		s.start(w)
		s.enqueueAll(50)
		pass(20*time.Second + time.Millisecond)
		if b.beats != 10 || b.leases != 500 {
			t.Errorf("%d beats for %d leases in 20 s", b.beats, b.leases)
		}
	})
}

func TestBeatIsAThirdOfTheLease(t *testing.T) {
	for lease, want := range map[time.Duration]int{3 * time.Second: 60, 30 * time.Second: 30, time.Hour: 30} {
		play(t, func(s *scene) {
			b := s.spied()
			w := s.worker(untilDone)
			w.Lease = lease
			s.start(w)
			s.enqueue(1)
			pass(time.Minute + time.Millisecond)
			if b.beats != want {
				t.Errorf("%d beats a minute for a lease of %v, want %d", b.beats, lease, want)
			}
		})
	}
	dear := &dearBeats{}
	play(t, func(s *scene) {
		b := &spy{Backend: s.store}
		dear.Backend = b
		s.q = queue.New[ask, int](dear, "answers")
		s.start(s.worker(untilDone))
		s.enqueue(1)
		pass(time.Minute + time.Millisecond)
		if b.beats != 6 {
			t.Errorf("%d beats a minute where beats are dear", b.beats)
		}
	})
}

// dearBeats is a store where extending costs.
type dearBeats struct{ backends.Backend }

func (d *dearBeats) Features() backends.Features {
	f := d.Backend.Features()
	f.CheapExtend = false
	return f
}

// halfDeaf fails some beats of a call, and makes the others.
type halfDeaf struct {
	backends.Backend
	deaf func(queue.Ref) bool
}

func (h *halfDeaf) Extend(ctx context.Context, d time.Duration, beats []backends.Beat) ([]error, error) {
	errs := make([]error, len(beats))
	for i := range beats {
		if h.deaf(beats[i].Lease.Job.Ref) {
			errs[i] = errSad
			continue
		}
		one, err := h.Backend.Extend(ctx, d, beats[i:i+1])
		if errs[i] = err; err == nil && one != nil {
			errs[i] = one[0]
		}
	}
	return errs, nil
}

// A beat that fails for one lease of many is told, and its progress leaves with a later one.
func TestOneLeaseThatCantBeRenewedIsNoticed(t *testing.T) {
	play(t, func(s *scene) {
		var deaf atomic.Pointer[queue.Ref]
		s.q = queue.New[ask, int](&halfDeaf{s.store, func(ref queue.Ref) bool { d := deaf.Load(); return d != nil && *d == ref }}, "answers")
		w := s.worker(func(ctx context.Context, job *queue.Job[ask]) (int, error) {
			job.Progress(40, "there")
			return untilDone(ctx, job)
		})
		w.Concurrency, w.Lease = 2, 10*time.Minute
		one, other := s.enqueue(1), s.enqueue(2)
		deaf.Store(&one)
		s.start(w)
		pass(time.Minute)
		s.problem(w, "leases can't be renewed", false) // for less than a lease
		pass(10 * time.Minute)
		s.problem(w, "leases can't be renewed", true)
		deaf.Store(nil)
		pass(time.Minute)
		s.problem(w, "leases can't be renewed", false)
		for _, ref := range []queue.Ref{one, other} {
			if p := s.record(ref).Progress; p.Percent != 40 {
				t.Errorf("progress %+v", p)
			}
		}
	})
}
