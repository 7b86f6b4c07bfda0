package worker_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/backendtest/linear"
	"github.com/leat-go/leat/backends/backendtest/verdict"
	"github.com/leat-go/leat/internal/plant"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// TestStorm_A1 lets everything go wrong at once: processes are killed, frozen,
// stopped and replaced, beats stall, calls and replies get lost, the topic and the
// write-back fail, handlers fail in every way, an operator cancels and redrives.
// When calm returns all must be well. LEAT_SEED plays one storm again, as often as
// LEAT_CALLS allows: it fixes what happens, not how goroutines take turns.
func TestStorm_A1(t *testing.T) {
	calls := plant.Size("LEAT_CALLS", 10_000, 30_000)
	seed, only := plant.Seed()
	var sum plant.Verdict
	for sum.Calls < calls && !t.Failed() {
		v := blow(t, seed)
		sum.Add(v)
		if len(v.Bad()) > 0 {
			v.Report(t)
			t.Logf("LEAT_SEED=%d plays it again", seed)
		}
		if !only {
			seed++
		}
	}
	t.Log(sum)
}

// TestStorm_A1_Mild lets processes live until they are stopped: whatever else goes
// wrong, no lease may lapse, and no handler that has succeeded may run again.
func TestStorm_A1_Mild(t *testing.T) {
	calls := plant.Size("LEAT_CALLS", 10_000, 30_000)
	seed, only := plant.Seed()
	var sum plant.Verdict
	for sum.Calls < calls && !t.Failed() {
		v := blow(t, seed, func(s *storm) { s.mild, s.careless, s.hang = true, stormGrace, time.Second/2 })
		sum.Add(v)
		if v.Lapses > 0 {
			t.Errorf("%d leases lapsed", v.Lapses)
		}
		if v.Report(t); t.Failed() {
			t.Logf("LEAT_SEED=%d plays it again", seed)
		}
		if !only {
			seed++
		}
	}
	t.Log(sum)
}

// TestStorm_A1_NoticesMissingFence: zombies whose tokens are not looked at must be
// found out.
func TestStorm_A1_NoticesMissingFence(t *testing.T) {
	for seed := range uint64(5) {
		if blow(t, seed, func(s *storm) { s.around = linear.Unfenced }).Has(verdict.Illegal) {
			return
		}
	}
	t.Fatal("five storms without fencing were found well")
}

// TestStorm_A1_NoticesEarlyAcknowledgement: an announcer that says so before it has
// delivered loses events when its process dies.
func TestStorm_A1_NoticesEarlyAcknowledgement(t *testing.T) {
	for seed := range uint64(5) {
		if blow(t, seed, func(s *storm) { s.early = true }).Has(verdict.Unannounced) {
			return
		}
	}
	t.Fatal("five storms without acknowledged events were found well")
}

const (
	stormCalls = 5000 // until calm returns
	stormLease = 10 * time.Second
	stormGrace = 5 * time.Second
)

// storm is one run.
type storm struct {
	*plant.Plant
	seed   uint64
	rnd    *rand.Rand // the director's
	stormy atomic.Bool
	alive  []*plant.Process
	gone   []*plant.Process // were stopped

	around   func(backends.Backend) backends.Backend // breaks the store
	careless time.Duration                           // how long the user's code goes on, whatever its context says
	hang     time.Duration                           // how long a reply may take
	mild     bool                                    // nothing happens to processes, and no claim gets lost
	early    bool                                    // the announcer answers before it delivers

	mu        sync.Mutex
	keyed     []request // may come in again
	succeeded sync.Map  // jobs, by number and generation, whose handlers have
}

type request struct {
	args plant.Args
	opts []queue.Option
}

func blow(t *testing.T, seed uint64, edit ...func(s *storm)) (v plant.Verdict) {
	s := &storm{seed: seed, rnd: plant.Dice(seed, 0), careless: 30 * time.Second, hang: 12 * time.Second}
	for _, f := range edit {
		f(s)
	}
	s.stormy.Store(true)
	plant.Run(t, plant.Options{
		Around: s.around, Queue: s.facts, Worker: s.process, Faults: s.faults,
		Handle: s.handle, Announce: s.announce, WriteBack: s.writeBack,
	}, func(pl *plant.Plant) {
		s.Plant = pl
		var producers sync.WaitGroup
		for i := range 3 {
			producers.Go(func() { s.produce(plant.Dice(seed, 1, uint64(i))) })
		}
		for range 4 {
			s.alive = append(s.alive, pl.Start())
		}
		for pl.Calls() < stormCalls {
			time.Sleep(upTo(s.rnd, 3*time.Second))
			s.havoc()
		}
		s.stormy.Store(false)
		producers.Wait()
		s.calm()
		v = pl.Verdict()
	})
	return v
}

func (s *storm) facts(q *plant.Queue) {
	q.MaxAttempts, q.MaxCrashes, q.Inline = 4, 4, 500
	q.Retention, q.DeadRetention = 1000*time.Hour, 1000*time.Hour
	q.Tenants = map[string]queue.Tenancy{"eta": {Weight: 2, Cap: queue.Cap{InFlight: 5}}}
}

