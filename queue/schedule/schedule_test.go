package schedule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
)

func TestRule_R15_EachTickOnce(t *testing.T) {
	inScene(t, func(s *scene) {
		from := time.Now()
		var nodes []*schedules
		for range 10 {
			nodes = append(nodes, s.node(s.q, "often", "*/5 * * * *"), s.node(s.q, "hourly", "@hourly"),
				s.node(s.q, "short", "", func(n *schedules) { n.Every = 7 * time.Second }))
		}
		stop := s.start(nodes...)
		time.Sleep(6*time.Hour + 2*time.Second)
		stop()
		for _, n := range nodes[:3] {
			s.wantTicks(n, from, time.Now().Add(-2*time.Second))
			if st := s.state(n); st.Missed != 0 || st.Fired != len(s.runs(n.Name)) || st.Last.At.IsZero() || !st.Next.At.After(st.Last.At) {
				t.Errorf("%s: %+v", n.Name, st)
			}
		}
	})
}

// TestRule_R15_Calm: ten nodes whose store takes a few milliseconds ask it little more
// than one would.
func TestRule_R15_Calm(t *testing.T) {
	inScene(t, func(s *scene) {
		slow := func(v backendtest.Verb) backendtest.Fault {
			return backendtest.Fault{Verb: v, Kind: backendtest.Delay, Delay: 5 * time.Millisecond}
		}
		f := backendtest.NewFaulty(s.store, slow(backendtest.Enqueue), slow(backendtest.CellGet), slow(backendtest.CellPut))
		var nodes []*schedules
		for range 10 {
			nodes = append(nodes, s.node(s.over(f), "s", "* * * * *"))
		}
		stop := s.start(nodes...)
		time.Sleep(200*time.Minute + 30*time.Second)
		stop()
		enqueues, writes, reads := f.Injected(backendtest.Enqueue), f.Injected(backendtest.CellPut), f.Injected(backendtest.CellGet)
		t.Logf("200 ticks, 10 nodes: %d enqueues, %d writes, %d reads", enqueues, writes, reads)
		if enqueues < 200 || enqueues > 300 || writes > 330 || reads > 200*14 {
			t.Errorf("that is too much")
		}
	})
}

// TestRule_R15_CatchUp: what was missed fires as the policy says; the rest is counted.
func TestRule_R15_CatchUp(t *testing.T) {
	for name, c := range map[string]struct {
		catchUp, fired, missed int
		down                   time.Duration
	}{
		"the default: the newest":    {0, 1, 9, 10 * time.Hour},
		"one":                        {1, 1, 9, 10 * time.Hour},
		"three":                      {3, 3, 7, 10 * time.Hour},
		"more than there are":        {100, 10, 0, 10 * time.Hour},
		"none":                       {None, 0, 10, 10*time.Hour + 5*time.Minute},
		"none, but one is just past": {None, 1, 9, 10 * time.Hour},
		"one of them, once":          {0, 1, 0, time.Hour},
		"more than a year, the last": {MaxCatchUp, MaxCatchUp, 366*24 - MaxCatchUp, 370 * 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			inQuietScene(t, func(s *scene) {
				n := s.node(s.q, "s", "@hourly", func(n *schedules) { n.CatchUp = c.catchUp })
				time.Sleep(10 * time.Minute)
				stop := s.start(n)
				time.Sleep(time.Minute)
				stop()
				until(time.Now().Truncate(time.Hour).Add(c.down + 20*time.Second))
				down := time.Now()
				stop = s.start(s.node(s.q, "s", "@hourly", func(n *schedules) { n.CatchUp = c.catchUp }))
				time.Sleep(10 * time.Minute)
				stop()
				s.drain()
				if st := s.state(n); st.Fired != c.fired || st.Missed != c.missed || len(s.runs("s")) != c.fired {
					t.Errorf("%d fired, %d missed, %d jobs", st.Fired, st.Missed, len(s.runs("s")))
				}
				if c.fired > 0 {
					s.wantTicks(n, down.Truncate(time.Hour).Add(-time.Duration(c.fired)*time.Hour), time.Now())
				}
			})
		})
	}
}

func TestRule_R15_OnlyLaterTicksFire(t *testing.T) {
	inQuietScene(t, func(s *scene) {
		s.q.Retention, s.q.DeadRetention = minRetention, minRetention
		defer s.work()()
		n := s.node(s.q, "s", "@daily")
		for range 50 { // each restarts long after the keys have gone
			stop := s.start(s.node(s.q, "s", "@daily"))
			time.Sleep(time.Hour)
			stop()
		}
		if got := s.runs("s"); len(got) != 2 || got["2000-01-02T00:00:00"] != 1 || got["2000-01-03T00:00:00"] != 1 {
			t.Errorf("got %v, state %+v", got, s.state(n))
		}
	})
}

// TestRule_R15_TheLastTickNeverGoesBack: a node that comes late with its tick changes
// nothing, not the counts either.
func TestRule_R15_TheLastTickNeverGoesBack(t *testing.T) {
	inQuietScene(t, func(s *scene) {
		n := s.node(s.q, "s", "@hourly")
		f, err := n.facts()
		if err != nil {
			t.Fatal(err)
		}
		r := &runner[asked, queue.None]{Schedule: n, facts: f, began: time.Now()}
		if _, err := r.adopt(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Hour)
		ticks := walk(f, r.began.Add(time.Second), time.Now())
		var want mark
		for _, i := range []int{2, 2, 1, 0} {
			got, err := r.raise(t.Context(), ticks[i], fired, backends.Ref{ID: fmt.Sprint(i)})
			if err != nil {
				t.Fatal(err)
			}
			if want.Job == "" {
				want = got
			}
			if diff := cmp.Diff(want, got); diff != "" || got.Job != "2" || got.Fired != 1 || got.Missed != 2 {
				t.Errorf("raised to %d: %+v\n%s", i, got, diff)
			}
		}
	})
}

