package worker

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/backends"
)

var errSad = errors.New("sad")

// The whole table of verdicts: what a handler returns, why its context ended, and
// what is written.
func TestRule_R9_Verdicts(t *testing.T) {
	const wait = 7 * time.Second
	for _, c := range []struct {
		name    string
		err     error
		cause   error
		attempt int // 0 = the first of three
		want    backends.Settlement
	}{
		{
			name: "success",
			want: backends.Settlement{Verb: backends.Commit, Outcome: backends.Succeeded, Result: []byte("42"), Stored: "key", Owes: backends.WriteBack},
		}, {
			name: "success after the run limit", cause: ErrRunLimit,
			want: backends.Settlement{Verb: backends.Commit, Outcome: backends.Succeeded, Result: []byte("42"), Stored: "key", Owes: backends.WriteBack},
		}, {
			name: "success though cancelled: the store decides", cause: backends.ErrCancelled,
			want: backends.Settlement{Verb: backends.Commit, Outcome: backends.Succeeded, Result: []byte("42"), Stored: "key", Owes: backends.WriteBack},
		}, {
			name: "error", err: errSad,
			want: backends.Settlement{Verb: backends.Retry, Delay: wait, Error: "sad"},
		}, {
			name: "error at the last attempt", err: errSad, attempt: 3,
			want: backends.Settlement{Verb: backends.Commit, Outcome: backends.Dead, Reason: "its attempts are used up", Error: "sad"},
		}, {
			name: "error past the last attempt", err: errSad, attempt: math.MaxInt32,
			want: backends.Settlement{Verb: backends.Commit, Outcome: backends.Dead, Reason: "its attempts are used up", Error: "sad"},
		}, {
			name: "permanent", err: Permanent(errSad),
			want: backends.Settlement{Verb: backends.Commit, Outcome: backends.Dead, Reason: "permanent error", Error: "sad"},
		}, {
			name: "permanent, wrapped", err: fmt.Errorf("very %w", Permanent(errSad)),
			want: backends.Settlement{Verb: backends.Commit, Outcome: backends.Dead, Reason: "permanent error", Error: "very sad"},
		}, {
			name: "permanent, made by hand", err: &PermanentError{Err: errSad},
			want: backends.Settlement{Verb: backends.Commit, Outcome: backends.Dead, Reason: "permanent error", Error: "sad"},
		}, {
			name: "permanent while the worker stops", err: Permanent(errSad), cause: ErrStopping,
			want: backends.Settlement{Verb: backends.Commit, Outcome: backends.Dead, Reason: "permanent error", Error: "sad"},
		}, {
			name: "permanent for a reason of the library's", err: deadFor("its args can't be decoded", errSad),
			want: backends.Settlement{Verb: backends.Commit, Outcome: backends.Dead, Reason: "its args can't be decoded", Error: "sad"},
		}, {
			name: "retry after", err: RetryAfter(time.Minute, errSad),
			want: backends.Settlement{Verb: backends.Retry, Delay: time.Minute, Error: "sad"},
		}, {
			name: "retry after, wrapped", err: fmt.Errorf("very %w", RetryAfter(time.Minute, errSad)),
			want: backends.Settlement{Verb: backends.Retry, Delay: time.Minute, Error: "very sad"},
		}, {
			name: "retry after at the last attempt", err: RetryAfter(time.Minute, errSad), attempt: 3,
			want: backends.Settlement{Verb: backends.Commit, Outcome: backends.Dead, Reason: "its attempts are used up", Error: "sad"},
		}, {
			name: "retry after a time in the past", err: &RetryAfterError{-time.Minute, errSad},
			want: backends.Settlement{Verb: backends.Retry, Error: "sad"},
		}, {
			name: "retry after all time", err: RetryAfter(math.MaxInt64, errSad),
			want: backends.Settlement{Verb: backends.Retry, Delay: longestDelay, Error: "sad"},
		}, {
			name: "snooze", err: Snooze(time.Hour),
			want: backends.Settlement{Verb: backends.Snooze, Delay: time.Hour},
		}, {
			name: "snooze at the last attempt", err: Snooze(time.Hour), attempt: 3,
			want: backends.Settlement{Verb: backends.Snooze, Delay: time.Hour},
		}, {
			name: "snooze into the past", err: &SnoozeError{-time.Hour},
			want: backends.Settlement{Verb: backends.Snooze},
		}, {
			name: "snooze for all time", err: Snooze(math.MaxInt64),
			want: backends.Settlement{Verb: backends.Snooze, Delay: longestDelay},
		}, {
			name: "cancelled", err: context.Canceled, cause: backends.ErrCancelled,
			want: backends.Settlement{Verb: backends.Commit, Outcome: backends.Cancelled},
		}, {
			name: "cancelled, and permanent", err: Permanent(errSad), cause: backends.ErrCancelled,
			want: backends.Settlement{Verb: backends.Commit, Outcome: backends.Cancelled},
		}, {
			name: "superseded", err: context.Canceled, cause: backends.ErrSuperseded,
			want: backends.Settlement{Verb: backends.Commit, Outcome: backends.Superseded},
		}, {
			name: "run limit", err: context.DeadlineExceeded, cause: ErrRunLimit,
			want: backends.Settlement{Verb: backends.Retry, Delay: wait, Error: "worker: the run limit was reached: context deadline exceeded"},
		}, {
			name: "run limit at the last attempt", err: context.DeadlineExceeded, cause: ErrRunLimit, attempt: 3,
			want: backends.Settlement{
				Verb: backends.Commit, Outcome: backends.Dead, Reason: "its attempts are used up",
				Error: "worker: the run limit was reached: context deadline exceeded",
			},
		}, {
			name: "deadline", err: context.DeadlineExceeded, cause: ErrDeadline,
			want: backends.Settlement{
				Verb: backends.Commit, Outcome: backends.Expired, Reason: "its deadline passed while it ran", Error: "context deadline exceeded",
			},
		}, {
			name: "the worker stops", err: context.Canceled, cause: ErrStopping,
			want: backends.Settlement{Verb: backends.Release},
		}, {
			name: "the worker stops at the last attempt", err: context.Canceled, cause: ErrStopping, attempt: 3,
			want: backends.Settlement{Verb: backends.Release},
		}, {
			name: "the worker stops, and it asks for a pause", err: RetryAfter(time.Hour, errSad), cause: ErrStopping,
			want: backends.Settlement{Verb: backends.Release},
		}, {
			name: "panic", err: &PanicError{Value: "oh", Stack: []byte("stack")},
			want: backends.Settlement{Verb: backends.Retry, Delay: wait, Error: "panic: oh\n\nstack"},
		}, {
			name: "no error in a permanent one", err: &PermanentError{},
			want: backends.Settlement{Verb: backends.Commit, Outcome: backends.Dead, Reason: "permanent error", Error: "*worker.PermanentError, whose Error panics"},
		}, {
			name: "a permanent error that is nil inside", err: (*PermanentError)(nil),
			want: backends.Settlement{Verb: backends.Retry, Delay: wait, Error: "*worker.PermanentError, whose Error panics"},
		}, {
			name: "a retry that is nil inside", err: (*RetryAfterError)(nil),
			want: backends.Settlement{Verb: backends.Retry, Delay: wait, Error: "*worker.RetryAfterError, whose Error panics"},
		}, {
			name: "a snooze that is nil inside", err: (*SnoozeError)(nil),
			want: backends.Settlement{Verb: backends.Retry, Delay: wait, Error: "*worker.SnoozeError, whose Error panics"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := decide(
				verdict{err: c.err, cause: c.cause, result: []byte("42"), stored: "key"},
				terms{
					attempt: max(1, c.attempt), maxAttempts: 3, owes: backends.WriteBack,
					backoff: func(int) time.Duration { return wait },
				})
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("want -, got +\n%s", diff)
			}
		})
	}
}

