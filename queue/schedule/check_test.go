package schedule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/queue"
)

// TestRule_F2_AJobThatTheQueueRefuses is counted and not tried again; the next tick is.
func TestRule_F2_AJobThatTheQueueRefuses(t *testing.T) {
	inScene(t, func(s *scene) {
		calls := 0
		n := s.node(s.q, "s", "@hourly", func(n *schedules) {
			n.Args = func(_ context.Context, t Tick) (asked, error) {
				calls++
				return asked{n.Name, strings.Repeat("x", 1<<20), t.At}, nil
			}
			n.Logger = slog.New(slog.DiscardHandler)
		})
		stop := s.start(n)
		time.Sleep(3*time.Hour + time.Minute)
		stop()
		if st := s.state(n); st.Failed != 3 || st.Fired != 0 || calls != 3 {
			t.Errorf("%d calls, %+v", calls, st)
		}
	})
}

// cellless is a Backend without cells; recordless one without records.
type (
	cellless   struct{ backends.Backend }
	recordless struct{ backends.Backend }
)

func (cellless) Cells() backends.Cells { return backends.NoCells }

func (r recordless) Features() backends.Features {
	f := r.Backend.Features()
	f.Records = false
	return f
}

// odd are cells that say so only when they are asked.
type odd struct{ backends.Backend }

func (o odd) Cells() backends.Cells { return oddCells{backends.NoCells} }

type oddCells struct{ backends.Cells }

func TestRule_R15_RefusedWithoutRecordsOrCells(t *testing.T) {
	for name, b := range map[string]backends.Backend{
		"cells": cellless{memory.New(memory.Options{})}, "records": recordless{memory.New(memory.Options{})}, "odd": odd{memory.New(memory.Options{})},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := New(queue.New[asked, queue.None](b, "q"), "s")
			n.Cron = "@daily"
			if err := n.Run(t.Context()); !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("%s: %v", name, err)
			}
			if err := n.Pause(t.Context()); !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

func TestRule_R15_AClosedStoreEndsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := memory.New(memory.Options{})
		n := New(queue.New[asked, queue.None](b, "q"), "s")
		n.Every = time.Minute
		b.Close()
		if err := n.Run(t.Context()); !errors.Is(err, queue.ErrClosed) {
			t.Error(err)
		}
	})
}

// TestRule_F2_BadSchedules: each a typed error that names the field, from every door.
func TestRule_F2_BadSchedules(t *testing.T) {
	q := queue.New[asked, queue.None](memory.New(memory.Options{}), "q")
	short := queue.New[asked, queue.None](memory.New(memory.Options{}), "q")
	short.Retention = -1
	brief := queue.New[asked, queue.None](memory.New(memory.Options{}), "q")
	brief.DeadRetention = time.Minute
	for i, c := range []struct {
		field string
		spoil func(*schedules)
	}{
		{"Schedule.Queue", func(n *schedules) { n.Queue = nil }},
		{"Queue", func(n *schedules) { n.Queue = &queues{} }},
		{"Queue.Retention or DeadRetention", func(n *schedules) { n.Queue = short }},
		{"Queue.Retention or DeadRetention", func(n *schedules) { n.Queue = brief }},
		{"Schedule.Name", func(n *schedules) { n.Name = "" }},
		{"Schedule.Name", func(n *schedules) { n.Name = strings.Repeat("x", 129) }},
		{"Schedule.Name", func(n *schedules) { n.Name = "a\x00" }},
		{"Schedule.Name", func(n *schedules) { n.Name = "a\xff" }},
		{"Schedule.Cron", func(n *schedules) { n.Cron = "" }},
		{"Schedule.Cron", func(n *schedules) { n.Cron = "x" }},
		{"Schedule.Every", func(n *schedules) { n.Every = time.Hour }},
		{"Schedule.Every", func(n *schedules) { n.Cron, n.Every = "", -time.Hour }},
		{"Schedule.Every", func(n *schedules) { n.Cron, n.Every = "", time.Millisecond }},
		{"Schedule.Every", func(n *schedules) { n.Cron, n.Every = "", 1500*time.Millisecond }},
		{"Schedule.Location", func(n *schedules) { n.Location = time.Local }},
		{"Schedule.Jitter", func(n *schedules) { n.Jitter = -1 }},
		{"Schedule.Grace", func(n *schedules) { n.Grace = -1 }},
		{"Schedule.CatchUp", func(n *schedules) { n.CatchUp = -2 }},
		{"Schedule.CatchUp", func(n *schedules) { n.CatchUp = MaxCatchUp + 1 }},
		{"Schedule.Overlap", func(n *schedules) { n.Overlap = 2 }},
	} {
		t.Run(fmt.Sprint(i, c.field), func(t *testing.T) {
			n := New(q, "s")
			n.Cron = "@daily"
			if err := n.Check(); err != nil {
				t.Fatal(err)
			}
			c.spoil(n)
			ended, end := context.WithCancel(t.Context())
			end()
			_, stateErr := n.State(t.Context())
			_, nowErr := n.RunNow(t.Context())
			for _, err := range []error{n.Check(), n.Run(ended), n.Pause(t.Context()), n.Resume(t.Context()), n.Reset(t.Context()), stateErr, nowErr} {
				var bad *queue.InvalidError
				if !errors.As(err, &bad) || bad.Field != c.field {
					t.Errorf("%v", err)
				}
			}
		})
	}
}

// TestRule_F2_ADamagedCell is an error for operators, and keeps the node waiting for
// somebody to mend it.
func TestRule_F2_ADamagedCell(t *testing.T) {
	inScene(t, func(s *scene) {
		key := cellKey("q", "s")
		version, err := s.store.Cells().Put(t.Context(), key, []byte("{"), "", time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		n := s.node(s.q, "s", "@hourly", func(n *schedules) { n.Logger = slog.New(slog.DiscardHandler) })
		if _, err := n.State(t.Context()); !errors.Is(err, queue.ErrInvalid) {
			t.Error(err)
		}
		stop := s.start(n)
		time.Sleep(90 * time.Minute)
		if _, err := s.store.Cells().Put(t.Context(), key, []byte("{}"), version, time.Time{}); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour)
		stop()
		if got := s.runs("s"); got["2000-01-01T02:00:00"] != 1 {
			t.Errorf("%v, %+v", got, s.state(n))
		}
	})
}

func TestCellsOfSchedules(t *testing.T) {
	seen := map[string]bool{}
	long := strings.Repeat("é", 64)
	for _, c := range [][2]string{{"a", "b"}, {"a b", ""}, {"a", "b c"}, {"a b", "c"}, {strings.Repeat("q", 256), long}, {"", long}} {
		key := cellKey(c[0], c[1])
		if seen[key] || backends.CheckCell(key, nil) != nil {
			t.Errorf("%q: %s, %v", c, key, backends.CheckCell(key, nil))
		}
		seen[key] = true
	}
}
