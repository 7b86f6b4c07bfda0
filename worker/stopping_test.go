package worker_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/backendtest/verdict"
	"github.com/leat-go/leat/internal/plant"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// The figures that row E2 holds.
const (
	stopLease    = 12 * time.Second
	stopGrace    = 5 * time.Second
	stopKill     = time.Second
	stopClaims   = 50 * time.Millisecond              // after which nothing more is claimed
	stopExit     = stopGrace + stopKill + time.Second // until Run has returned
	stopElsewere = time.Second                        // until what was given back runs elsewhere
	stopLapse    = stopLease + 2*time.Second          // until what was not, does
	stopSlots    = 16
)

// TestStopping_E2 stops a worker under load, one time in five as its store hangs. It
// claims nothing more and is gone in time; who never returns is named, and the lease lapses; what was given back starts
// elsewhere at once; what had not started has used no attempt.
func TestStopping_E2(t *testing.T) {
	stops := plant.Size("LEAT_STOPS", 20, 50)
	var sum plant.Verdict
	var all stopped
	for i := range stops {
		s, v := stopUnderLoad(t, plant.Dice(uint64(i)), nil, i%5 == 4)
		sum.Add(v)
		all.add(s)
		if v.Report(t); t.Failed() {
			t.Fatalf("in stop %d", i)
		}
	}
	if all.released == 0 || all.unstarted == 0 || all.named == 0 || all.finished == 0 {
		t.Errorf("the load was not all that it should be: %+v", all)
	}
	t.Logf("%d stops: %+v; %v", stops, all, sum)
}

// TestStopping_E2_NoticesLateClaims: a worker that claims once more is found out.
func TestStopping_E2_NoticesLateClaims(t *testing.T) {
	late := func(s *stopping, p *plant.Process, b backends.Backend) backends.Backend {
		return &lateClaim{&watched{b, s, p}}
	}
	if _, v := stopUnderLoad(t, plant.Dice(0), late, false); !v.Has(verdict.Illegal) {
		t.Errorf("a claim 60 ms after the stop was found well: %v", v)
	}
}

// TestStopping_E2_NoticesLeasesThatAreKept: a store that ignores a release is one
// that lets jobs lie.
func TestStopping_E2_NoticesLeasesThatAreKept(t *testing.T) {
	keeps := func(s *stopping, p *plant.Process, b backends.Backend) backends.Backend {
		return &watched{&noRelease{b}, s, p}
	}
	if _, v := stopUnderLoad(t, plant.Dice(0), keeps, false); !v.Has(verdict.Stuck) {
		t.Errorf("releases without effect were found well: %v", v)
	}
}

// stopping is one story: a worker at work, which is stopped as a claim comes in.
type stopping struct {
	*plant.Plant

	mu       sync.Mutex
	at       time.Time         // of the stop
	claims   int               // of the first process
	last     int               // the claim during which it is stopped
	cutOff   bool              // its store hangs from then on
	released map[int]time.Time // by the first process: when
	running  map[int]bool      // in the first process
}

const firstProcess = "process 1"

// stopped counts what was stopped.
type stopped struct {
	finished, released, unstarted, named int
	slowest, latest                      time.Duration // exit; start elsewhere of what was released
}

func (s *stopped) add(o stopped) {
	s.finished += o.finished
	s.released += o.released
	s.unstarted += o.unstarted
	s.named += o.named
	s.slowest, s.latest = max(s.slowest, o.slowest), max(s.latest, o.latest)
}

func stopUnderLoad(t *testing.T, rnd *rand.Rand, way func(*stopping, *plant.Process, backends.Backend) backends.Backend, cutOff bool) (out stopped, v plant.Verdict) {
	s := &stopping{cutOff: cutOff, last: 1 + rnd.IntN(12), released: map[int]time.Time{}, running: map[int]bool{}}
	if way == nil {
		way = func(s *stopping, p *plant.Process, b backends.Backend) backends.Backend { return &watched{b, s, p} }
	}
	plant.Run(t, plant.Options{
		Handle: s.handle,
		Way:    func(p *plant.Process, b backends.Backend) backends.Backend { return way(s, p, b) },
		Worker: func(w *plant.Worker) {
			w.Lease, w.Grace, w.Kill, w.Concurrency = stopLease, stopGrace, stopKill, stopSlots
		},
	}, func(pl *plant.Plant) {
		s.Plant = pl
		for _, say := range []string{"quick", "quick", "minds", "minds", "ignores", "slow", "never"} {
			pl.MustAskAll(pl.Jobs(map[string]int{"never": 3}[say]+20, say), queue.Tenant(say))
		}
		first := pl.Start()
		time.AfterFunc(time.Hour, first.Stop)
		out = s.judgeStop(first) // it is stopped as its last claim comes in
		pl.Finish(time.Hour)
		s.judgeOthers(&out)
		v = pl.Verdict()
	})
	return out, v
}

// handle does what handlers do when they are to stop.
func (s *stopping) handle(ctx context.Context, p *plant.Process, j *plant.Job) (plant.Result, error) {
	if p.Name != firstProcess {
		return p.Result(j), nil
	}
	s.set(j.Args.N, true)
	takes := upTo(plant.Dice(uint64(j.Args.N), j.Token), 4*time.Second)
	switch j.Args.Say {
	case "quick":
		takes /= 10
	case "minds":
		select {
		case <-time.After(10 * takes):
		case <-ctx.Done():
			s.set(j.Args.N, false)
			return plant.Result{}, fmt.Errorf("stopped half way: %w", context.Cause(ctx))
		}
		takes = 0
	case "slow":
		takes += stopGrace // into the kill, or beyond it
	case "never":
		s.Never()
	}
	time.Sleep(takes)
	s.set(j.Args.N, false)
	return p.Result(j), nil
}

