package schedule

import (
	"context"
	"encoding/json"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/internal/byhand"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// asked is what the schedules of these tests ask for.
type asked struct {
	Schedule, Local string
	At              time.Time
}

type (
	schedules = Schedule[asked, queue.None]
	queues    = queue.Queue[asked, queue.None]
)

// scene is a queue with a worker, in virtual time, which begins in the year 2000.
type scene struct {
	*testing.T
	store   backends.Backend
	q       *queues
	handles func(context.Context, *queue.Job[asked]) // nil = nothing

	mu   sync.Mutex
	jobs map[string][]run // of a schedule and tick
	all  sync.WaitGroup
}

// run is a job that a worker got.
type run struct {
	asked
	start time.Time
	id    string
}

// inScene plays f beside a worker; what it starts has ended when it returns.
func inScene(t *testing.T, f func(*scene)) {
	t.Helper()
	inQuietScene(t, func(s *scene) {
		defer s.work()()
		f(s)
	})
}

// work starts a worker, until the function is called.
func (s *scene) work() (stop func()) {
	ctx, cancel := context.WithCancel(s.Context())
	s.all.Go(func() {
		if err := worker.Consume(ctx, s.q, worker.NoResult(s.handle)); err != nil {
			s.Error(err)
		}
	})
	return func() { cancel(); s.all.Wait() }
}

func (s *scene) handle(ctx context.Context, j *queue.Job[asked]) error {
	s.mu.Lock()
	key := j.Args.Schedule + " " + j.Args.Local
	s.jobs[key] = append(s.jobs[key], run{j.Args, time.Now(), j.ID})
	s.mu.Unlock()
	if s.handles != nil {
		s.handles(ctx, j)
	}
	return nil
}

// over is the scene's queue on another backend around its store.
func (s *scene) over(b backends.Backend) *queues { return queue.New[asked, queue.None](b, "q") }

// node is a schedule of a node.
func (s *scene) node(q *queues, name, cron string, more ...func(*schedules)) *schedules {
	n := New(q, name)
	n.Cron = cron
	n.Args = func(_ context.Context, t Tick) (asked, error) { return asked{name, t.Local, t.At}, nil }
	for _, f := range more {
		f(n)
	}
	return n
}

// start runs nodes until the function is called, which waits for them.
func (s *scene) start(nodes ...*schedules) (stop func()) {
	ctx, cancel := context.WithCancel(s.Context())
	var all sync.WaitGroup
	for _, n := range nodes {
		all.Go(func() {
			if err := n.Run(ctx); err != nil {
				s.Error(err)
			}
		})
	}
	return func() { cancel(); all.Wait() }
}

// runs are the jobs of a schedule that workers got, ticks to how many.
func (s *scene) runs(name string) map[string]int {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]int{}
	for _, jobs := range s.jobs {
		for _, j := range jobs {
			if j.Schedule == name {
				out[j.Local]++
			}
		}
	}
	return out
}

// state must be read.
func (s *scene) state(n *schedules) State {
	s.Helper()
	st, err := n.State(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	return st
}

// wantTicks holds the jobs of a schedule against its ticks after one time, up to
// another: each once.
func (s *scene) wantTicks(n *schedules, after, to time.Time) {
	s.Helper()
	got := s.runs(n.Name)
	r, err := n.rhythm()
	if err != nil {
		s.Fatal(err)
	}
	for _, t := range walk(r, after.Add(time.Second), to) {
		if got[t.Local] != 1 {
			s.Errorf("%s: the tick of %s has %d jobs", n.Name, t.Local, got[t.Local])
		}
		delete(got, t.Local)
	}
	if len(got) > 0 {
		s.Errorf("%s: jobs of no tick: %v", n.Name, got)
	}
}

// until sleeps to a time of the bubble.
func until(t time.Time) { time.Sleep(time.Until(t)) }

// inQuietScene has no worker, whose beats are most of a long time: drain is one.
func inQuietScene(t *testing.T, f func(*scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &scene{T: t, store: memory.New(memory.Options{}), jobs: map[string][]run{}}
		s.q = queue.New[asked, queue.None](s.store, "q")
		f(s)
	})
}

// drain ends all jobs that are due.
func (s *scene) drain() {
	s.Helper()
	w := byhand.Worker{Test: s, Store: s.store, Queue: s.q}
	in := w.Inside()
	for {
		ctx, cancel := context.WithTimeout(s.Context(), time.Nanosecond)
		leases, err := s.store.Claim(ctx, backends.ClaimRequest{Queue: in.Name, Policy: in.Policy, Max: 100, Lease: time.Hour})
		cancel()
		if err != nil {
			return
		}
		for _, l := range leases {
			var a asked
			if err := json.Unmarshal(l.Job.Payload, &a); err != nil {
				s.Error(err)
			}
			key := a.Schedule + " " + a.Local
			s.jobs[key] = append(s.jobs[key], run{a, time.Now(), l.Job.ID})
			w.Settle(backends.Settlement{Lease: l, Verb: backends.Commit, Outcome: backends.Succeeded})
		}
	}
}
