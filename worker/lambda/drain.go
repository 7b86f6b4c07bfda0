package lambda

import (
	"context"
	"fmt"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/internal/seam"
)

// Drain works on a queue until it is empty, or the deadline of its invocation is near:
// for a function that a schedule starts. Its worker claims for itself, on any
// Backend.
type Drain struct {
	Worker Worker

	// Idle is how long there must be nothing to do; 0 = 2 s.
	Idle time.Duration

	// Margin is how long before the deadline nothing more is claimed; 0 = a tenth of
	// the time that there is, at most 10 s. It is divided as that of a [Handler].
	Margin time.Duration
}

const defaultIdle = 2 * time.Second

// Summary is what a Drain did, by attempts.
type Summary struct {
	Succeeded int `json:"succeeded"`
	Retried   int `json:"retried"`  // failed, snoozed or not announced: they come again later
	Ended     int `json:"ended"`    // dead, cancelled, superseded or expired
	Released  int `json:"released"` // not begun or interrupted, no attempt used
	Lost      int `json:"lost"`     // taken over by another worker

	Empty bool `json:"empty"` // there was nothing left to do; else the time was up
}

// Invoke drains, and returns when nothing is running or held (R16). The error is that
// of [worker.Worker.Run], beside the summary of what was done.
//
// It leaves nothing running but what the Backend has started: open the queue inside
// the invocation and close it, where its Backend works behind the caller's back, as
// that of an awssqs URL does.
func (d Drain) Invoke(ctx context.Context) (Summary, error) {
	var out Summary
	stint := seam.Stint{Kill: time.Second, Last: time.Second}
	if deadline, ok := ctx.Deadline(); ok {
		var err error
		if stint, err = seam.NewStint(time.Now(), deadline, d.Margin); err != nil {
			return out, fmt.Errorf("lambda: drain: %w", err)
		}
	}
	if stint.Idle = d.Idle; stint.Idle <= 0 {
		stint.Idle = defaultIdle
	}
	stint.Settled = out.count
	if err := d.Worker.RunStint(ctx, seam.Key{}, stint); err != nil {
		return out, fmt.Errorf("lambda: drain: %w", err)
	}
	out.Empty = ctx.Err() == nil && (stint.End.IsZero() || time.Now().Before(stint.End.Add(-stint.Grace)))
	return out, nil
}

// count is called under the worker's lock.
func (s *Summary) count(w backends.Settlement, err error) {
	switch {
	case err != nil:
		s.Lost++
	case w.Verb == backends.Commit && w.Outcome == backends.Succeeded:
		s.Succeeded++
	case w.Verb == backends.Commit:
		s.Ended++
	case w.Verb == backends.Release:
		s.Released++
	case w.Verb == backends.Retry, w.Verb == backends.Snooze:
		s.Retried++
	}
}
