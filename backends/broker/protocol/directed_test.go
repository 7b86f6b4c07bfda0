package protocol

import (
	"testing"
	"time"
)

// directed is one hand-written schedule: what the cast does, what the handler answers, and which calls go wrong. Calls take 5 ms,
// clocks are right, messages come in order; so the schedule stays what it is when the random model changes.
type directed struct {
	rule    string
	off     func(*rules)
	fifo    bool
	handler func(record) answer
	script  []scripted
	cast    func(*world)
	breaks  kind // what happens without the rule
}

func (d directed) run(r rules) *world {
	w := newWorld(1, d.fifo, r)
	w.directed, w.horizon = true, 12*time.Hour
	w.faults.staleAckDeletes = true
	w.faults.script = append(w.faults.script, d.script...)
	w.handler = func(_ *worker, rec record) answer { return answer{runs: time.Second} }
	if d.handler != nil {
		w.handler = func(_ *worker, rec record) answer { return d.handler(rec) }
	}
	w.log = &trace{}
	d.cast(w)
	w.run()
	return w
}

func TestDirected(t *testing.T) {
	for _, group := range [][]directed{enqueueCases, claimCases, supersedeCases, lifeCases} {
		for _, d := range group {
			t.Run(d.rule, func(t *testing.T) {
				if w := d.run(allRules()); len(w.history.violations) > 0 {
					v := w.history.violations[0]
					t.Errorf("with all rules: %v\n%s", v, w.log.of(v.id, 60))
				}
				if w := d.run(without(d.off)); !w.history.saw(d.breaks) {
					t.Errorf("without the rule: want %q, got %v\n%s", d.breaks, w.history.violations, w.log.of("", 60))
				}
			})
		}
	}
}

// Members of a cast.

// client enqueues until it is acknowledged.
func client(j job) func(*process) {
	return func(p *process) {
		p.insist(func() { p.enqueue(j, 1) })
		p.history.acknowledged(p, j.id)
	}
}

// dying starts a client that is killed on its way by the script and never comes back.
func (w *world) dying(at instant, j job) { w.start("dying client", at, client(j)).once = true }

// workers start n workers.
func (w *world) workers(n int, at instant) {
	for range n {
		w.start("worker", at, work)
	}
}

// brief handles one delivery and is gone.
func brief(p *process) {
	w := &worker{process: p}
	w.handle(w.receive())
}

func (w *world) brief(at instant) { w.start("brief worker", at, brief).once = true }

// redriver redrives what is dead when it comes.
func redriver(p *process) {
	for _, l := range p.history.deadLetters() {
		p.insist(func() { p.redrive(l.id, l.generation) })
		p.history.redriven(l)
	}
}

// firstThen answers the first claim in one way and every later one with success.
func firstThen(first answer) func(record) answer {
	return func(rec record) answer {
		if rec.token == 1 {
			return first
		}
		return answer{runs: time.Second}
	}
}
