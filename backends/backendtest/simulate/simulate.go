// Package simulate plays a system of producers, workers and an operator on one
// Backend that fails, in virtual time: replies get lost, workers crash, stall for
// six leases and go on as zombies, requests are repeated. When calm returns it
// counts in Jepsen's words what must all be zero: lost, unexpected, duplicated,
// wrong, illegal, unannounced, stuck.
//
// One goroutine plays all parts, event by event, so that a seed is a run.
package simulate

import (
	"container/heap"
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
)

// perRun is how many calls one run makes before calm returns.
const perRun = 5000

// Run makes about so many calls, in runs on a store of their own each. The
// environment's LEAT_CALLS goes first; LEAT_SEED plays one run again.
func Run(t *testing.T, h backendtest.Harness, calls int) {
	if !h.Virtual {
		t.Fatal("simulate: it needs virtual time")
	}
	if n, err := strconv.Atoi(os.Getenv("LEAT_CALLS")); err == nil {
		calls = n
	}
	seed, only := rand.Uint64(), false
	if n, err := strconv.ParseUint(os.Getenv("LEAT_SEED"), 10, 64); err == nil {
		seed, only = n, true
	}
	var sum Verdict
	for made := 0; made < calls && !t.Failed(); seed++ {
		v := Play(t, h, seed)
		made += v.Calls
		sum.add(v)
		if bad := v.Bad(); len(bad) > 0 {
			t.Errorf("LEAT_SEED=%d plays it again: %v", seed, v)
			for _, line := range bad[:min(20, len(bad))] {
				t.Log(line)
			}
		}
		if only {
			break
		}
	}
	t.Log(sum)
}

// Play makes one run.
func Play(t *testing.T, h backendtest.Harness, seed uint64) (v Verdict) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t.Context(), h.Open(t), seed)
		w.storm()
		w.calm()
		v = w.verdict()
		if err := w.inner.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return v
}

// world is one run: the Backend, who uses it, and what they know.
type world struct {
	ctx   context.Context
	rnd   *rand.Rand
	b     backends.Backend // with faults
	inner backends.Backend // without: for those who look on
	op    backends.Operator
	fault *backendtest.Faulty

	features backends.Features

	policy *backends.Policy
	agenda agenda
	seq    int
	calls  int
	stormy bool

	witness
	places  int
	over    int // so many jobs, from the first on, need nothing more
	batches []*batch
}

func newWorld(ctx context.Context, inner backends.Backend, seed uint64) *world {
	w := &world{
		ctx: ctx, rnd: rand.New(rand.NewPCG(seed, 1)), inner: inner, features: inner.Features(), stormy: true,
		policy: &backends.Policy{
			Version: 1, Owes: backends.Event, MaxCrashes: 4,
			Retention: 1000 * time.Hour, DeadRetention: 1000 * time.Hour,
			Tenants: map[string]backends.Tenancy{"eta": {Weight: 2, Cap: backends.Cap{InFlight: 3}}},
		},
		witness: newWitness(),
	}
	w.fault = backendtest.NewFaulty(inner, storm(seed)...)
	w.b = w.fault
	w.op, _ = backends.As[backends.Operator](w.b)
	return w
}

// storm is what goes wrong: a few calls of each verb, in each way.
func storm(seed uint64) []backendtest.Fault {
	var faults []backendtest.Fault
	verbs := []backendtest.Verb{
		backendtest.Enqueue, backendtest.Claim, backendtest.Extend, backendtest.Settle, backendtest.Cancel, backendtest.Redrive,
	}
	for i, v := range verbs {
		rate := func(share float64, salt int) backendtest.Rate {
			return backendtest.Share(share, seed^uint64(16*i+salt))
		}
		faults = append(
			faults,
			backendtest.Fault{Verb: v, When: backendtest.Before, Rate: rate(0.05, 1)},
			backendtest.Fault{Verb: v, When: backendtest.After, Rate: rate(0.06, 2)},
			backendtest.Fault{Verb: v, Kind: backendtest.Repeat, Rate: rate(0.05, 3)},
			backendtest.Fault{Verb: v, Kind: backendtest.Delay, When: backendtest.Before, Delay: 300 * time.Millisecond, Rate: rate(0.04, 4)},
			backendtest.Fault{Verb: v, Kind: backendtest.Delay, When: backendtest.After, Delay: 12 * time.Second, Rate: rate(0.006, 5)},
		)
	}
	return faults
}

// storm plays all parts until enough calls were made.
func (w *world) storm() {
	for i := range 4 {
		w.in(w.upTo(time.Second), func() { w.produce(i) })
	}
	for range 12 {
		w.in(w.upTo(time.Second), w.work)
	}
	w.in(time.Second, w.operate)
	for w.calls < perRun {
		w.next()
	}
}

// calm lets everybody finish what they began, without faults, and workers take
// what is left.
func (w *world) calm() {
	w.stormy = false
	w.fault.Lift()
	if w.op != nil && w.features.Pauses {
		w.must(w.op.Pause(w.ctx, queue, false))
	}
	// Many times the longest delay, lease and backoff, and longer than the run limit (1 h):
	// behind a broker a spare message waits for that, where the one that held the job is gone.
	const enough = 2 * time.Hour
	for end := time.Now().Add(enough); len(w.agenda) > 0 && time.Now().Before(end); {
		w.next()
		if w.finished() {
			break
		}
	}
}

// in puts something on the agenda.
func (w *world) in(d time.Duration, do func()) {
	w.seq++
	heap.Push(&w.agenda, event{time.Now().Add(d), w.seq, do})
}

// next lets time pass until the next event, and plays it.
func (w *world) next() {
	e := heap.Pop(&w.agenda).(event)
	if d := time.Until(e.at); d > 0 {
		time.Sleep(d)
	}
	e.do()
}

func (w *world) upTo(d time.Duration) time.Duration { return time.Duration(1 + w.rnd.Int64N(int64(d))) }
func (w *world) oneIn(n int) bool                   { return w.rnd.IntN(n) == 0 }

// event is what somebody will do; seq keeps those of one instant in order.
type event struct {
	at  time.Time
	seq int
	do  func()
}

type agenda []event

func (a agenda) Len() int      { return len(a) }
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(event)) }

func (a agenda) Less(i, j int) bool {
	if !a[i].at.Equal(a[j].at) {
		return a[i].at.Before(a[j].at)
	}
	return a[i].seq < a[j].seq
}

func (a *agenda) Pop() any {
	last := len(*a) - 1
	e := (*a)[last]
	*a = (*a)[:last]
	return e
}
