package worker_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// dear is a store whose claims cost money, and bring ten jobs at most.
type dear struct {
	backends.Backend
	claims atomic.Int64
}

func (d *dear) Features() backends.Features {
	f := d.Backend.Features()
	f.ClaimBatch = 10
	return f
}

func (d *dear) Claim(ctx context.Context, req backends.ClaimRequest) ([]*backends.Lease, error) {
	d.claims.Add(1)
	req.Max = min(req.Max, 10)
	select {
	case <-time.After(5 * time.Millisecond):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return d.Backend.Claim(ctx, req)
}

// A busy worker lets slots fall free before it asks; one that has caught up takes
// what comes at once.
func TestFreeSlotsGatherWhereClaimsCostMoney(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &dear{Backend: memory.New(memory.Options{})}
		defer d.Close()
		q := queue.New[ask, int](d, "answers")
		enqueue := func(n int) {
			for i := range n {
				if _, err := q.Enqueue(t.Context(), ask{i}); err != nil {
					t.Fatal(err)
				}
			}
		}
		var done atomic.Int64
		w := worker.New(q, func(context.Context, *queue.Job[ask]) (int, error) {
			<-time.After(200 * time.Millisecond)
			done.Add(1)
			return 0, nil
		})
		w.Concurrency = 16
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		enqueue(1000)
		go func() { ended <- worker.Run(ctx, w) }()
		<-time.After(17 * time.Second) // 63 rounds of 205 ms, and 20 ms more of some
		if n := done.Load(); n != 1000 {
			t.Errorf("%d of 1000 jobs are done", n)
		}
		if n := d.claims.Load(); n > 130 {
			t.Errorf("%d claims for 1000 jobs", n)
		}
		enqueue(1)
		<-time.After(210 * time.Millisecond)
		if n := done.Load(); n != 1001 {
			t.Error("one job waited for others")
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
