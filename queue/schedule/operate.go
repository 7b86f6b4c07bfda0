package schedule

import (
	"context"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/queue"
)

// State is what all nodes know of a schedule.
type State struct {
	Last    Tick      // the newest that is past; zero At: it has never run
	LastJob queue.Ref // the newest job; zero = none yet
	Next    Tick      // after Last, or after now where that is later; it fires within Jitter and a second. Zero when paused
	Paused  bool

	Fired   int // ticks that have a job
	Missed  int // not fired, as CatchUp says
	Skipped int // by Overlap
	Failed  int // whose job the queue refuses: ErrInvalid, ErrTooLarge
}

// State reads it from the store.
func (s *Schedule[T, R]) State(ctx context.Context) (State, error) {
	f, err := s.facts()
	if err != nil {
		return State{}, wrap(s.Name, "state", err)
	}
	m, _, err := f.cell.read(ctx)
	if err != nil {
		return State{}, wrap(s.Name, "state", err)
	}
	out := State{
		LastJob: backends.Ref{Tenant: m.Tenant, ID: m.Job}, Paused: m.Paused,
		Fired: m.Fired, Missed: m.Missed, Skipped: m.Skipped, Failed: m.Failed,
	}
	if !m.Last.IsZero() {
		out.Last = Tick{At: m.Last.In(s.zone()), Local: m.Local}
	}
	if !m.Paused {
		out.Next, _ = f.after(later(m.Last, f.clock()))
	}
	return out, nil
}

// Pause keeps ticks from firing, on all nodes, from the next tick on and until Resume.
// It is kept in the store. Jobs that are there run on: see queue.Pause.
func (s *Schedule[T, R]) Pause(ctx context.Context) error {
	return s.operate(ctx, "pause", func(m *mark, now time.Time) bool {
		if m.Paused {
			return false
		}
		m.Paused = true
		return true
	})
}

// Resume ends a Pause. The ticks meanwhile do not fire, nor count as missed.
func (s *Schedule[T, R]) Resume(ctx context.Context) error {
	return s.operate(ctx, "resume", func(m *mark, now time.Time) bool {
		if !m.Paused {
			return false
		}
		m.Paused, m.Last = false, later(m.Last, now).UTC()
		return true
	})
}

// Reset makes now the last tick, by this node's clock: for a last tick in the future, which
// a clock that was far ahead has left, or in a past that is to be let go. Ticks that
// fired and are later than now may fire again, once their keys' retention is over.
func (s *Schedule[T, R]) Reset(ctx context.Context) error {
	return s.operate(ctx, "reset", func(m *mark, now time.Time) bool {
		m.Last, m.Local = now.UTC(), ""
		return true
	})
}

func (s *Schedule[T, R]) operate(ctx context.Context, verb string, f func(*mark, time.Time) bool) error {
	facts, err := s.facts()
	if err != nil {
		return wrap(s.Name, verb, err)
	}
	_, err = facts.cell.change(ctx, func(m *mark) bool { return f(m, facts.clock()) })
	return wrap(s.Name, verb, err)
}

// RunNow enqueues an extra job, as if now were a tick, paused or not. It moves
// nothing: the ticks fire as before, and Overlap does not see it. Repeated, it is another job.
func (s *Schedule[T, R]) RunNow(ctx context.Context) (queue.Ticket, error) {
	f, err := s.facts()
	if err != nil {
		return queue.Ticket{}, wrap(s.Name, "run now", err)
	}
	args, err := s.args(ctx, tickAt(f.clock().Truncate(time.Second), s.zone()))
	if err != nil {
		return queue.Ticket{}, wrap(s.Name, "run now", err)
	}
	t, err := s.Queue.Enqueue(ctx, args, append(s.Options[:len(s.Options):len(s.Options)], queue.Key(""))...)
	return t, wrap(s.Name, "run now", err)
}
