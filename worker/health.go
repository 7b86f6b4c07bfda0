package worker

import (
	"fmt"
	"sync"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/internal/telemetry"
	"github.com/leat-go/leat/queue"
)

// Phase is where a worker is in its life.
type Phase string

// The phases of a worker.
const (
	Idle     Phase = "idle" // not started
	Working  Phase = "working"
	Draining Phase = "draining"
	Stopped  Phase = "stopped"
)

// Health is how a worker is, at one moment.
type Health struct {
	Phase    Phase
	Problems []string // for people; empty = all is well

	Concurrency int
	Limit       int         // of it what the Limiter lets run now; 0 = it pauses
	Busy        int         // handlers and write-backs that run
	Settling    int         // jobs whose outcome is being written
	Announcing  int         // events that are on their way
	Stuck       []queue.Ref // jobs whose handler outlasted its grace: only a restart frees the slot

	LastClaim time.Time // the newest good answer of the store, with or without jobs
}

// Live reports whether the process is worth keeping: false when every slot is held
// by a handler that doesn't return.
func (h Health) Live() bool { return h.Concurrency == 0 || len(h.Stuck) < h.Concurrency }

// Ready reports whether the worker works, without a problem.
func (h Health) Ready() bool { return h.Phase == Working && len(h.Problems) == 0 }

// health is what a Pool knows of its runs.
type health struct {
	mu      sync.Mutex
	running bool // by Run; loops over Claims may be many
	vitals
}

// enter reports whether nobody else runs the worker.
func (h *health) enter() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	free := !h.running
	h.running = true
	return free
}

func (h *health) exit() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.running = false
}

type vitals struct {
	engine    *engine // nil = never started
	phase     Phase
	lastClaim time.Time
	asking    time.Time // since when claims have no good answer; zero = none is out
	beats     trouble
	settles   trouble
	topic     trouble
	writeBack trouble
}

// trouble is something that has failed since it last went well.
type trouble struct {
	err    error
	since  time.Time
	newest time.Time
}

func (t *trouble) note(err error) {
	if err == nil {
		*t = trouble{}
		return
	}
	now := time.Now()
	if t.err == nil {
		t.since = now
	}
	t.err, t.newest = err, now
}

// Health says how the worker is.
func (p *Pool) Health() Health {
	var v vitals
	if p.health != nil {
		p.health.set(func(now *vitals) { v = *now })
	}
	if v.engine == nil {
		return Health{Phase: Idle}
	}
	out := Health{Phase: v.phase, LastClaim: v.lastClaim}
	v.engine.describe(&out)
	out.Problems = v.problems(v.engine.Lease)
	if store, ok := backends.As[backends.Reporter](v.engine.store); ok && v.phase != Stopped {
		if err := store.Health(); err != nil {
			out.Problems = append(out.Problems, fmt.Sprintf("the backend isn't well (%s)", telemetry.TypeOf(err)))
		}
	}
	if n := len(out.Stuck); n > 0 {
		out.Problems = append(out.Problems, fmt.Sprintf("%d handlers don't return", n))
	}
	return out
}

// problems are what has gone wrong for long enough to matter (R17): claims for three
// leases, beats for one, a write or an announcement at once. What could not be
// announced comes back within minutes: if not here, then another worker has it, and
// nobody will say so.
func (h *vitals) problems(lease time.Duration) []string {
	var all []string
	add := func(t trouble, patience time.Duration, what string) {
		if t.err != nil && time.Since(t.since) >= patience {
			all = append(all, fmt.Sprintf("%s for %v (%s)", what, time.Since(t.since).Round(time.Second), telemetry.TypeOf(t.err)))
		}
	}
	if silent := time.Since(h.asking); !h.asking.IsZero() && silent > 3*lease && h.phase == Working {
		all = append(all, fmt.Sprintf("no answer to a claim for %v", silent.Round(time.Second)))
	}
	add(h.beats, lease, "leases can't be renewed")
	add(h.settles, 0, "outcomes can't be written")
	if time.Since(h.topic.newest) < 2*latest {
		add(h.topic, 0, "events can't be announced")
	}
	if time.Since(h.writeBack.newest) < 2*latest {
		add(h.writeBack, 0, "write-backs fail")
	}
	return all
}

func (e *engine) describe(h *Health) {
	e.mu.Lock()
	defer e.mu.Unlock()
	h.Concurrency, h.Limit, h.Busy, h.Settling, h.Announcing = e.Concurrency, e.counted(), e.busy, e.settling, e.telling
	for _, a := range e.live {
		if a.stuck {
			h.Stuck = append(h.Stuck, a.Lease.Job.Ref)
		}
	}
}

// set changes it. The engine's lock may be held; this one is held for nothing else.
func (h *health) set(f func(*vitals)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f(&h.vitals)
}

func (h *health) start(e *engine) {
	h.set(func(v *vitals) { *v = vitals{engine: e, phase: Working, lastClaim: time.Now()} })
}

func (h *health) draining()         { h.set(func(v *vitals) { v.phase = Draining }) }
func (h *health) stopped()          { h.set(func(v *vitals) { v.phase = Stopped }) }
func (h *health) beaten(err error)  { h.set(func(v *vitals) { v.beats.note(err) }) }
func (h *health) settled(err error) { h.set(func(v *vitals) { v.settles.note(err) }) }
func (h *health) told(err error)    { h.set(func(v *vitals) { v.topic.note(err) }) }
func (h *health) wrote(err error)   { h.set(func(v *vitals) { v.writeBack.note(err) }) }

// asks says that a claim is on its way; claimed, that the store has answered.
func (h *health) asks() {
	h.set(func(v *vitals) {
		if v.asking.IsZero() {
			v.asking = time.Now()
		}
	})
}

func (h *health) claimed() {
	h.set(func(v *vitals) { v.lastClaim, v.asking = time.Now(), time.Time{} })
}
