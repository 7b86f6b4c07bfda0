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
	if v.err == nil {
		return backends.Settlement{
			Verb: backends.Commit, Outcome: backends.Succeeded, Result: v.result, Stored: v.stored, Owes: t.owes,
		}
	}
	permanent, snooze := as[PermanentError](v.err), as[SnoozeError](v.err)
	switch {
	case v.cause == backends.ErrCancelled:
		return backends.Settlement{Verb: backends.Commit, Outcome: backends.Cancelled}
	case v.cause == backends.ErrSuperseded:
		return backends.Settlement{Verb: backends.Commit, Outcome: backends.Superseded}
	case permanent != nil:
		return dead(cmp.Or(permanent.reason, "permanent error"), v)
	case snooze != nil:
		return backends.Settlement{Verb: backends.Snooze, Delay: sensible(snooze.After)}
	case v.cause == ErrDeadline:
		return backends.Settlement{Verb: backends.Commit, Outcome: backends.Expired, Reason: "its deadline passed while it ran", Error: textOf(v.err)}
	case v.cause == ErrStopping:
		return backends.Settlement{Verb: backends.Release}
	case t.attempt >= t.maxAttempts:
		return dead("its attempts are used up", v)
	}
	return backends.Settlement{Verb: backends.Retry, Delay: sensible(t.delay(v.err)), Error: failure(v)}
}

// delay is how long a failed attempt waits for the next. A backoff is the user's
// code: where it panics, the default takes its place.
func (t terms) delay(err error) (d time.Duration) {
	if later := as[RetryAfterError](err); later != nil {
		return later.After
	}
	defer func() {
		if recover() != nil {
			d = Exponential(DefaultBackoff, DefaultMaxBackoff)(t.attempt)
		}
	}()
	return t.backoff(t.attempt)
}

// longestDelay is the longest wait that is asked of a store.
const longestDelay = 100 * 365 * 24 * time.Hour

func sensible(d time.Duration) time.Duration { return min(max(0, d), longestDelay) }

// as finds a *T among what err wraps; nil = none. The methods of a user's error may
// panic.
func as[T any, P interface {
	*T
	error
}](err error) (found P) {
	defer func() {
		if recover() != nil {
			found = nil
		}
	}()
	errors.As(err, &found)
	return found
}

func dead(reason string, v verdict) backends.Settlement {
	return backends.Settlement{Verb: backends.Commit, Outcome: backends.Dead, Reason: reason, Error: failure(v)}
}

// failure is the text of a failed attempt.
func failure(v verdict) string {
	text := textOf(v.err)
	if v.cause == ErrRunLimit {
		text = backends.Capped(ErrRunLimit.Error() + ": " + text)
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
