package schedule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
)

// size is what the environment says, or usual.
func size(env string, usual int) int {
	if n, err := strconv.Atoi(os.Getenv(env)); err == nil && n > 0 {
		return n
	}
	return usual
}

func calmly(n *schedules) {
	n.nap = time.Hour // of virtual clocks none jumps
	n.Logger = slog.New(slog.DiscardHandler)
}

// TestRow_E4_ManyNodesThatRestart: ten nodes run fifty schedules in many zones. Every seven
// minutes one of them restarts; now and then all are down for hours. Each tick
// has one job, or is counted as missed. LEAT_DAYS=366 is a year.
func TestRow_E4_ManyNodesThatRestart(t *testing.T) {
	days := size("LEAT_DAYS", 16)
	if testing.Short() && os.Getenv("LEAT_DAYS") == "" {
		days = 2
	}
	begin := time.Date(2026, 3, 15, 0, 0, 30, 0, time.UTC)
	if days > 200 {
		begin = time.Date(2027, 9, 1, 0, 0, 30, 0, time.UTC) // to have the leap day
	}
	inQuietScene(t, func(s *scene) {
		until(begin)
		s.q.Retention = time.Hour
		nodes := make([]func(), 10)
		start := func(i int) {
			var all []*schedules
			for k := range 50 {
				all = append(all, s.fifty(k))
			}
			nodes[i] = s.start(all...)
		}
		for i := range nodes {
			start(i)
		}
		end := begin.Add(time.Duration(days) * day)
		for turn := 0; time.Now().Before(end); turn++ {
			time.Sleep(7 * time.Minute)
			i := turn % len(nodes)
			nodes[i]()
			start(i)
			s.drain()
			if turn%400 == 399 { // two days
				for _, stop := range nodes {
					stop()
				}
				time.Sleep(time.Duration(rand.N(30)) * time.Hour / 2)
				for i := range nodes {
					start(i)
				}
			}
		}
		time.Sleep(20 * time.Minute)
		for _, stop := range nodes {
			stop()
		}
		s.drain()
		ticks := 0
		for k := range 50 {
			ticks += s.accounted(s.fifty(k), begin)
		}
		t.Logf("%d ticks in %d days", ticks, days)
	})
}

// fifty is one of fifty schedules.
func (s *scene) fifty(k int) *schedules {
	kinds := []string{"30 2 * * *", "0 * * * *", "*/20 1-4 * * *", "0 0 * * *", "45 23 * * FRI", "15,45 */3 * * *", "0 6 1,15 * *", "0 0 29 2 *", "59 1 * * SUN", ""}
	return s.node(s.q, fmt.Sprint("s", k), kinds[k%10], calmly, func(n *schedules) {
		n.Location = zoneOf(s, zones[k%len(zones)])
		n.CatchUp = []int{0, 3, 1000, None}[k%4]
		if n.Cron == "" {
			n.Every = time.Duration(30+k) * time.Minute
		}
		if k%3 == 0 {
			n.Jitter = 5 * time.Minute
		}
	})
}

// accounted holds every tick since a time to have one job or to be missed, and
// returns how many there were.
func (s *scene) accounted(n *schedules, since time.Time) int {
	s.Helper()
	st := s.state(n)
	r, err := n.rhythm()
	if err != nil {
		s.Fatal(err)
	}
	all, jobs := walk(r, since.Add(time.Second), st.Last.At), 0
	for _, t := range all {
		k := len(s.jobs[n.Name+" "+t.Local])
		if k > 1 {
			s.Errorf("%s: the tick of %s has %d jobs", n.Name, t.Local, k)
		}
		jobs += k
	}
	if jobs != st.Fired || jobs+st.Missed != len(all) || st.Skipped+st.Failed > 0 {
		s.Errorf("%s: %d ticks, %d jobs, %+v", n.Name, len(all), jobs, st)
	}
	if late := time.Since(st.Next.At); late > 6*time.Minute {
		s.Errorf("%s: stuck at %v", n.Name, st.Last.At)
	}
	return len(all)
}

// TestRow_C1_FaultsOfTheStore: whatever call fails, before or after its effect, once, twice
// or often, or is made twice: each tick has one job.
func TestRow_C1_FaultsOfTheStore(t *testing.T) {
	rates := map[string]func() backendtest.Rate{
		"once":  func() backendtest.Rate { return backendtest.Times(1) },
		"twice": func() backendtest.Rate { return backendtest.Times(2) },
		"often": func() backendtest.Rate { return backendtest.Share(0.1, 1) },
		"half":  func() backendtest.Rate { return backendtest.Share(0.5, 2) },
	}
	lost := []error{backendtest.ErrInjected, context.DeadlineExceeded, queue.ErrBacklogFull}
	for _, verb := range []backendtest.Verb{backendtest.Enqueue, backendtest.CellGet, backendtest.CellPut, backendtest.AnyVerb} {
		for _, when := range []backendtest.Moment{backendtest.Before, backendtest.After} {
			for _, kind := range []backendtest.Kind{backendtest.Fail, backendtest.Repeat} {
				for name, rate := range rates {
					for i, err := range lost {
						if kind == backendtest.Repeat && (i > 0 || when == backendtest.After || verb == backendtest.AnyVerb) {
							continue
						}
						t.Run(fmt.Sprint(verb, when, kind, name, i), func(t *testing.T) {
							ridesOut(t, backendtest.Fault{Verb: verb, When: when, Kind: kind, Rate: rate(), Err: err})
						})
					}
				}
			}
		}
	}
}