func TestNilErrorsMakeNoVerdict(t *testing.T) {
	if err := Permanent(nil); err != nil {
		t.Errorf("Permanent(nil) is %v", err)
	}
	if err := RetryAfter(time.Hour, nil); err != nil {
		t.Errorf("RetryAfter(nil) is %v", err)
	}
}

// A backoff is the user's code. What it does wrong must not end the process.
func TestRule_R9_BackoffMayPanicOrAnswerNonsense(t *testing.T) {
	for name, c := range map[string]struct {
		backoff  func(int) time.Duration
		min, max time.Duration
	}{
		"panics":   {func(int) time.Duration { panic("oh") }, 0, DefaultMaxBackoff},
		"negative": {func(int) time.Duration { return math.MinInt64 }, 0, 0},
		"endless":  {func(int) time.Duration { return math.MaxInt64 }, longestDelay, longestDelay},
	} {
		s := decide(verdict{err: errSad}, terms{attempt: 1, maxAttempts: 3, backoff: c.backoff})
		if s.Verb != backends.Retry || s.Delay < c.min || s.Delay > c.max {
			t.Errorf("%s: %v after %v", name, s.Verb, s.Delay)
		}
	}
}

type brokenError struct{}

func (brokenError) Error() string { panic("no words") }

// isBroken panics as soon as somebody asks what it is.
type isBroken struct{}

