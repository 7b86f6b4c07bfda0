package main

import (
	"context"
	"fmt"
	"time"

	"github.com/leat-go/leat/backends"
)

// scene is a store that already holds something, before anything is timed.
type scene struct {
	open     func() (backends.Backend, error)
	policy   *backends.Policy
	backlog  int             // jobs that wait
	tenants  int             // whose they are
	inFlight int             // jobs that are leased, all the time
	leases   []time.Duration // in turn
	setBy    int             // jobs of a call while it is set; 0 = claimSize

	handle func(payload []byte) error // nil = do nothing
}

// bench is a scene that was set.
type bench struct {
	scene
	backends.Backend
	claims int
}

func (s scene) set(ctx context.Context) (*bench, error) {
	store, err := s.open()
	if err != nil {
		return nil, err
	}
	b := &bench{scene: s, Backend: store}
	if err := b.setUp(ctx); err != nil {
		store.Close()
		return nil, err
	}
	return b, nil
}

// setUp brings in what is there before.
func (b *bench) setUp(ctx context.Context) error {
	size := max(b.setBy, claimSize)
	for left := b.inFlight; left > 0; {
		n := min(left, 1000)
		if err := b.enqueue(ctx, newJobs(n, b.tenants), size); err != nil {
			return err
		}
		for n > 0 {
			leases, err := b.claim(ctx, min(n, claimSize))
			if err != nil {
				return err
			}
			n -= len(leases)
			left -= len(leases)
		}
	}
	for left := b.backlog; left > 0; {
		n := min(left, max(b.tenants, 100_000)) // a million jobs are too much for the heap
		if err := b.enqueue(ctx, newJobs(n, b.tenants), size); err != nil {
			return err
		}
		left -= n
	}
	return nil
}

// enqueue sends jobs, so many in a call.
func (b *bench) enqueue(ctx context.Context, jobs []backends.Job, size int) error {
	for len(jobs) > 0 {
		n := min(len(jobs), size)
		out, err := b.Enqueue(ctx, backends.EnqueueRequest{Queue: "bench", Policy: b.policy, Jobs: jobs[:n]})
		if err != nil {
			return err
		}
		for _, o := range out {
			if o.Err != nil || o.Duplicate {
				return fmt.Errorf("enqueue: %+v", o)
			}
		}
		jobs = jobs[n:]
	}
	return nil
}

// claim takes up to so many jobs, the lease lengths in turn.
func (b *bench) claim(ctx context.Context, most int) ([]*backends.Lease, error) {
	b.claims++
	return b.Claim(ctx, backends.ClaimRequest{
		Queue: "bench", Policy: b.policy, Max: most, Lease: b.leases[b.claims%len(b.leases)],
	})
}

// work is what handlers do.
func (b *bench) work(leases []*backends.Lease) error {
	if b.handle == nil {
		return nil
	}
	for _, l := range leases {
		if err := b.handle(l.Job.Payload); err != nil {
			return err
		}
	}
	return nil
}

// commit settles leases as succeeded; room is reused.
func (b *bench) commit(ctx context.Context, leases []*backends.Lease, room []backends.Settlement) error {
	room = room[:0]
	for _, l := range leases {
		room = append(room, backends.Settlement{Lease: l, Verb: backends.Commit, Outcome: backends.Succeeded})
	}
	errs, err := b.Settle(ctx, room)
	if err != nil {
		return err
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// drain claims and commits n jobs.
func (b *bench) drain(ctx context.Context, n int) error {
	room := make([]backends.Settlement, 0, claimSize)
	for n > 0 {
		leases, err := b.claim(ctx, min(n, claimSize))
		if err != nil {
			return err
		}
		if err := b.work(leases); err != nil {
			return err
		}
		if err := b.commit(ctx, leases, room); err != nil {
			return err
		}
		n -= len(leases)
	}
	return nil
}

// step is what a cycle takes before it fills up again.
const step = 250

// cycle keeps the backlog as it is while it drains n jobs, and times only the
// draining. The collector rests meanwhile.
func (s scene) cycle(n int) (sample, error) {
	var m meter
	ctx := context.Background()
	b, err := s.set(ctx)
	if err != nil {
		return m.sample, err
	}
	defer b.Close()
	more := newJobs(n, s.tenants)
	defer withoutGC()()
	for len(more) > 0 {
		m.start()
		if err := b.drain(ctx, step); err != nil {
			return m.sample, err
		}
		m.stop(step)
		if err := b.enqueue(ctx, more[:step], claimSize); err != nil {
			return m.sample, err
		}
		more = more[step:]
	}
	return m.sample, nil
}

// drains empties a backlog: from a large one the first n jobs; a small one again
// and again, until n jobs were drained.
func (s scene) drains(n int) (sample, error) {
	var m meter
	ctx := context.Background()
	b, err := s.set(ctx)
	if err != nil {
		return m.sample, err
	}
	defer b.Close()
	defer withoutGC()()
	for m.Jobs < n {
		part := min(n, s.backlog)
		m.start()
		if err := b.drain(ctx, part); err != nil {
			return m.sample, err
		}
		m.stop(part)
		if part == s.backlog {
			if err := b.enqueue(ctx, newJobs(part, s.tenants), claimSize); err != nil {
				return m.sample, err
			}
		}
	}
	return m.sample, nil
}

// churn is the cycle with all that it costs timed: enqueue, and the collector.
func (s scene) churn(n int) (sample, error) {
	var m meter
	ctx := context.Background()
	b, err := s.set(ctx)
	if err != nil {
		return m.sample, err
	}
	defer b.Close()
	settleHeap()
	m.start()
	for m.Jobs = 0; n > 0; n -= step {
		if err := b.drain(ctx, step); err != nil {
			return m.sample, err
		}
		if err := b.enqueue(ctx, newJobs(step, s.tenants), claimSize); err != nil {
			return m.sample, err
		}
		m.Jobs += step
	}
	m.stop(0)
	return m.sample, nil
}

// claimTail claims and commits n times from a backlog that stays, and measures
// the claims one by one.
func (s scene) claimTail(n int) (sample, error) {
	out := sample{Jobs: n * claimSize}
	ctx := context.Background()
	b, err := s.set(ctx)
	if err != nil {
		return out, err
	}
	defer b.Close()
	defer withoutGC()()
	took := make([]time.Duration, 0, n)
	for range n {
		start := time.Now()
		leases, err := b.claim(ctx, claimSize)
		took = append(took, time.Since(start))
		if err != nil {
			return out, err
		}
		if len(leases) != claimSize {
			return out, fmt.Errorf("a claim of %d brought %d", claimSize, len(leases))
		}
		if err := b.commit(ctx, leases, nil); err != nil {
			return out, err
		}
		if err := b.enqueue(ctx, newJobs(claimSize, s.tenants), claimSize); err != nil {
			return out, err
		}
	}
	out.P50, out.P99 = middle(took), took[len(took)*99/100] // middle has sorted them
	return out, nil
}