func (s *storm) process(w *plant.Worker) {
	w.Concurrency = 6
	w.Lease, w.Grace, w.RunLimit = stormLease, stormGrace, 40*time.Second
	w.Backoff = worker.Exponential(500*time.Millisecond, 20*time.Second)
}

// produce asks for something new, or once more for something old.
func (s *storm) produce(rnd *rand.Rand) {
	for s.stormy.Load() {
		time.Sleep(upTo(rnd, 700*time.Millisecond))
		switch n := rnd.IntN(20); {
		case n == 0:
			_ = s.AskAll(s.T.Context(), s.Jobs(1+rnd.IntN(10), ""), queue.Tenant("theta"))
		case n < 4:
			if r, ok := s.again(rnd); ok {
				_, _ = s.Ask(s.T.Context(), r.args, r.opts...)
			}
		default:
			r := s.request(rnd)
			_, _ = s.Ask(s.T.Context(), r.args, r.opts...)
		}
	}
}

func (s *storm) again(rnd *rand.Rand) (request, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.keyed) == 0 {
		return request{}, false
	}
	return s.keyed[rnd.IntN(len(s.keyed))], true
}

func (s *storm) request(rnd *rand.Rand) request {
	r := request{args: plant.Args{N: s.Next()}}
	add := func(o queue.Option) { r.opts = append(r.opts, o) }
	add(queue.Tenant([]string{"zeta", "eta", "theta"}[rnd.IntN(3)]))
	add(queue.Priority(rnd.IntN(3)))
	if rnd.IntN(10) == 0 {
		r.args.Ballast = ballast
	}
	if rnd.IntN(4) == 0 {
		add(queue.Delay(upTo(rnd, 20*time.Second)))
	}
	if rnd.IntN(8) == 0 {
		add(queue.Expiry(upTo(rnd, time.Minute)))
	}
	if rnd.IntN(10) == 0 {
		add(queue.RunLimit(upTo(rnd, 10*time.Second)))
	}
	if rnd.IntN(4) == 0 {
		place := fmt.Sprintf("screen-%d", rnd.IntN(5))
		if rnd.IntN(2) == 0 {
			add(queue.Supersede(place))
		} else {
			add(queue.Trailing(place))
		}
	}
	if rnd.IntN(3) == 0 {
		add(queue.Key(fmt.Sprint(r.args.N)))
		s.mu.Lock()
		s.keyed = append(s.keyed, r)
		s.mu.Unlock()
	}
	return r
}

// havoc does something to a process, or to a job.
func (s *storm) havoc() {
	i := s.rnd.IntN(len(s.alive))
	p := s.alive[i]
	n := s.rnd.IntN(16)
	if s.mild && n != 2 {
		n = max(n, 5)
	}
	switch n {
	case 0, 1:
		p.Kill()
		s.alive[i] = s.Start()
	case 2:
		p.Stop()
		s.gone = append(s.gone, p)
		s.alive[i] = s.Start()
	case 3:
		p.Freeze()
		time.AfterFunc(stormLease+upTo(s.rnd, 5*stormLease), p.Thaw)
	case 4:
		end := time.Now().Add(3 * stormLease)
		p.Faults.Inject(backendtest.Fault{
			Verb: backendtest.Extend, Kind: backendtest.Stall, Rate: func(int) bool { return time.Now().Before(end) },
		})
	case 5:
		_ = s.Queue.Pause(s.T.Context())
		time.Sleep(upTo(s.rnd, 2*time.Second))
		_ = s.Queue.Resume(s.T.Context())
	case 6, 7, 8:
		s.redrive()
	default:
		if ref := s.Witness.Ref(1 + s.rnd.IntN(max(1, s.Asked()))); ref.ID != "" {
			_ = s.Queue.Cancel(s.T.Context(), ref)
		}
	}
}

func (s *storm) redrive() {
	var letters []*backends.Record
	for r, err := range s.Queue.DeadLetters(s.T.Context()) {
		if err != nil || len(letters) == 10 {
			break
		}
		letters = append(letters, r)
	}
	_ = s.Redrive(s.T.Context(), letters...)
}

// calm lets everybody finish without faults.
func (s *storm) calm() {
	s.Faults.Lift()
	for _, p := range s.alive {
		p.Thaw()
		p.Faults.Lift()
	}
	for range 2 { // some of the others have slots whose handlers never return
		s.Start().Faults.Lift()
	}
	if err := s.Queue.Resume(s.T.Context()); err != nil {
		s.T.Error(err)
	}
	s.Finish(3 * time.Hour)
	for _, p := range slices.Concat(s.alive, s.gone) {
		s.stopped(p)
	}
}

// stopped expects a clean end of a process, but for handlers that never return.
func (s *storm) stopped(p *plant.Process) {
	p.Stop()
	var stuck *worker.StuckError
	if err := p.Wait(); err != nil && !errors.As(err, &stuck) {
		s.Witness.Bad(verdict.Illegal, "%s: %v", p.Name, err)
	}
	if most := stormGrace + 2*time.Second; s.mild && p.Took() > most { // others may have been frozen
		s.Witness.Bad(verdict.Stuck, "%s took %v to stop", p.Name, p.Took())
	}
}

func upTo(rnd *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(1 + rnd.Int64N(int64(d)))
}
