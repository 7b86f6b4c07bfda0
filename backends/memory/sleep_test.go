package memory_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/memory"
)

// TestRule_R3_NobodySleepsBesideWork lets workers with different kinds, and caps
// and rates of every sort, sleep and wake at random. Whenever all sleep, a claim
// that asks for the same as one of them must find nothing either.
func TestRule_R3_NobodySleepsBesideWork(t *testing.T) {
	seeds := 600
	if testing.Short() {
		seeds = 300
	}
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newDorm(t, seed).run() })
		})
	}
}

// dorm is where workers sleep.
type dorm struct {
	*testing.T
	*rand.Rand
	b      backends.Backend
	policy *backends.Policy

	mu     sync.Mutex
	asleep map[int]backends.ClaimRequest // by worker
	id     int
}

func newDorm(t *testing.T, seed uint64) *dorm {
	d := &dorm{T: t, Rand: rand.New(rand.NewPCG(seed, 1)), asleep: map[int]backends.ClaimRequest{}}
	d.b = memory.New(memory.Options{Logger: slog.New(slog.DiscardHandler)})
	d.policy = &backends.Policy{
		Cap: d.limit(), Tenant: backends.Tenancy{Cap: d.limit()}, UnknownAfter: d.span([]int{5, 20, 90}[d.IntN(3)]), Owes: backends.Debt(d.IntN(2)),
		Tenants: map[string]backends.Tenancy{"beta": {Weight: 3, Cap: d.limit()}},
	}
	return d
}

// limit is a cap that may be none.
func (d *dorm) limit() backends.Cap {
	switch d.IntN(4) {
	case 0:
		return backends.Cap{InFlight: 1 + d.IntN(3)}
	case 1:
		return backends.Cap{Rate: 0.1 + 2*d.Float64(), Burst: d.IntN(3)}
	}
	return backends.Cap{}
}

// span is up to so many seconds, and never the same twice.
func (d *dorm) span(seconds int) time.Duration {
	return time.Duration(1 + d.Int64N(int64(seconds)*int64(time.Second)))
}

func (d *dorm) run() {
	ctx, cancel := context.WithCancel(d.Context())
	var workers sync.WaitGroup
	for i := range 2 + d.IntN(5) {
		req := d.request()
		own := rand.New(rand.NewPCG(d.Uint64(), 2))
		workers.Go(func() { d.work(ctx, i, req, own) })
	}
	for range 120 {
		d.disturb(ctx)
		synctest.Wait()
		d.probe(ctx)
		time.Sleep(d.span(3))
	}
	cancel()
	workers.Wait()
	if err := d.b.Close(); err != nil {
		d.Error(err)
	}
}

func (d *dorm) request() backends.ClaimRequest {
	kinds := [][]string{nil, {"a"}, {"b"}, {"a", "b"}, {"c"}}[d.IntN(5)]
	return backends.ClaimRequest{
		Queue: "q", Policy: d.policy, Kinds: kinds, Max: 1 + d.IntN(3), Lease: d.span(20),
		Resources:   []backends.Resource{{Name: "db", Cap: d.limit()}},
		CanAnnounce: backends.Debt(d.IntN(4)),
	}
}

// work claims and settles, or lets the lease lapse. Now and then it leaves for a
// while, so that nobody may know a kind any more.
func (d *dorm) work(ctx context.Context, i int, req backends.ClaimRequest, own *rand.Rand) {
	for ctx.Err() == nil {
		patience := time.Hour
		if own.IntN(3) == 0 {
			patience = time.Duration(1 + own.Int64N(int64(20*time.Second)))
		}
		for _, l := range d.claim(ctx, i, req, patience) {
			time.Sleep(time.Duration(own.Int64N(int64(5 * time.Second))))
			if own.IntN(4) == 0 {
				d.b.Extend(ctx, req.Lease, []backends.Beat{{Lease: l}})
				continue // it will be stolen
			}
			d.settle(ctx, l, own)
		}
		if own.IntN(3) == 0 {
			time.Sleep(time.Duration(own.Int64N(int64(40 * time.Second))))
		}
	}
}

// claim is the sleep of a worker.
func (d *dorm) claim(ctx context.Context, i int, req backends.ClaimRequest, patience time.Duration) []*backends.Lease {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	d.note(i, &req)
	defer d.note(i, nil)
	leases, _ := d.b.Claim(ctx, req)
	return leases
}

func (d *dorm) note(i int, req *backends.ClaimRequest) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if delete(d.asleep, i); req != nil {
		d.asleep[i] = *req
	}
}

func (d *dorm) settle(ctx context.Context, l *backends.Lease, own *rand.Rand) {
	s := backends.Settlement{Lease: l, Verb: backends.Announced}
	switch n := own.IntN(10); {
	case n == 0:
		return // the lease lapses
	case l.Outcome != nil:
	case n < 6:
		s.Verb, s.Outcome, s.Owes = backends.Commit, backends.Succeeded, backends.Debt(own.IntN(4))
	case n < 8:
		s.Verb, s.Delay = backends.Retry, time.Duration(own.Int64N(int64(9*time.Second)))
	default:
		s.Verb = backends.Release
	}
	d.b.Settle(ctx, []backends.Settlement{s})
}

// disturb enqueues a few jobs, or does what an operator does.
func (d *dorm) disturb(ctx context.Context) {
	op := d.b.(backends.Operator)
	switch d.IntN(12) {
	case 0:
		op.Pause(ctx, "q", true)
		return
	case 1, 2:
		op.Pause(ctx, "q", false)
		return
	}
	for range d.IntN(4) {
		d.id++
		j := backends.Job{
			Ref:  backends.Ref{Tenant: []string{"alpha", "beta"}[d.IntN(2)], ID: fmt.Sprint(d.id)},
			Kind: []string{"a", "b", "z"}[d.IntN(3)], Priority: int32(d.IntN(2)),
		}
		if d.IntN(3) == 0 {
			j.Delay = d.span(9)
		}
		if d.IntN(3) == 0 {
			j.Resource = "db"
		}
		if d.IntN(4) == 0 {
			j.Supersede, j.Trailing = "screen", d.IntN(2) == 0
		}
		if d.IntN(5) == 0 {
			j.Expiry = d.span(9)
		}
		d.b.Enqueue(ctx, backends.EnqueueRequest{Queue: "q", Policy: d.policy, Jobs: []backends.Job{j}})
	}
}

// probe asks for what those ask who sleep.
func (d *dorm) probe(ctx context.Context) {
	d.mu.Lock()
	asleep := maps.Clone(d.asleep)
	d.mu.Unlock()
	for _, i := range slices.Sorted(maps.Keys(asleep)) {
		req, start := asleep[i], time.Now()
		now, cancel := context.WithTimeout(ctx, 1)
		leases, _ := d.b.Claim(now, req)
		cancel()
		if len(leases) > 0 && time.Now().Equal(start) {
			d.Errorf("worker %d (kinds %v) sleeps beside job %s of kind %s, due since %v",
				i, req.Kinds, leases[0].Job.ID, leases[0].Job.Kind, start.Sub(leases[0].Due))
		}
	}
}
