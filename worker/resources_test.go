package worker_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// Two workers of two queues name one small database: together they run as many as it
// bears, and what doesn't use it goes on beside them.
func TestRule_R11_WorkersOfTwoQueuesShareAResource(t *testing.T) {
	play(t, func(s *scene) {
		db := queue.Resource{Name: "the small database", Cap: queue.Cap{InFlight: 3}}
		var inDB, beside crowdMeter
		handle := func(_ context.Context, job *queue.Job[ask]) (int, error) {
			m := &beside
			if job.Args.N == 0 {
				m = &inDB
			}
			m.enter(1)
			defer m.enter(-1)
			time.Sleep(time.Second)
			return 0, nil
		}
		for _, name := range []string{"answers", "reports"} {
			s.q = queue.New[ask, int](s.store, name)
			for range 20 {
				s.enqueue(0, queue.Uses(db.Name), queue.Tenant("zeta"))
				s.enqueue(1, queue.Tenant("zeta"))
			}
			w := s.worker(handle)
			w.Concurrency, w.Resources = 8, []queue.Resource{db}
			s.start(w)
		}
		pass(time.Minute)
		if inDB.most != 3 || beside.most < 8 || inDB.all+beside.all != 80 {
			t.Errorf("at most %d used the database, and %d ran beside; %d ran in all", inDB.most, beside.most, inDB.all+beside.all)
		}
	})
}

// A throttled job that comes back leaves its place to others meanwhile.
func TestRule_R9_ThrottledJobHoldsNoPlaceOfTheResource(t *testing.T) {
	play(t, func(s *scene) {
		w := s.worker(func(_ context.Context, job *queue.Job[ask]) (int, error) {
			if job.Args.N == 0 && job.Attempt == 1 {
				return 0, worker.RetryAfter(time.Hour, errThrottled)
			}
			return 0, nil
		})
		w.Resources = []queue.Resource{{Name: "db", Cap: queue.Cap{InFlight: 1}}}
		first := s.enqueue(0, queue.Uses("db"))
		second := s.enqueue(1, queue.Uses("db"))
		s.start(w)
		pass(time.Minute)
		s.expect(first, queue.Waiting, 1)
		s.expect(second, queue.Succeeded, 1)
		pass(time.Hour)
		s.expect(first, queue.Succeeded, 2)
	})
}

// crowdMeter counts who is inside.
type crowdMeter struct {
	mu                sync.Mutex
	inside, all, most int
}

func (m *crowdMeter) enter(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.inside += n
	m.all += max(0, n)
	m.most = max(m.most, m.inside)
}
