package broker_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/broker"
)

// counted are records that count what is asked of them.
type counted struct {
	broker.Records
	reads, writes atomic.Int64
	hold          atomic.Pointer[chan struct{}] // reads wait for it; nil = they don't
	fail          atomic.Bool                   // reads do
}

func (c *counted) Get(ctx context.Context, key string, hint backends.Version) ([]byte, backends.Version, error) {
	c.reads.Add(1)
	if c.fail.Load() {
		return nil, "", errShaken
	}
	if hold := c.hold.Load(); hold != nil {
		select {
		case <-*hold:
		case <-ctx.Done():
			return nil, "", ctx.Err()
		}
	}
	return c.Records.Get(ctx, key, hint)
}

func (c *counted) Put(ctx context.Context, key string, v []byte, prev backends.Version, expire time.Time) (backends.Version, error) {
	c.writes.Add(1)
	return c.Records.Put(ctx, key, v, prev, expire)
}

// TestCost_ThreeWritesAndNoRead of the record store for a job on its happy path:
// created, claimed, committed (the table of docs/broker-protocol.md).
func TestCost_ThreeWritesAndNoRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const jobs = 20
		c := &counted{Records: backendtest.NewShelf()}
		b := broker.New(newPipe(standardFacts()), c, quiet())
		defer b.Close()
		policy := &backends.Policy{Version: 1}
		req := backends.EnqueueRequest{Queue: theQueue, Policy: policy}
		for i := range jobs {
			req.Jobs = append(req.Jobs, plainJob(fmt.Sprint(i)))
		}
		if out, err := b.Enqueue(t.Context(), req); err != nil || out[0].Err != nil {
			t.Fatal(out, err)
		}
		leases, err := b.Claim(t.Context(), backends.ClaimRequest{Queue: theQueue, Policy: policy, Max: jobs, Lease: time.Minute})
		if err != nil || len(leases) != jobs {
			t.Fatal(len(leases), err)
		}
		var done []backends.Settlement
		for _, l := range leases {
			done = append(done, backends.Settlement{Lease: l, Verb: backends.Commit, Outcome: backends.Succeeded, Result: []byte("{}")})
		}
		if errs, err := b.Settle(t.Context(), done); errors.Join(append(errs, err)...) != nil {
			t.Fatal(errs, err)
		}
		if r, w := c.reads.Load(), c.writes.Load(); r != 0 || w != 3*jobs {
			t.Errorf("%d reads and %d writes for %d jobs, want 0 and %d", r, w, jobs, 3*jobs)
		}
	})
}
