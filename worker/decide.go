package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leat-go/leat/backends"
)

// verdict is what a handler's run came to.
type verdict struct {
	err    error
	result []byte // encoded
	stored string // or where it lies
	cause  error  // why the handler's context ended; nil = it did not
}

// terms are what a decision needs beside the verdict.
type terms struct {
	attempt     int
	maxAttempts int
	backoff     func(attempt int) time.Duration
	owes        backends.Debt // of a success
}

// decide turns a verdict into what to write (R9). It is pure, but for the jitter.
// What the store knows better (a newer claim, a mark) it says when it is asked.
func decide(v verdict, t terms) backends.Settlement {
	var (
		snooze    *SnoozeError
		later     *RetryAfterError
		permanent *PermanentError
	)
	switch {
	case v.err == nil:
		return backends.Settlement{
			Verb: backends.Commit, Outcome: backends.Succeeded, Result: v.result, Stored: v.stored, Owes: t.owes,
		}
	case v.cause == backends.ErrCancelled:
		return backends.Settlement{Verb: backends.Commit, Outcome: backends.Cancelled}
	case v.cause == backends.ErrSuperseded:
		return backends.Settlement{Verb: backends.Commit, Outcome: backends.Superseded}
	case errors.As(v.err, &permanent):
		return dead(cmp.Or(permanent.reason, "permanent error"), v)
	case errors.As(v.err, &snooze):
		return backends.Settlement{Verb: backends.Snooze, Delay: snooze.After}
	case v.cause == ErrDeadline:
		return backends.Settlement{Verb: backends.Commit, Outcome: backends.Expired, Reason: "its deadline passed while it ran", Error: textOf(v.err)}
	case v.cause == ErrStopping:
		return backends.Settlement{Verb: backends.Release}
	case t.attempt >= t.maxAttempts:
		return dead(fmt.Sprintf("gave up after %d attempts", t.attempt), v)
	}
	delay := time.Duration(0)
	if errors.As(v.err, &later) {
		delay = later.After
	} else {
		delay = t.backoff(t.attempt)
	}
	return backends.Settlement{Verb: backends.Retry, Delay: max(0, delay), Error: failure(v)}
}

func dead(reason string, v verdict) backends.Settlement {
	return backends.Settlement{Verb: backends.Commit, Outcome: backends.Dead, Reason: reason, Error: failure(v)}
}

// failure is the text of a failed attempt.
func failure(v verdict) string {
	text := textOf(v.err)
	if v.cause == ErrRunLimit {
		text = ErrRunLimit.Error() + ": " + text
	}
	return text
}

// textOf is an error's text, capped, even if its Error panics.
func textOf(err error) (text string) {
	defer func() {
		if p := recover(); p != nil {
			text = fmt.Sprintf("%T, whose Error panics", err)
		}
	}()
	return backends.Capped(err.Error())
}

// causeOf is why a handler's context has ended, nil if it has not.
func causeOf(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return context.Cause(ctx)
}
