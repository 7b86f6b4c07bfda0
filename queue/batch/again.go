package batch

import (
	"context"
	"time"
)

// How often a read is tried, and how long it rests before the second time; twice as long
// each time after: about a second in all. A million reads must not fail of one.
const (
	tries = 5
	pause = 60 * time.Millisecond
)

// again reads until there is an answer, or an error that is one.
func again[A any](ctx context.Context, read func() (A, error), isAnswer func(error) bool) (A, error) {
	for n := 0; ; n++ {
		a, err := read()
		if err == nil || isAnswer(err) || n == tries-1 {
			return a, err
		}
		rest := time.NewTimer(pause << n)
		select {
		case <-rest.C:
		case <-ctx.Done():
			rest.Stop()
			return a, err
		}
	}
}
