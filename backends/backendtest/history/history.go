// Package history drives a Backend through random histories and holds every
// answer against the executable specification of package spec.
//
// A failing history is shrunk, and printed as a list of calls; the seed and the
// fail file that make it happen again are printed with it.
package history

import (
	"flag"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/backendtest/spec"
)

// mean is how many steps a history has on average.
const mean = 60

// Run takes about so many random steps, each history on a store of its own. The
// environment's LEAT_STEPS goes first. A step is a call or a span of time.
//
// The Backend must go by the clock of the bubble (Harness.Virtual): then the
// specification knows to the nanosecond what is due.
func Run(t *testing.T, h backendtest.Harness, steps int) {
	if !h.Virtual {
		t.Fatal("history: the specification needs virtual time")
	}
	if n, err := strconv.Atoi(os.Getenv("LEAT_STEPS")); err == nil {
		steps = n
	}
	size(t, steps)
	taken := 0
	rapid.Check(t, func(rt *rapid.T) {
		rapid.SyncTest(rt, func(rt *rapid.T) {
			m := begin(t, rt, h)
			defer m.b.Close()
			rt.Repeat(m.actions())
			m.drain()
			taken += m.steps
		})
	})
	t.Logf("%d steps", taken)
}

// size sets rapid's flags for the wanted number of steps, unless they are on the
// command line.
func size(t *testing.T, steps int) {
	given := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	histories := max(1, steps/mean)
	length := mean
	if testing.Short() { // rapid divides by these
		histories, length = histories*5, length*2
	}
	for name, value := range map[string]int{"rapid.checks": histories, "rapid.steps": length} {
		f := flag.Lookup(name)
		if given[name] {
			continue
		}
		before := f.Value.String()
		if err := f.Value.Set(strconv.Itoa(value)); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Value.Set(before) })
	}
}

// machine is one history: a Backend, what it should hold, and what its callers
// have in hand.
type machine struct {
	*rapid.T
	b     backends.Backend
	op    backends.Operator
	s     *spec.Store
	steps int

	base     backends.Policy         // what all policies of the history agree on
	versions map[string]int          // of the policies, by queue
	caps     int                     // versions of the resource's cap
	jobs     []backends.Job          // all that were ever asked for
	queues   map[backends.Ref]string // where
	held     []backends.Ref          // collation jobs
	leases   []*backends.Lease       // the newest last; most are stale
	said     []backends.Settlement   // to be repeated
	seen     map[backends.Ref]*backends.Record
}

func begin(t *testing.T, rt *rapid.T, h backendtest.Harness) *machine {
	m := &machine{
		T: rt, b: h.Open(t), versions: map[string]int{}, queues: map[backends.Ref]string{},
		seen: map[backends.Ref]*backends.Record{},
	}
	m.op, _ = backends.As[backends.Operator](m.b)
	m.s = spec.New(m.b.Features())
	m.base = facts.Draw(rt, "facts")
	return m
}

// actions are the steps; those that matter most have several names.
func (m *machine) actions() map[string]func(*rapid.T) {
	a := map[string]func(*rapid.T){
		"":         m.invariant,
		"enqueue":  m.enqueue,
		"enqueue2": m.enqueue,
		"again":    m.enqueueAgain,
		"seal":     m.seal,
		"claim":    m.claim,
		"claim2":   m.claim,
		"claim3":   m.claim,
		"extend":   m.extend,
		"settle":   m.settle,
		"settle2":  m.settle,
		"settle3":  m.settle,
		"repeat":   m.repeat,
		"watch":    m.watch,
		"look":     m.lookAll,
		"pass":     m.pass,
		"pass2":    m.pass,
	}
	if m.op != nil {
		a["cancel"], a["redrive"], a["purge"] = m.cancel, m.redrive, m.purge
		a["pause"], a["stats"], a["list"] = m.pause, m.stats, m.list
	}
	return a
}

// invariant looks at what a step changed, and at what the clock may have.
func (m *machine) invariant(*rapid.T) {
	m.steps++
	m.ripen(nil)
	m.look(m.s.Changed()...)
}

// ripen tells the spec what the store did on its own, except to those refs.
func (m *machine) ripen(except map[backends.Ref]bool) {
	m.must(m.s.Looked(time.Now(), m.lookUp(m.ripe(except))...))
}

func (m *machine) ripe(except map[backends.Ref]bool) []backends.Ref {
	return slices.DeleteFunc(m.s.Ripe(time.Now()), func(r backends.Ref) bool { return except[r] })
}

// look compares records with the spec.
func (m *machine) look(refs ...backends.Ref) {
	m.must(m.s.Looked(time.Now(), m.lookUp(refs)...))
}

// lookUp reads records. To look may itself end a job that has expired, and count
// it in its batch: so it reads the youngest first, as members are younger than
// their collation job.
func (m *machine) lookUp(refs []backends.Ref) []spec.Look {
	var looks []spec.Look
	for _, ref := range slices.Backward(refs) {
		r, err := m.b.Lookup(m.Context(), ref, 0)
		looks = append(looks, spec.Look{Ref: ref, Record: r, Err: err})
		m.seen[ref] = r
	}
	return looks
}

// must ends the history if the spec found something, or the call failed. What is
// fatal has one text: rapid shrinks only to failures that look alike.
func (m *machine) must(err error) {
	m.Helper()
	if err != nil {
		m.Logf("✗ %v", err)
		m.Fatal("the specification disagrees")
	}
}
