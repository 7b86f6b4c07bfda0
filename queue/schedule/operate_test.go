package schedule

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/queue"
)

func TestRule_R15_PauseAndResume(t *testing.T) {
	inScene(t, func(s *scene) {
		n, ctx := s.node(s.q, "s", "@hourly"), t.Context()
		ok := func(err error) {
			t.Helper()
			if err != nil {
				t.Error(err)
			}
		}
		ok(n.Pause(ctx)) // before it ever ran
		stop := s.start(n, s.node(s.q, "s", "@hourly"))
		time.Sleep(150 * time.Minute)
		if st := s.state(n); !st.Paused || !st.Next.At.IsZero() || len(s.runs("s")) != 0 {
			t.Errorf("paused: %+v, jobs %v", st, s.runs("s"))
		}
		ok(n.Resume(ctx)) // 02:30
		ok(n.Resume(ctx))
		time.Sleep(time.Hour)
		ok(n.Pause(ctx)) // 03:30
		ok(n.Pause(ctx))
		time.Sleep(time.Hour)
		stop()
		stop = s.start(s.node(s.q, "s", "@hourly")) // remembers
		time.Sleep(time.Hour)
		ok(s.node(s.q, "s", "@hourly").Resume(ctx)) // 05:30
		time.Sleep(time.Hour)
		stop()
		want := map[string]int{"2000-01-01T03:00:00": 1, "2000-01-01T06:00:00": 1}
		if diff := cmp.Diff(want, s.runs("s")); diff != "" {
			t.Error(diff)
		}
		if st := s.state(n); st.Missed != 0 || st.Fired != 2 || st.Paused {
			t.Errorf("%+v", st)
		}
	})
}

// TestRule_R15_RunNowIsExtra: each call is a job, paused or not, and ticks go on.
func TestRule_R15_RunNowIsExtra(t *testing.T) {
	inScene(t, func(s *scene) {
		n := s.node(s.q, "s", "@hourly", func(n *schedules) { n.Options = []queue.Option{queue.Key("mine"), queue.Tenant("zeta")} })
		stop := s.start(n)
		time.Sleep(90 * time.Minute)
		before := s.state(n)
		a, err := n.RunNow(t.Context())
		b, err2 := n.RunNow(t.Context())
		if err != nil || err2 != nil || a.ID == b.ID || a.Duplicate || a.Tenant != "zeta" {
			t.Errorf("%+v, %v; %+v, %v", a, err, b, err2)
		}
		if diff := cmp.Diff(before, s.state(n)); diff != "" {
			t.Error(diff)
		}
		time.Sleep(time.Hour)
		stop()
		want := map[string]int{"2000-01-01T01:00:00": 1, "2000-01-01T01:30:00": 2, "2000-01-01T02:00:00": 1}
		if diff := cmp.Diff(want, s.runs("s")); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRule_R15_OverlapSkips(t *testing.T) {
	for overlap, want := range map[Overlap]State{
		Allow: {Fired: 6},
		Skip:  {Fired: 2, Skipped: 4}, // 1:00 runs until 3:30, 4:00 until 6:30
	} {
		inScene(t, func(s *scene) {
			s.handles = func(ctx context.Context, _ *queue.Job[asked]) {
				select {
				case <-ctx.Done():
				case <-time.After(150 * time.Minute):
				}
			}
			over := func(n *schedules) {
				n.Overlap, n.Options = overlap, []queue.Option{queue.RunLimit(3 * time.Hour)}
			}
			n := s.node(s.q, "s", "@hourly", over)
			stop := s.start(n, s.node(s.q, "s", "@hourly", over))
			time.Sleep(6*time.Hour + 20*time.Minute)
			stop()
			time.Sleep(3 * time.Hour)
			if st := s.state(n); st.Fired != want.Fired || st.Skipped != want.Skipped || st.Missed != 0 || len(s.runs("s")) != want.Fired {
				t.Errorf("%d: %+v, jobs %v", overlap, st, s.runs("s"))
			}
		})
	}
}
