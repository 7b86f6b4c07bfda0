package linear

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
)

const queue = "whatif"

// policy: an end owes an event, so that there is a life after it, and a job may
// be redriven.
var policy = &backends.Policy{Version: 1, Owes: backends.Event, MaxCrashes: maxCrashes}

// round is what its clients share.
type round struct {
	t     *testing.T
	b     backends.Backend
	op    backends.Operator
	unit  time.Duration
	clock atomic.Int64 // orders the calls: virtual time stands still among them

	mu     sync.Mutex
	leases []*backends.Lease // given to anyone: clients settle those of others, too
}

// client is one of them.
type client struct {
	*round
	id      int
	rnd     *rand.Rand
	history []porcupine.Operation
}

func run(t *testing.T, h backendtest.Harness, seed uint64) []porcupine.Operation {
	r := &round{t: t, b: h.Open(t), unit: cmp.Or(h.Unit, time.Second)}
	r.op, _ = backends.As[backends.Operator](r.b)
	all := make([]*client, clients)
	var wg sync.WaitGroup
	for i := range all {
		c := &client{round: r, id: i, rnd: rand.New(rand.NewPCG(seed, uint64(i)))}
		all[i] = c
		wg.Go(func() {
			for range perRound / clients {
				c.step()
			}
		})
	}
	wg.Wait()
	if err := r.b.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	var history []porcupine.Operation
	for _, c := range all {
		history = append(history, c.history...)
	}
	slices.SortFunc(history, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	return history
}

// step is one call, or a pause in which leases may lapse.
func (c *client) step() {
	switch n := c.rnd.IntN(20); {
	case n < 2:
		c.pause()
	case n < 4:
		c.enqueue()
	case n < 9:
		c.claim()
	case n < 11:
		c.extend()
	case n < 16:
		c.settle()
	case n < 18 || c.op == nil:
		c.lookup()
	case n == 18 && c.rnd.IntN(3) == 0:
		c.cancel()
	default:
		c.redrive()
	}
}

func (c *client) pause() {
	select {
	case <-time.After(time.Duration(c.rnd.Int64N(int64(3 * c.unit)))):
	case <-c.t.Context().Done():
	}
}

func (c *client) ref() backends.Ref {
	return backends.Ref{Tenant: "zeta", ID: fmt.Sprint(c.rnd.IntN(ids))}
}

// span is how long a lease or a delay is: a few units, so that some lapse.
func (c *client) span() time.Duration { return time.Duration(1+c.rnd.IntN(3)) * c.unit }

// begin and made note a call by both clocks. Whoever yields between a clock and
// the call lets others in, so that calls overlap on any number of cores.
func (c *client) begin(v verb, id string) (call, int64) {
	in, began := call{verb: v, id: id, before: time.Now().UnixNano()}, c.clock.Add(1)
	c.yield()
	return in, began
}

func (c *client) yield() {
	if c.rnd.IntN(2) == 0 {
		runtime.Gosched()
	}
}

func (c *client) made(in call, began int64, out reply) {
	c.yield()
	in.after = time.Now().UnixNano()
	c.history = append(c.history, porcupine.Operation{
		ClientId: c.id, Input: in, Call: began, Output: out, Return: c.clock.Add(1),
	})
}

func (c *client) must(err error) {
	if err != nil {
		c.t.Errorf("the call as a whole: %v", err)
	}
}

func (c *client) enqueue() {
	ref := c.ref()
	in, began := c.begin(enqueue, ref.ID)
	out, err := c.b.Enqueue(c.t.Context(), backends.EnqueueRequest{
		Queue: queue, Policy: policy, Jobs: []backends.Job{{Ref: ref, Kind: "optimise"}},
	})
	if c.must(err); err == nil {
		c.made(in, began, reply{duplicate: out[0].Duplicate, err: out[0].Err})
	}
}

// claim tries: what it doesn't get belongs to no job's history.
func (c *client) claim() {
	in, began := c.begin(claim, "")
	in.span = c.span()
	ctx, cancel := context.WithTimeout(c.t.Context(), c.unit/1000)
	defer cancel()
	leases, err := c.b.Claim(ctx, backends.ClaimRequest{
		Queue: queue, Policy: policy, Max: 1 + c.rnd.IntN(2), Lease: in.span, CanAnnounce: backends.Event,
	})
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		c.must(err)
	}
	for _, l := range leases {
		in.id = l.Job.ID
		seen := look{token: l.Token, generation: l.Generation, attempt: l.Attempt, crashes: l.Crashes, state: backends.Running}
		if l.Outcome != nil {
			seen.state, seen.owes = l.Outcome.State, l.Outcome.Owes
		}
		c.made(in, began, reply{look: seen})
	}
	c.mu.Lock()
	c.leases = append(c.leases, leases...)
	c.mu.Unlock()
}