func ridesOut(t *testing.T, fault backendtest.Fault) {
	inQuietScene(t, func(s *scene) {
		from := time.Now()
		f := backendtest.NewFaulty(s.store)
		node := func() *schedules {
			return s.node(s.over(f), "s", "*/10 * * * *", calmly, func(n *schedules) { n.CatchUp = 100 })
		}
		stop := s.start(node(), node(), node())
		time.Sleep(time.Minute)
		f.Inject(fault)
		time.Sleep(2 * time.Hour)
		f.Lift()
		time.Sleep(10 * time.Minute)
		stop()
		s.drain()
		n := s.node(s.q, "s", "*/10 * * * *")
		s.wantTicks(n, from, time.Now().Truncate(10*time.Minute))
		if st := s.state(n); st.Missed != 0 || st.Fired != 13 || f.Injected(backendtest.AnyVerb) == 0 {
			t.Errorf("%+v, %d faults", st, f.Injected(backendtest.AnyVerb))
		}
	})
}

// mortal is a store as a node sees it that dies at one of its calls: before its
// effect or after it, and all that follow fail.
type mortal struct {
	backends.Backend
	left  atomic.Int64
	after bool
}

var errDead = errors.New("dead")

func (m *mortal) die(call func()) error {
	switch left := m.left.Add(-1); {
	case left > 0:
		call()
		return nil
	case left == 0 && m.after:
		call()
	}
	return errDead
}

func (m *mortal) Enqueue(ctx context.Context, req backends.EnqueueRequest) (out []backends.Enqueued, err error) {
	if dead := m.die(func() { out, err = m.Backend.Enqueue(ctx, req) }); dead != nil {
		return nil, dead
	}
	return out, err
}

func (m *mortal) Cells() backends.Cells { return mortalCells{m} }

type mortalCells struct{ *mortal }

func (m mortalCells) Get(ctx context.Context, key string, hint backends.Version) (v []byte, version backends.Version, err error) {
	if dead := m.die(func() { v, version, err = m.Backend.Cells().Get(ctx, key, hint) }); dead != nil {
		return nil, "", dead
	}
	return v, version, err
}

func (m mortalCells) Put(ctx context.Context, key string, v []byte, prev backends.Version, expire time.Time) (version backends.Version, err error) {
	if dead := m.die(func() { version, err = m.Backend.Cells().Put(ctx, key, v, prev, expire) }); dead != nil {
		return "", dead
	}
	return version, err
}

// TestRow_B3_ANodeDiesAtEachOfItsCalls, and another comes ten minutes later: each
// tick has one job.
func TestRow_B3_ANodeDiesAtEachOfItsCalls(t *testing.T) {
	for after, calls := range map[bool]int64{false: 20, true: 20} {
		for k := int64(1); k <= calls; k++ {
			t.Run(fmt.Sprint(k, after), func(t *testing.T) {
				inQuietScene(t, func(s *scene) {
					from := time.Now()
					m := &mortal{Backend: s.store, after: after}
					m.left.Store(k)
					n := s.node(s.over(m), "s", "*/5 * * * *", calmly, func(n *schedules) { n.CatchUp = 10 })
					stop := s.start(n)
					for range 60 {
						time.Sleep(time.Minute)
						if m.left.Load() <= 0 {
							break
						}
					}
					s.drain() // the job may have ended before the next node comes
					time.Sleep(10 * time.Minute)
					stop()
					next := s.node(s.q, "s", "*/5 * * * *", calmly, func(n *schedules) { n.CatchUp = 10 })
					began := time.Now()
					stop = s.start(next)
					time.Sleep(6 * time.Minute)
					stop()
					s.drain()
					if s.state(next).Fired == 0 {
						t.Fatal("nothing fired")
					}
					if k < 3 && (k == 1 || !after) { // died before there was a mark: it begins with the next node
						from = began
					}
					s.wantTicks(next, from, time.Now().Truncate(5*time.Minute))
				})
			})
		}
	}
}

