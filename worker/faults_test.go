package worker_test

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/internal/plant"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// TestFaultMatrix_C1 strikes each step of a job's way, in each way, once, twice and
// one time in ten, while a small workload goes through all that a job may meet. All
// must be well at the end, and every job have the end that it should.
func TestFaultMatrix_C1(t *testing.T) {
	for _, step := range slices.Concat(storeSteps, userSteps) {
		t.Run(step.name, func(t *testing.T) {
			for _, f := range step.faults() {
				t.Run(f.String(), func(t *testing.T) { matrixCell(t, step, f) })
			}
		})
	}
}

// step is a place where something may go wrong.
type step struct {
	name string
	verb backendtest.Verb // of the store; AnyVerb = a step in the user's code
	of   backends.Verb    // of a Settle: only those with such a settlement
}

var storeSteps = []step{
	{name: "enqueue", verb: backendtest.Enqueue},
	{name: "claim", verb: backendtest.Claim},
	{name: "extend", verb: backendtest.Extend},
	{name: "commit", verb: backendtest.Settle, of: backends.Commit},
	{name: "retry", verb: backendtest.Settle, of: backends.Retry},
	{name: "snooze", verb: backendtest.Settle, of: backends.Snooze},
	{name: "release", verb: backendtest.Settle, of: backends.Release},
	{name: "announced", verb: backendtest.Settle, of: backends.Announced},
	{name: "lookup", verb: backendtest.Lookup},
	{name: "cell-read", verb: backendtest.CellGet},
	{name: "cell-write", verb: backendtest.CellPut},
	{name: "cancel", verb: backendtest.Cancel},
	{name: "redrive", verb: backendtest.Redrive},
}

var userSteps = []step{
	{name: "handler"}, {name: "announce"}, {name: "write-back"}, {name: "bucket-write"}, {name: "bucket-read"}, {name: "decode"}, {name: "backoff"},
}

// flaw is one column of the matrix.
type flaw struct {
	when backendtest.Moment
	kind string
	rate string
}

func (f flaw) String() string {
	moment := "before"
	if f.when == backendtest.After {
		moment = "after"
	}
	return moment + "/" + f.kind + "/" + f.rate
}

// faults are the flaws that a step can have.
func (s step) faults() (all []flaw) {
	for _, when := range []backendtest.Moment{backendtest.Before, backendtest.After} {
		for _, kind := range []string{"error", "timeout", "permanent", "repeat", "panic"} {
			switch {
			case kind == "panic" && s.verb != backendtest.AnyVerb, // nothing of ours panics
				kind == "repeat" && when == backendtest.After,                  // it has no moment
				(s.name == "decode" || s.name == "backoff") && kind != "panic": // can't fail otherwise without saying something
				continue
			}
			for _, rate := range []string{"once", "twice", "10%"} {
				all = append(all, flaw{when, kind, rate})
			}
		}
	}
	return all
}

func (f flaw) newRate() backendtest.Rate {
	switch f.rate {
	case "once":
		return backendtest.Times(1)
	case "twice":
		return backendtest.Times(2)
	}
	return backendtest.Share(0.1, 7)
}

// fault is the flaw as faulty decorators have it, all of which count together.
func (f flaw) fault(v backendtest.Verb) backendtest.Fault {
	var mu sync.Mutex
	rate, calls := f.newRate(), 0
	x := backendtest.Fault{Verb: v, When: f.when, Rate: func(int) bool {
		mu.Lock()
		defer mu.Unlock()
		calls++
		return rate(calls)
	}}
	switch f.kind {
	case "timeout":
		x.Kind, x.Delay = backendtest.Delay, 1000*time.Hour
	case "permanent":
		x.Err = backends.ErrInvalid
	case "repeat":
		x.Kind = backendtest.Repeat
	}
	return x
}

// trap is a flaw in the user's code.
type trap struct {
	step string
	flaw flaw
	mu   sync.Mutex
	rate backendtest.Rate
	met  int
	hits int
}

func (r *trap) springs(step string) bool {
	if r.step != step {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.met++
	if !r.rate(r.met) {
		return false
	}
	r.hits++
	return true
}

var errInjected = errors.New("injected fault")

// around does something of one step, or what goes wrong in its place.
func (r *trap) around(ctx context.Context, step string, effect func() error) error {
	if !r.springs(step) {
		return effect()
	}
	if r.flaw.when == backendtest.After || r.flaw.kind == "repeat" {
		if err := effect(); err != nil {
			return err
		}
	}
	switch r.flaw.kind {
	case "repeat":
		return effect()
	case "timeout":
		<-ctx.Done()
		return ctx.Err()
	case "permanent":
		if step == "handler" {
			return worker.Permanent(errInjected)
		}
		return fs.ErrNotExist // what a bucket says of an object that is gone
	case "panic":
		panic(errInjected)
	}
	return errInjected
}

// matrix is the workload of one cell.
type matrix struct {
	*plant.Plant
	*trap
	say map[string]queue.Ref
}

func matrixCell(t *testing.T, s step, f flaw) {
	m := &matrix{trap: &trap{step: s.name, flaw: f, rate: f.newRate()}, say: map[string]queue.Ref{}}
	o := plant.Options{
		Queue: m.facts, Worker: m.process, Handle: m.handle, Announce: m.announce, WriteBack: m.writeBack,
	}
	var ways []*backendtest.Faulty
	fault := f.fault(s.verb)
	if s.verb != backendtest.AnyVerb {
		o.Way = func(_ *plant.Process, b backends.Backend) backends.Backend {
			struck := backendtest.NewFaulty(b, fault)
			ways = append(ways, struck)
			if s.of != 0 {
				return &onlyVerb{b, struck, s.of}
			}
			return struck
		}
	}
	plant.Run(t, o, func(pl *plant.Plant) {
		m.Plant = pl
		if s.verb != backendtest.AnyVerb && s.of == 0 {
			pl.Faults.Inject(fault)
		}
		m.play()
		hits := m.hits + pl.Faults.Injected(s.verb)
		for _, w := range ways {
			hits += w.Injected(s.verb)
		}
		if hits == 0 && f.rate != "10%" {
			t.Error("the fault never struck")
		}
		pl.Verdict().Report(t)
		if !m.kills() {
			m.judge()
		}
	})
}
