package backendtest

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/leat-go/leat/backends"
)

// The story of the noisy neighbour, told in time: ten tenants send a calm flow
// of jobs to a small pool, first alone, then beside the flood of an eleventh.

const (
	calmTenants = 10
	noisyFlood  = 100_000 // jobs, where waiting is free
	floodOnWire = 1_000   // else
	poolSlots   = 2
)

var noisyCases = []testCase{
	{
		"R11", "FloodSparesTheOthers", "one partner's hundred thousand jobs turn everybody's seconds into hours",
		isFair,
		func(e *env) {
			alone := e.calmFlow(0)
			beside := e.calmFlow(e.scale(noisyFlood, floodOnWire))
			p99, p99Alone, jain := beside.p99(), alone.p99(), jain(beside.means())
			e.Logf("p99 wait %v, alone %v (%.2f times); Jain index of the mean waits %.4f, over %d jobs",
				p99, p99Alone, float64(p99)/float64(p99Alone), jain, beside.total())
			if !e.h.Virtual { // a wait that no queue causes: the round trip
				p99Alone = max(p99Alone, alone.service)
			}
			if p99 > 3*p99Alone {
				e.Errorf("the p99 wait beside a flood is %v, alone %v: more than 3 times", p99, p99Alone)
			}
			if jain < 0.95 {
				e.Errorf("Jain index %.4f among equals, want 0.95", jain)
			}
		},
	},
}

// flow is what came of one run: the waits of each calm tenant, in the order of
// their claims.
type flow struct {
	service time.Duration
	mu      sync.Mutex
	waits   map[string][]time.Duration
}

// calmFlow lets each calm tenant send its jobs beside a flood of so many, and a
// pool work that has room for 1.6 times as much.
func (e *env) calmFlow(flooding int) *flow {
	e.Helper()
	for left := flooding; left > 0; left -= 1000 {
		e.enqueue(crowd(min(left, 1000), flood)...)
	}
	perUnit, units, room := e.scale(10, 2), e.scale(20, 15), e.scale(16, 24) // tenths; round trips take theirs
	f := &flow{service: e.unit * poolSlots * 10 / time.Duration(room*calmTenants*perUnit), waits: map[string][]time.Duration{}}
	stop := e.pool(poolSlots, e.request(1), func(_ int, l *backends.Lease) {
		f.note(l, l.Until.Add(-10*e.unit))
		e.pass(float64(f.service) / float64(e.unit))
		if err := e.attempt(commitAs(l, backends.Succeeded)); err != nil {
			e.Errorf("commit: %v", err)
		}
	})
	e.pass(1) // the pool is busy with the flood
	e.sendCalmly(perUnit, units)
	f.finish(e, calmTenants*perUnit*units)
	stop()
	return f
}

// sendCalmly sends the jobs of all calm tenants, each at its own pace with
// jitter.
func (e *env) sendCalmly(perUnit, units int) {
	tick := e.unit / time.Duration(perUnit)
	ctx, cancel := context.WithCancel(e.Context())
	defer cancel()
	var senders sync.WaitGroup
	for i, tenant := range tenantNames(calmTenants) {
		r := rand.New(rand.NewPCG(11, uint64(i)))
		senders.Go(func() {
			start := time.Now()
			for n := range perUnit * units {
				at := start.Add(time.Duration(n)*tick + time.Duration(r.Int64N(int64(tick))))
				select {
				case <-time.After(time.Until(at)):
				case <-ctx.Done():
					return
				}
				req := backends.EnqueueRequest{Queue: theQueue, Jobs: []backends.Job{job(tenant)}}
				if _, err := e.B.Enqueue(ctx, req); err != nil {
					e.Errorf("Enqueue: %v", err)
					return
				}
			}
		})
	}
	senders.Wait()
}

func (f *flow) note(l *backends.Lease, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if t := l.Job.Tenant; t != flood {
		f.waits[t] = append(f.waits[t], at.Sub(l.Due))
	}
}

func (f *flow) total() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, w := range f.waits {
		n += len(w)
	}
	return n
}

// finish waits until the calm tenants' jobs were claimed.
func (f *flow) finish(e *env, jobs int) {
	e.Helper()
	for range 200 {
		if f.total() == jobs {
			return
		}
		e.pass(0.1)
	}
	e.Fatalf("%d of %d jobs of the calm tenants were claimed", f.total(), jobs)
}

// p99 is the wait that one job in a hundred exceeds.
func (f *flow) p99() time.Duration {
	var all []time.Duration
	for _, w := range f.waits {
		all = append(all, w...)
	}
	slices.Sort(all)
	return all[len(all)*99/100]
}

// means are the mean waits of the tenants, in seconds.
func (f *flow) means() []float64 {
	var means []float64
	for _, waits := range f.waits {
		sum := 0.0
		for _, w := range waits {
			sum += w.Seconds()
		}
		means = append(means, sum/float64(len(waits)))
	}
	return means
}

// jain is Jain's fairness index: 1 when all are equal, 1/n when one has it all
// (Jain, Chiu, Hawe 1984).
func jain(x []float64) float64 {
	sum, squares := 0.0, 0.0
	for _, v := range x {
		sum += v
		squares += v * v
	}
	return sum * sum / (float64(len(x)) * squares)
}
