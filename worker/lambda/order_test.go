package lambda_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// A FIFO queue's groups keep their order: nothing runs after one of its group has
// failed, and what didn't run used no attempt.
func TestFIFOStopsAtTheFirstFailureOfAGroup(t *testing.T) {
	play(t, "jobs.fifo", func(s *stage) {
		s.source.Wait = 1
		a := s.enqueue("a", 1, 2, 3)
		b := s.enqueue("b", 11, 12, 13)
		var order []int
		var mu sync.Mutex
		s.cold(func(ctx context.Context, j *job) (int, error) {
			mu.Lock()
			order = append(order, j.Args)
			mu.Unlock()
			if j.Args == 2 && j.Attempt == 1 {
				return 0, worker.RetryAfter(20*time.Second, errBad)
			}
			return works(ctx, j)
		})
		in := s.invoke()
		s.reports(in, 1, 2)
		if in.took != 3*time.Second {
			s.Errorf("took %v: groups run side by side, a group one by one", in.took)
		}
		s.is(a[1], queue.Waiting, 1)
		s.is(a[2], queue.Waiting, 0)
		s.ran(3, 0)
		for _, ref := range b {
			s.is(ref, queue.Succeeded, 1)
		}
		begun := time.Now()
		for in = s.invoke(); len(in.event.Records) == 0; in = s.invoke() {
		}
		s.reports(in)
		if d := time.Since(begun); d < 19*time.Second || d > 25*time.Second {
			s.Errorf("the rest came after %v, as the queue hides it, not as its first job waits", d)
		}
		s.left(0)
		own := slices.DeleteFunc(order, func(n int) bool { return n > 10 })
		if !slices.Equal(own, []int{1, 2, 2, 3}) {
			s.Errorf("order %v", own)
		}
	})
}

// On a standard queue the group id only makes it fair.
func TestStandardQueueHasNoOrder(t *testing.T) {
	play(t, "jobs", func(s *stage) {
		s.enqueue("a", 1, 2, 4, 6)
		s.cold(fails)
		in := s.invoke()
		s.reports(in, 0)
		if in.took != time.Second {
			s.Errorf("took %v", in.took)
		}
	})
}
