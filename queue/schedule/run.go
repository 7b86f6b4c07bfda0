package schedule

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/leat-go/leat/backends"
)

const (
	spread   = time.Second     // nodes wake up to so much apart
	again    = 5 * time.Minute // the cell is read again, if it is ahead of this clock
	firstTry = time.Second     // after an error; doubles
	lastTry  = time.Minute
)

// runner is a schedule that runs.
type runner[T, R any] struct {
	*Schedule[T, R]
	*facts
	began    time.Time
	wake     time.Time // when the cell is to be read
	failures int
}

// Run fires until ctx ends, and then returns nil. What goes wrong with the store or
// Args is logged and tried again, after 1 s to 1 min. An error is what makes no
// sense to try again: an [queue.InvalidError], [errors.ErrUnsupported], [queue.ErrClosed].
func (s *Schedule[T, R]) Run(ctx context.Context) error {
	f, err := s.facts()
	if err != nil {
		return wrap(s.Name, "run", err)
	}
	r := &runner[T, R]{Schedule: s, facts: f, began: f.clock()}
	if err = r.run(ctx); ctx.Err() != nil {
		return nil
	}
	return wrap(s.Name, "run", err)
}

func (r *runner[T, R]) run(ctx context.Context) error {
	adopted := false
	for r.sleep(ctx) {
		var m mark
		var err error
		if !adopted {
			_, err = r.adopt(ctx)
			adopted = err == nil
		}
		if adopted {
			m, err = r.visit(ctx)
		}
		if hopeless(err) {
			return err
		}
		r.rest(ctx, m, err)
	}
	return nil
}

// hopeless reports whether err won't pass.
func hopeless(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, backends.ErrClosed)
}

// adopt makes the mark of a schedule that is new, or has another rhythm now: it
// begins now.
func (r *runner[T, R]) adopt(ctx context.Context) (mark, error) {
	return r.cell.change(ctx, func(m *mark) bool {
		if m.Rhythm == r.String() {
			return false
		}
		m.Rhythm, m.Last = r.String(), later(m.Last, r.began).UTC()
		return true
	})
}

// rest sets when to read the cell next: at the next tick, or soon after an error.
func (r *runner[T, R]) rest(ctx context.Context, m mark, err error) {
	now := r.clock()
	if err != nil {
		if ctx.Err() == nil {
			r.log.WarnContext(ctx, "leat: the schedule will try again", "error", err)
		}
		pause := min(firstTry<<min(r.failures, 10), lastTry)
		r.failures++
		r.wake = now.Add(pause/2 + rand.N(pause/2))
		return
	}
	r.failures = 0
	last := r.base(m)
	if m.Paused {
		last = later(last, now)
	}
	next, ok := r.after(last)
	r.wake = now.Add(again)
	switch due := r.due(next); {
	case ahead(m.Last, now):
		r.log.WarnContext(ctx, "leat: the last tick is ahead of this clock; Reset lets the schedule go on", "last", m.Last, "now", now)
	case ok:
		r.wake = due.Add(r.lag(next))
	}
}

// ahead reports whether last is so far in the future that a clock was wrong.
func ahead(last, now time.Time) bool { return last.Sub(now) > fast }

// fast is how far clocks are apart without anybody's being told.
const fast = 15 * time.Minute

// lag is a rest before this node looks at a tick, so that nodes come one by one, and
// most find it fired. Frequent ticks have less time for it.
func (r *runner[T, R]) lag(t Tick) time.Duration {
	most := spread
	if after, ok := r.after(t.At); ok {
		most = min(most, after.At.Sub(t.At)/10)
	}
	return rand.N(most)
}

// sleep waits until the clock says that it is time; false when ctx has ended.
func (r *runner[T, R]) sleep(ctx context.Context) bool {
	for {
		left := r.wake.Sub(r.clock())
		if left <= 0 {
			return ctx.Err() == nil
		}
		if !sleep(ctx, min(left, r.look)) {
			return false
		}
	}
}