func (isBroken) Error() string   { return "is broken" }
func (isBroken) Is(error) bool   { panic("don't ask") }
func (isBroken) As(any) bool     { panic("don't ask") }
func (isBroken) Unwrap() []error { panic("don't ask") }

func TestErrorsThatPanicAreFailures(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{brokenError{}, "worker.brokenError, whose Error panics"},
		{isBroken{}, "is broken"},
	} {
		s := decide(verdict{err: c.err}, terms{attempt: 1, maxAttempts: 3, backoff: Exponential(time.Second, time.Second)})
		if s.Verb != backends.Retry || s.Error != c.want {
			t.Errorf("%T: %v with %q", c.err, s.Verb, s.Error)
		}
	}
}

func TestErrorTextsAreCapped(t *testing.T) {
	long := errors.New(strings.Repeat("é", 5<<20))
	for _, cause := range []error{nil, ErrRunLimit, ErrDeadline} {
		for _, err := range []error{long, Permanent(long), caught(long), caught(strings.Repeat("x", 10<<20))} {
			s := decide(verdict{err: err, cause: cause}, terms{attempt: 1, maxAttempts: 3, backoff: Exponential(0, 0)})
			if len(s.Error) == 0 || len(s.Error) > backends.MaxText {
				t.Errorf("%T, %v: a text of %d bytes", err, cause, len(s.Error))
			}
		}
	}
}

func FuzzDecide(f *testing.F) {
	f.Add("sad", uint8(0), uint8(0), int64(time.Second), int64(time.Minute), 1, 3)
	f.Add("\xff\x00", uint8(4), uint8(3), int64(math.MinInt64), int64(math.MaxInt64), math.MaxInt32, 0)
	causes := []error{nil, ErrRunLimit, ErrDeadline, ErrStopping, backends.ErrLost, backends.ErrCancelled, backends.ErrSuperseded}
	f.Fuzz(func(t *testing.T, text string, kind, cause uint8, delay, backoff int64, attempt, most int) {
		err := []error{
			nil, errors.New(text), Permanent(errors.New(text)), RetryAfter(time.Duration(delay), errors.New(text)),
			&SnoozeError{time.Duration(delay)}, &RetryAfterError{After: time.Duration(delay)}, caught(text),
			brokenError{},
			isBroken{},
			fmt.Errorf("%s: %w", text, &SnoozeError{time.Duration(delay)}),
		}[int(kind)%10]
		s := decide(verdict{err: err, cause: causes[int(cause)%len(causes)]}, terms{
			attempt: attempt, maxAttempts: most,
			backoff: func(int) time.Duration { return time.Duration(backoff) },
		})
		s.Lease = &backends.Lease{Job: &backends.Job{}}
		if err := s.Check(backends.Features{}); err != nil {
			t.Errorf("no store takes %+v: %v", s, err)
		}
		if s.Delay < 0 || len(s.Error) > backends.MaxText || len(s.Reason) > backends.MaxText {
			t.Errorf("delay %v, texts of %d and %d bytes", s.Delay, len(s.Error), len(s.Reason))
		}
		if s.Error != backends.Capped(s.Error) {
			t.Errorf("%q is not a text", s.Error)
		}
	})
}
