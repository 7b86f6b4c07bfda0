package sqlite

import (
	"testing"
	"time"
)

// TestWaiting_GlancesTakeATenthOfTheTime, and a machine that stalled doesn't keep a lone caller
// waiting.
func TestWaiting_GlancesTakeATenthOfTheTime(t *testing.T) {
	for _, row := range []struct {
		took    time.Duration
		records int
		want    time.Duration
	}{
		{0, 0, 5 * time.Millisecond},
		{50 * time.Microsecond, 1, 5 * time.Millisecond},
		{time.Second, 1, 5 * time.Millisecond},
		{20 * time.Millisecond, 10_000, 180 * time.Millisecond},
		{time.Minute, 10_000, 4500 * time.Millisecond},
	} {
		if got := breath(row.took, row.records); got != row.want {
			t.Errorf("%v for %d records: rests %v, want %v", row.took, row.records, got, row.want)
		}
	}
}
