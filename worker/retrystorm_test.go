package worker_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/internal/plant"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// TestRetryStorm_D4 lets ten thousand jobs fail together, for the sixth time: what
// they need has been away. Their retries must be spread over the whole window of the
// backoff, 32 s: in no second more than 1.5 times the mean.
func TestRetryStorm_D4(t *testing.T) {
	jobs := plant.Size("LEAT_RETRIES", 10_000, 10_000)
	peak, mean, early := retryStorm(t, jobs, nil)
	t.Logf("%d jobs failed together: %d retries in the fullest second, %.0f in the mean one (%.2f times); the first after %v", jobs, peak, mean, float64(peak)/mean, early)
	if float64(peak) > 1.5*mean {
		t.Errorf("%d retries in one second, want at most 1.5 × %.0f", peak, mean)
	}
}

// TestRetryStorm_D4_NoticesMissingJitter: a backoff that all share comes back as one.
func TestRetryStorm_D4_NoticesMissingJitter(t *testing.T) {
	peak, mean, _ := retryStorm(t, 1000, func(attempt int) time.Duration { return time.Second << (attempt - 1) })
	if float64(peak) <= 1.5*mean {
		t.Errorf("without jitter %d retries in one second, %.0f in the mean one: nobody would notice", peak, mean)
	}
}

const (
	stormAttempt = 6
	stormWindow  = time.Second << (stormAttempt - 1)
)

// retryStorm returns how many retries the fullest second has, and the mean one of
// the window.
func retryStorm(t *testing.T, jobs int, backoff func(int) time.Duration) (peak int, mean float64, first time.Duration) {
	var mu sync.Mutex
	var retries []time.Duration
	synctest.Test(t, func(t *testing.T) {
		store := memory.New(memory.Options{})
		defer store.Close()
		q := queue.New[int, queue.None](store, "calls")
		q.MaxAttempts = 10
		begin := time.Now()
		w := worker.New(q, worker.NoResult(func(_ context.Context, j *queue.Job[int]) error {
			switch {
			case j.Attempt < stormAttempt: // five failures at once
				return worker.RetryAfter(0, errors.New("the database is away"))
			case j.Attempt == stormAttempt:
				return errors.New("the database is away")
			}
			mu.Lock()
			retries = append(retries, time.Since(begin))
			mu.Unlock()
			return nil
		}))
		w.Backoff, w.Logger = backoff, slog.New(slog.DiscardHandler)
		for range jobs / 100 {
			if _, err := q.EnqueueAll(t.Context(), make([]queue.Item[int], 100)); err != nil {
				t.Fatal(err)
			}
		}
		ctx, stop := context.WithTimeout(t.Context(), 2*stormWindow)
		defer stop()
		w.Margin = time.Second
		if err := w.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	if len(retries) != jobs/100*100 {
		t.Errorf("%d of %d jobs were tried again within the window", len(retries), jobs)
	}
	seconds := map[int]int{}
	for _, at := range retries {
		seconds[int(at/time.Second)]++
		peak = max(peak, seconds[int(at/time.Second)])
	}
	return peak, float64(len(retries)) / stormWindow.Seconds(), slices.Min(retries)
}
