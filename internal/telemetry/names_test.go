package telemetry

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"go.uber.org/goleak"

	"github.com/leat-go/leat/backends"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type custom struct{}

func (custom) Error() string { return "of tenant zeta" }

// An error's type has few values and nothing of its text; what happened goes
// before that time ran out meanwhile.
func TestTypeOf(t *testing.T) {
	for want, err := range map[string]error{
		"canceled":            fmt.Errorf("wrapped: %w", context.Canceled),
		"timeout":             context.DeadlineExceeded,
		"backlog_full":        fmt.Errorf("%w: %w", backends.ErrBacklogFull, context.DeadlineExceeded),
		"key_reused":          backends.ErrKeyReused,
		"too_large":           fmt.Errorf("args of 70000 bytes: %w", backends.ErrTooLarge),
		"invalid":             &backends.InvalidError{Field: "Job.Tenant", Reason: "zeta"},
		"lost":                errors.Join(context.Canceled, backends.ErrLost),
		"cancelled":           backends.ErrCancelled,
		"superseded":          backends.ErrSuperseded,
		"closed":              backends.ErrClosed,
		"unsupported":         fmt.Errorf("x: %w", errors.ErrUnsupported),
		"telemetry.custom":    fmt.Errorf("outer: %w", fmt.Errorf("inner: %w", custom{})),
		"*errors.errorString": fmt.Errorf("open: %w", &fs.PathError{Op: "open", Path: "/zeta", Err: fs.ErrNotExist}),
		"*errors.joinError":   errors.Join(custom{}, errors.New("zeta")),
	} {
		if got := TypeOf(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}

// Headers that somebody damaged speak of no trace.
func TestOrigin(t *testing.T) {
	for header, valid := range map[string]bool{
		"00-01000000000000000000000000000000-0200000000000000-01": true,
		"": false,
		"00-00000000000000000000000000000000-0200000000000000-01": false,
		"00-01":    false,
		"\x00\xff": false,
	} {
		if got := Origin(map[string]string{"traceparent": header}); got.IsValid() != valid {
			t.Errorf("%q: %+v", header, got)
		}
	}
	if Origin(nil).IsValid() {
		t.Error("no headers speak of a trace")
	}
}