// lease is one of the newest, of whichever client.
func (c *client) lease() *backends.Lease {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.leases) == 0 {
		return nil
	}
	return c.leases[len(c.leases)-1-c.rnd.IntN(min(2*ids, len(c.leases)))]
}

func (c *client) extend() {
	l := c.lease()
	if l == nil {
		return
	}
	in, began := c.begin(extend, l.Job.ID)
	in.token, in.generation, in.span = l.Token, l.Generation, c.span()
	errs, err := c.b.Extend(c.t.Context(), in.span, []backends.Beat{{Lease: l}})
	if c.must(err); err == nil {
		c.made(in, began, reply{err: first(errs)})
	}
}

func (c *client) settle() {
	l := c.lease()
	if l == nil {
		return
	}
	in, began := c.begin(settle, l.Job.ID)
	in.token, in.generation = l.Token, l.Generation
	verbs := []backends.Verb{backends.Commit, backends.Retry, backends.Snooze, backends.Release, backends.Announced}
	s := backends.Settlement{Lease: l, Verb: verbs[c.rnd.IntN(len(verbs))]}
	switch s.Verb {
	case backends.Commit:
		s.Outcome = []backends.State{backends.Succeeded, backends.Dead}[c.rnd.IntN(2)]
	case backends.Retry, backends.Snooze:
		s.Delay = c.span()
	}
	in.settlement, in.outcome, in.span = s.Verb, s.Outcome, s.Delay
	errs, err := c.b.Settle(c.t.Context(), []backends.Settlement{s})
	if c.must(err); err == nil {
		c.made(in, began, reply{err: first(errs)})
	}
}

func (c *client) lookup() {
	ref := c.ref()
	in, began := c.begin(lookup, ref.ID)
	r, err := c.b.Lookup(c.t.Context(), ref, 0)
	if err != nil {
		c.made(in, began, reply{err: err})
		return
	}
	c.made(in, began, reply{look: look{
		state: r.State, token: r.Token, generation: r.Generation, attempt: r.Attempt, crashes: r.Crashes,
		owes: r.Owes, cancelling: r.Cancelling,
	}})
}

func (c *client) cancel() {
	ref := c.ref()
	in, began := c.begin(cancel, ref.ID)
	errs, err := c.op.Cancel(c.t.Context(), []backends.Ref{ref})
	if c.must(err); err == nil {
		c.made(in, began, reply{err: first(errs)})
	}
}

func (c *client) redrive() {
	ref := c.ref()
	r, err := c.b.Lookup(c.t.Context(), ref, 0)
	if err != nil {
		return
	}
	in, began := c.begin(redrive, ref.ID)
	in.generation, in.keeps = r.Generation, c.b.Features().KeepsPayload
	errs, err := c.op.Redrive(c.t.Context(), []backends.Redrive{{Ref: ref, Generation: r.Generation}})
	if c.must(err); err == nil {
		c.made(in, began, reply{err: first(errs)})
	}
}

func first(errs []error) error {
	if len(errs) == 0 {
		return nil
	}
	return errs[0]
}
