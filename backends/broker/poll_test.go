package broker

import (
	"testing"
	"time"
)

// TestWaiting_PollsComeLessOftenWhereNothingChanges: as docs/aws.md counts them.
func TestWaiting_PollsComeLessOftenWhereNothingChanges(t *testing.T) {
	for _, row := range []struct{ every, quiet, want time.Duration }{
		{2 * time.Second, 0, 2 * time.Second},
		{2 * time.Second, 24 * time.Second, 2 * time.Second},
		{2 * time.Second, 36 * time.Second, 3 * time.Second},
		{2 * time.Second, time.Minute, 5 * time.Second},
		{2 * time.Second, time.Hour, 5 * time.Second},
		{time.Minute, time.Hour, 150 * time.Second},
	} {
		if got := poll(row.every, row.quiet); got != row.want {
			t.Errorf("every %v, quiet for %v: %v, want %v", row.every, row.quiet, got, row.want)
		}
	}
}