// TestRow_C5_ClocksThatDiffer: nodes ten minutes fast, slow and right, and one that jumps.
// No job starts before its tick by the store's clock, and each tick has one.
func TestRow_C5_ClocksThatDiffer(t *testing.T) {
	skews := map[string]func() time.Duration{
		"fast": func() time.Duration { return 10 * time.Minute },
		"slow": func() time.Duration { return -10 * time.Minute },
		"true": func() time.Duration { return 0 },
		"jumps": func() time.Duration { // each hour elsewhere
			return []time.Duration{0, 10 * time.Minute, -10 * time.Minute, 3 * time.Minute}[time.Now().Hour()%4]
		},
	}
	for _, names := range [][]string{{"fast"}, {"slow"}, {"jumps"}, {"fast", "slow", "true", "jumps"}, {"slow", "true"}} {
		t.Run(fmt.Sprint(names), func(t *testing.T) {
			inQuietScene(t, func(s *scene) {
				until(time.Date(2028, 2, 28, 20, 2, 0, 0, time.UTC)) // over a leap day
				defer s.work()()
				from := time.Now().Add(15 * time.Minute)
				var nodes []*schedules
				for _, name := range names {
					nodes = append(nodes, s.node(s.q, "s", "*/10 * * * *", calmly, func(n *schedules) {
						n.CatchUp, n.nap = 100, 0
						n.now = func() time.Time { return time.Now().Add(skews[name]()) }
					}))
				}
				stop := s.start(nodes...)
				time.Sleep(30 * time.Hour)
				stop()
				time.Sleep(15 * time.Minute) // what a fast clock has enqueued
				s.onTime(nodes[0], from, time.Now().Add(-30*time.Minute))
			})
		})
	}
}

// onTime holds each tick to one job that starts no second too early.
func (s *scene) onTime(n *schedules, from, to time.Time) {
	s.Helper()
	r, err := n.rhythm()
	if err != nil {
		s.Fatal(err)
	}
	s.runs(n.Name)
	for _, t := range walk(r, from, to) {
		jobs := s.jobs[n.Name+" "+t.Local]
		if len(jobs) != 1 {
			s.Errorf("the tick of %s has %d jobs", t.Local, len(jobs))
		}
	}
	for _, jobs := range s.jobs {
		if early := jobs[0].At.Sub(jobs[0].start); early > time.Second || len(jobs) != 1 {
			s.Errorf("%s has %d jobs, the first %v early", jobs[0].Local, len(jobs), early)
		}
	}
}

// TestRow_C5_AClockThatJumps is noticed within a minute or so, however long the node
// meant to sleep; one that jumps back delays the tick to its own time.
func TestRow_C5_AClockThatJumps(t *testing.T) {
	inQuietScene(t, func(s *scene) {
		var skew atomic.Int64
		n := s.node(s.q, "s", "@daily", func(n *schedules) {
			n.now = func() time.Time { return time.Now().Add(time.Duration(skew.Load())) }
		})
		defer s.start(n)()
		time.Sleep(20 * time.Hour)
		skew.Store(int64(5 * time.Hour))
		time.Sleep(look + 2*spread)
		if st := s.state(n); st.Fired != 1 {
			t.Errorf("jumped ahead: %+v", st)
		}
		skew.Store(int64(-time.Hour))
		time.Sleep(28*time.Hour + 30*time.Minute) // 00:30, and 23:30 by the node
		if st := s.state(n); st.Fired != 1 {
			t.Errorf("jumped back: %+v", st)
		}
		time.Sleep(time.Hour)
		if st := s.state(n); st.Fired != 2 || st.Missed != 0 {
			t.Errorf("then: %+v", st)
		}
	})
}

// TestRow_C5_AClockFarAhead holds a schedule up, which is told, until Reset.
func TestRow_C5_AClockFarAhead(t *testing.T) {
	inScene(t, func(s *scene) {
		wrong := s.node(s.q, "s", "@hourly", calmly, func(n *schedules) {
			n.now = func() time.Time { return time.Now().Add(300 * day) }
		})
		told := &counter{}
		right := s.node(s.q, "s", "@hourly", func(n *schedules) { n.Logger = slog.New(told) })
		stopRight, stopWrong := s.start(right), s.start(wrong)
		time.Sleep(time.Minute)
		stopWrong()
		time.Sleep(3 * time.Hour)
		if len(s.runs("s")) > 1 || told.n.Load() == 0 {
			t.Errorf("%v, told %d times", s.runs("s"), told.n.Load())
		}
		if err := right.Reset(t.Context()); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour)
		stopRight()
		if got := s.runs("s"); got["2000-01-01T04:00:00"] != 1 {
			t.Errorf("%v", got)
		}
	})
}

// counter counts what is logged.
type counter struct {
	slog.Handler
	n atomic.Int64
}

func (c *counter) Enabled(context.Context, slog.Level) bool      { return true }
func (c *counter) WithAttrs([]slog.Attr) slog.Handler            { return c }
func (c *counter) Handle(_ context.Context, r slog.Record) error { c.n.Add(1); return nil }
