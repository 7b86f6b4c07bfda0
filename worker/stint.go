package worker

import (
	"context"
	"fmt"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/internal/seam"
)

// RunStint is how worker/lambda and worker/push run a worker for as long as an
// invocation or a request lasts. Any number of stints may run at a time, each with a
// pool of its own, and none shows in Health.
func (w *Worker[T, R]) RunStint(ctx context.Context, _ seam.Key, s seam.Stint) error {
	return runStint(ctx, &w.Pool, s, w)
}

// RunStint is that of [Worker.RunStint].
func (m *Mux) RunStint(ctx context.Context, _ seam.Key, s seam.Stint) error {
	return runStint(ctx, &m.Pool, s, m.workers...)
}

func runStint(ctx context.Context, p *Pool, s seam.Stint, workers ...Kind) error {
	own := *p
	if own.health != nil {
		own.health = &health{}
	}
	e, err := newEngine(ctx, &own, &s, workers)
	if err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	return e.run(ctx)
}

// bounds are those of a stint, or of the pool where there is none.
func (p *Pool) bounds(s *seam.Stint) seam.Stint {
	if s == nil {
		return seam.Stint{Grace: p.Grace, Kill: p.Kill, Last: lastSettle}
	}
	return *s
}

// claimContext ends when nothing more is claimed: a margin before the deadline of
// ctx, if it has one, or when the stint says so.
func (e *engine) claimContext(ctx context.Context, d time.Time) (context.Context, context.CancelFunc) {
	if d.IsZero() {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, d)
}

// lastClaim is when nothing more is claimed; zero = when ctx ends.
func (e *engine) lastClaim(ctx context.Context, s *seam.Stint) time.Time {
	d, ok := ctx.Deadline()
	switch {
	case s == nil && ok:
		return d.Add(-e.Margin)
	case s != nil && !s.End.IsZero():
		return s.End.Add(-s.Grace)
	}
	return time.Time{}
}

// atEnd is why a handler that began at that time is interrupted when the stint ends.
func (e *engine) atEnd(begun time.Time) error {
	if begun.Before(e.stint.Whole) {
		return ErrRunLimit
	}
	return ErrStopping
}

// whyStop is why the handler of an attempt is interrupted by the drain: as the clock
// would say, where both come at the same moment.
func (a *attempt) whyStop() error {
	if end := a.e.stint.End; !end.IsZero() && a.end.Equal(end) && !time.Now().Before(end) {
		return a.why
	}
	return ErrStopping
}

// idleLoop ends the claims of a stint when nothing was there to do for long enough.
func (e *engine) idleLoop(ctx context.Context, stop context.CancelFunc) {
	for ctx.Err() == nil {
		e.mu.Lock()
		rest := e.stint.Idle
		if len(e.live) == 0 {
			rest = time.Until(e.calm.Add(e.stint.Idle))
		}
		e.mu.Unlock()
		switch {
		case rest > 0:
			after(ctx, rest)
		case e.stint.Empty != nil && !e.stint.Empty():
			after(ctx, e.stint.Idle)
		default:
			stop()
		}
	}
}

// report tells to who runs the stint.
func (e *engine) report(s backends.Settlement, err error) {
	if e.stint.Settled != nil {
		e.stint.Settled(s, err)
	}
}
