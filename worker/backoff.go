package worker

import (
	"math"
	"math/rand/v2"
	"time"
)

// Exponential is a backoff with full jitter: after the n-th failure a random wait
// of up to base × 2^(n-1), at most most. Full jitter spreads jobs that failed
// together over the whole window.
func Exponential(base, most time.Duration) func(attempt int) time.Duration {
	return func(attempt int) time.Duration {
		return rand.N(min(ceiling(base, most, attempt), math.MaxInt64-1) + 1)
	}
}

// ceiling is the longest wait after so many failures.
func ceiling(base, most time.Duration, attempt int) time.Duration {
	d := max(0, base)
	for ; attempt > 1 && d > 0 && d < most; attempt-- {
		if d > most/2 { // where twice as much may overflow
			return most
		}
		d *= 2
	}
	return max(0, min(d, most))
}