func (s *stopping) set(n int, running bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if running {
		s.running[n] = true
		return
	}
	delete(s.running, n)
}

// claimed stops the first process while its last claim comes in, and has another
// start with room for all.
func (s *stopping) claimed(p *plant.Process, leases []*backends.Lease) {
	if p.Name != firstProcess {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.claims++; s.claims == s.last && len(leases) > 0 {
		s.at = time.Now()
		p.Stop()
		if s.cutOff {
			p.Faults.Inject(backendtest.Fault{Kind: backendtest.Delay, Delay: 1000 * time.Hour})
		}
		s.Start(func(w *plant.Worker) { w.Concurrency = 1000 })
	} else if s.claims == s.last {
		s.last++
	}
	if !s.at.IsZero() && time.Since(s.at) > stopClaims {
		s.Witness.Bad(verdict.Illegal, "a claim %v after the stop gave %d leases", time.Since(s.at), len(leases))
	}
}

func (s *stopping) settled(p *plant.Process, ss []backends.Settlement, errs []error) {
	if p.Name != firstProcess {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, x := range ss {
		if x.Verb == backends.Release && x.Lease.Outcome == nil && (errs == nil || errs[i] == nil) && !x.Lease.Until.IsZero() {
			s.released[plant.Number(x.Lease.Job)] = time.Now()
		}
	}
}

// judgeStop looks at the end of the worker.
func (s *stopping) judgeStop(first *plant.Process) (out stopped) {
	err := first.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	out.slowest = first.Took()
	if out.slowest > stopExit {
		s.Witness.Bad(verdict.Stuck, "the worker stopped after %v", out.slowest)
	}
	var named []int
	var stuck *worker.StuckError
	if errors.As(err, &stuck) {
		for _, ref := range stuck.Jobs {
			named = append(named, plant.Number(s.Lookup(ref).Job))
		}
	} else if err != nil {
		s.Witness.Bad(verdict.Illegal, "Run: %v", err)
	}
	out.named = len(named)
	for n := range s.running {
		if !slices.Contains(named, n) {
			s.Witness.Bad(verdict.Wrong, "job %d never returned, and is not named", n)
		}
	}
	if len(named) > len(s.running) {
		s.Witness.Bad(verdict.Wrong, "%d jobs are named, %d handlers had not returned", len(named), len(s.running))
	}
	return out
}

// judgeOthers looks at what became of the jobs elsewhere.
func (s *stopping) judgeOthers(out *stopped) {
	ended := s.at.Add(out.slowest)
	for n := 1; n <= s.Asked(); n++ {
		runs := s.Witness.Runs(n)
		if len(runs) == 0 {
			continue // the verdict says so
		}
		newest, first := runs[len(runs)-1], runs[0].Process == firstProcess
		if runs[0].Number != 1 && !s.cutOff {
			s.Witness.Bad(verdict.Wrong, "job %d had not started, and starts with attempt %d", n, runs[0].Number)
		}
		at, released := s.released[n]
		switch {
		case first && len(runs) == 1:
			out.finished++
		case released:
			out.released++
			if !first {
				out.unstarted++
			}
			out.latest = max(out.latest, newest.At.Sub(at))
			if late := newest.At.Sub(at); late >= stopElsewere {
				s.Witness.Bad(verdict.Stuck, "job %d was given back, and started elsewhere %v later", n, late)
			}
			if newest.Number != 1 {
				s.Witness.Bad(verdict.Wrong, "job %d was given back, and starts with attempt %d", n, newest.Number)
			}
		case first: // its lease had to lapse
			if late := newest.At.Sub(ended); late > stopLapse {
				s.Witness.Bad(verdict.Stuck, "job %d started elsewhere %v after the end of its worker", n, late)
			}
		}
	}
}

// watched tells a story what a process claims and settles.
type watched struct {
	backends.Backend
	s *stopping
	p *plant.Process
}

func (w *watched) Claim(ctx context.Context, req backends.ClaimRequest) ([]*backends.Lease, error) {
	leases, err := w.Backend.Claim(ctx, req)
	if err == nil {
		w.s.claimed(w.p, leases)
	}
	return leases, err
}

func (w *watched) Settle(ctx context.Context, ss []backends.Settlement) ([]error, error) {
	errs, err := w.Backend.Settle(ctx, ss)
	if err == nil {
		w.s.settled(w.p, ss, errs)
	}
	return errs, err
}

// lateClaim claims once more when it is told to stop.
type lateClaim struct{ *watched }

func (l *lateClaim) Claim(ctx context.Context, req backends.ClaimRequest) ([]*backends.Lease, error) {
	leases, err := l.watched.Claim(ctx, req)
	if ctx.Err() != nil && l.p.Name == firstProcess {
		time.Sleep(stopClaims + 10*time.Millisecond)
		return l.watched.Claim(context.WithoutCancel(ctx), req)
	}
	return leases, err
}

// noRelease says that all is well, and does nothing.
type noRelease struct{ backends.Backend }

func (n *noRelease) Settle(ctx context.Context, ss []backends.Settlement) ([]error, error) {
	rest := slices.DeleteFunc(slices.Clone(ss), func(s backends.Settlement) bool { return s.Verb == backends.Release })
	if len(rest) == len(ss) {
		return n.Backend.Settle(ctx, ss)
	}
	_, err := n.Backend.Settle(ctx, rest)
	return nil, err
}
