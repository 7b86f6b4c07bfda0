package worker

import (
	"math"
	"testing"
	"time"
)

func TestRule_R9_BackoffDoublesUpToItsCap(t *testing.T) {
	const huge = time.Duration(math.MaxInt64)
	for _, c := range []struct {
		base, most time.Duration
		attempt    int
		want       time.Duration
	}{
		{time.Second, time.Minute, -1, time.Second},
		{time.Second, time.Minute, 0, time.Second},
		{time.Second, time.Minute, 1, time.Second},
		{time.Second, time.Minute, 2, 2 * time.Second},
		{time.Second, time.Minute, 6, 32 * time.Second},
		{time.Second, time.Minute, 7, time.Minute},
		{time.Second, time.Minute, math.MaxInt32, time.Minute},
		{time.Second, time.Minute, math.MaxInt, time.Minute},
		{time.Minute, time.Second, 1, time.Second},
		{1, huge, 62, 1 << 61},
		{1, huge, 63, 1 << 62},
		{1, huge, 64, huge},
		{3, huge, 1000, huge},
		{0, time.Minute, 1000, 0},
		{-time.Second, time.Minute, 5, 0},
		{time.Second, -time.Minute, 5, 0},
	} {
		if got := ceiling(c.base, c.most, c.attempt); got != c.want {
			t.Errorf("ceiling(%v, %v, %d) = %v, want %v", c.base, c.most, c.attempt, got, c.want)
		}
	}
}

// Full jitter: any wait from nothing to the ceiling, all alike.
func TestRule_R9_BackoffIsFullJitter(t *testing.T) {
	wait := Exponential(time.Second, 15*time.Minute)
	const n, attempt, most = 10_000, 4, 8 * time.Second
	var sum, shortest, longest time.Duration
	shortest = most
	for range n {
		d := wait(attempt)
		if d < 0 || d > most {
			t.Fatalf("waits %v after attempt %d", d, attempt)
		}
		sum, shortest, longest = sum+d, min(shortest, d), max(longest, d)
	}
	if mean := sum / n; mean < most*45/100 || mean > most*55/100 {
		t.Errorf("the mean wait is %v, want about %v", mean, most/2)
	}
	if shortest > most/100 || longest < most*99/100 {
		t.Errorf("waits are from %v to %v, want from 0 to %v", shortest, longest, most)
	}
}

func TestRule_R9_BackoffOfExtremesIsNoPanic(t *testing.T) {
	for _, attempt := range []int{math.MinInt, -1, 0, 1, math.MaxInt32, math.MaxInt} {
		for _, most := range []time.Duration{-1, 0, 1, math.MaxInt64} {
			if d := Exponential(time.Second, most)(attempt); d < 0 || d > max(0, most) {
				t.Errorf("waits %v after attempt %d, at most %v", d, attempt, most)
			}
		}
	}
}