// TestRule_R15_ANewExpressionDoesNotFireItsPast, nor does the old one fire what the new
// one had.
func TestRule_R15_ANewExpressionDoesNotFireItsPast(t *testing.T) {
	inScene(t, func(s *scene) {
		stop := s.start(s.node(s.q, "s", "0 3 * * *"))
		time.Sleep(4 * time.Hour)
		stop()
		time.Sleep(4 * time.Hour)
		stop = s.start(s.node(s.q, "s", "0 5 * * *"))
		time.Sleep(10 * time.Minute)
		stop()
		if got := s.runs("s"); len(got) != 1 {
			t.Errorf("got %v, want 03:00 alone", got)
		}
		until(time.Date(2000, 1, 2, 6, 0, 0, 0, time.UTC)) // adopted, so that a restart catches up
		stop = s.start(s.node(s.q, "s", "0 5 * * *"))
		time.Sleep(10 * time.Minute)
		stop()
		if got := s.runs("s"); got["2000-01-02T05:00:00"] != 1 || len(got) != 2 {
			t.Errorf("got %v, want 05:00 of the second too", got)
		}
	})
}

// TestRule_R15_TwoVersionsBesideEachOther: while a deploy rolls, both fire their own.
func TestRule_R15_TwoVersionsBesideEachOther(t *testing.T) {
	inScene(t, func(s *scene) {
		stop := s.start(s.node(s.q, "s", "0 3 * * *"), s.node(s.q, "s", "0 5 * * *"))
		time.Sleep(7 * time.Hour)
		stop()
		want := map[string]int{"2000-01-01T03:00:00": 1, "2000-01-01T05:00:00": 1}
		if diff := cmp.Diff(want, s.runs("s")); diff != "" {
			t.Error(diff)
		}
	})
}

// TestRule_R15_JitterIsAgreed: all nodes delay a tick alike, never past the next,
// and the delays spread.
func TestRule_R15_JitterIsAgreed(t *testing.T) {
	inScene(t, func(s *scene) {
		from := time.Now()
		jitter := func(n *schedules) { n.Jitter = 50 * time.Minute }
		n := s.node(s.q, "s", "*/30 * * * *", jitter)
		stop := s.start(n, s.node(s.q, "s", "*/30 * * * *", jitter), s.node(s.q, "s", "*/30 * * * *", jitter))
		time.Sleep(48*time.Hour - time.Minute)
		stop()
		s.wantTicks(n, from, time.Now().Add(-29*time.Minute))
		if st := s.state(n); st.Missed > 0 {
			t.Errorf("%+v", st)
		}
		early := 0
		f, _ := n.facts()
		for _, jobs := range s.jobs {
			j := jobs[0]
			due := f.due(Tick{j.At, j.Local})
			if late := j.start.Sub(due); late < 0 || late > 2*time.Second {
				t.Errorf("%s ran %v after its time", j.Local, late)
			}
			if d := due.Sub(j.At); d < 0 || d >= 30*time.Minute {
				t.Errorf("%s is delayed by %v", j.Local, d)
			} else if d < 15*time.Minute {
				early++
			}
		}
		if early < 30 || early > 66 {
			t.Errorf("%d of 96 are in the first half", early)
		}
	})
}

// TestRule_R15_ArgsMayFail: a tick whose args can't be made is tried again, and a
// panic ends no program.
func TestRule_R15_ArgsMayFail(t *testing.T) {
	inScene(t, func(s *scene) {
		from, calls := time.Now(), 0
		n := s.node(s.q, "s", "@hourly", func(n *schedules) {
			right := n.Args
			n.Args = func(ctx context.Context, t Tick) (asked, error) {
				switch calls++; calls % 3 {
				case 1:
					return asked{}, errors.New("not yet")
				case 2:
					panic("ouch")
				}
				return right(ctx, t)
			}
			n.Logger = slog.New(slog.DiscardHandler)
		})
		stop := s.start(n)
		time.Sleep(5*time.Hour + time.Minute)
		stop()
		s.wantTicks(n, from, time.Now())
	})
}

// TestRule_R15_NodesWhoseArgsDiffer make one job all the same.
func TestRule_R15_NodesWhoseArgsDiffer(t *testing.T) {
	inScene(t, func(s *scene) {
		f := backendtest.NewFaulty(s.store, backendtest.Fault{Verb: backendtest.CellPut, Rate: func(n int) bool { return n > 2 }})
		a := s.node(s.over(f), "s", "@hourly")
		stop := s.start(a)
		time.Sleep(61 * time.Minute) // enqueued, not raised
		stop()
		other := s.node(s.q, "s", "@hourly", func(n *schedules) {
			n.Args = func(_ context.Context, t Tick) (asked, error) { return asked{"other", t.Local, t.At}, nil }
		})
		stop = s.start(other)
		time.Sleep(time.Minute)
		stop()
		if len(s.runs("s")) != 1 || len(s.runs("other")) != 0 || s.state(other).Fired != 1 {
			t.Errorf("%v, %v, %+v", s.runs("s"), s.runs("other"), s.state(other))
		}
	})
}
