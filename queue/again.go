package queue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// tries is how often a call is made whose outcome is unknown.
const tries = 4

// A producer that waits for room looks again after a while, which doubles.
const (
	firstLook = 40 * time.Millisecond
	lastLook  = time.Second
)

// pause is the rest after so many failures: 100 ms, 400 ms, 1.6 s.
func pause(failures int) time.Duration { return 25 * time.Millisecond << (2 * failures) }

// again repeats a call whose failure may pass.
func again(ctx context.Context, call func() error) error {
	for n := 1; ; n++ {
		err := call()
		if err == nil || refusal(err) || n == tries {
			return err
		}
		if ended := sleep(ctx, pause(n)); ended != nil {
			return alsoEnded(err, ended)
		}
	}
}

// sleep rests for d or less, so that callers who failed together spread; or
// returns the error of a context that ends first.
func sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t := time.NewTimer(d/2 + rand.N(d/2+1))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// alsoEnded is err, and that the context ended while it might have passed.
func alsoEnded(err, ended error) error {
	if errors.Is(err, ended) {
		return err
	}
	return fmt.Errorf("%w: %w", err, ended)
}
