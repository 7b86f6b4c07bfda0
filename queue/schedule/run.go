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
	adopted  bool
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
	for r.sleep(ctx) {
		m, err := r.turn(ctx)
		if hopeless(err) {
			return err
		}
		r.rest(ctx, m, err)
	}
	return nil
}

// turn adopts the mark, until that is done once, and fires what is due.
func (r *runner[T, R]) turn(ctx context.Context) (mark, error) {
	if !r.adopted {
		if m, err := r.adopt(ctx); err != nil {
			return m, err
		}
		r.adopted = true
	}
	return r.visit(ctx)
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
		r.wake = now.Add(r.pause(ctx, err))
		return
	}
	r.failures = 0
	if ahead(m.Last, now) {
		r.log.WarnContext(ctx, "leat: the last tick is ahead of this clock; Reset lets the schedule go on", "last", m.Last, "now", now)
		r.wake = now.Add(again)
		return
	}
	last := m.Last
	if m.Paused {
		last = later(last, now)
	}
	next, _ := r.after(last) // parse has refused what has none
	r.wake = r.due(next).Add(r.lag(next))
}

// pause is the rest after an error, which doubles; half of it is random.
func (r *runner[T, R]) pause(ctx context.Context, err error) time.Duration {
	if ctx.Err() == nil {
		r.log.WarnContext(ctx, "leat: the schedule will try again", "error", err)
	}
	d := min(firstTry<<min(r.failures, 10), lastTry)
	r.failures++
	return d/2 + rand.N(d/2)
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
