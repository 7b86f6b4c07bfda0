package protocol

import (
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	epoch      = 1_000_000 * time.Hour // what the nodes' clocks show at instant 0
	burst      = time.Minute           // many do something at once
	calm       = 6 * time.Minute       // end of the first storm: no more faults from here on …
	secondLife = 215 * time.Minute     // … but for a short storm in which some ids are enqueued in a second life
	calm2      = 218 * time.Minute
	horizon    = 10 * time.Hour // whatever is not settled by now never will be
)

// world is one run: everything in it follows from the seed, the scenario and the rules.
type world struct {
	seed      uint64
	rng       *rand.Rand
	rules     rules
	faults    faults
	now       instant
	horizon   instant
	seq       uint64
	agenda    agenda
	processes []*process
	broker    *broker
	records   *cells[record]
	pointers  *cells[pointer]
	history   *history
	handler   func(*worker, record) answer
	directed  bool // no chance in who gets what, and when
	log       *trace
}

// newWorld has a broker, stores and an observer, and nobody who uses them.
func newWorld(seed uint64, fifo bool, r rules) *world {
	w := &world{seed: seed, rng: rand.New(rand.NewPCG(seed, 0x1ea7)), rules: r, horizon: horizon, handler: anyHandler}
	w.broker = &broker{world: w, fifo: fifo, seen: map[dedupID]instant{}}
	w.records = &cells[record]{world: w, name: "record", values: map[string]*cell[record]{}}
	w.pointers = &cells[pointer]{world: w, name: "pointer", values: map[string]*cell[pointer]{}}
	w.history = newHistory(w)
	w.records.onPut = w.history.wrote
	return w
}

// populate draws the faults, the clients and the workers of a run.
func (w *world) populate() {
	w.faults = w.drawFaults()
	for i := range 2 + w.rng.IntN(3) {
		w.start(fmt.Sprint("worker-", i), w.between(0, time.Second), work)
	}
	var all []*wish
	for i := range 2 + w.rng.IntN(2) {
		wishes := w.drawWishes(i)
		all = append(all, wishes...)
		w.start(fmt.Sprint("producer-", i), 0, produce(wishes))
	}
	w.start("operator", w.between(0, time.Minute), (&operator{}).run)
	if w.chance(0.3) {
		w.start("canceller", 0, annul(all[:1+w.rng.IntN(len(all))]))
	}
	if w.chance(0.25) {
		batch, members := w.drawBatch()
		w.start("splitter", w.between(0, 2*time.Minute), split(batch, members))
	}
	if w.chance(0.15) {
		w.start("intruder", 0, intrude(w.tenant(), 1+w.rng.IntN(2)))
	}
}

// run lets time pass until nothing is left to happen, or for ever would be too long.
func (w *world) run() {
	for len(w.agenda) > 0 && w.agenda[0].at <= w.horizon {
		e := w.agenda.pop()
		if e.who.seq != e.seq {
			continue
		}
		w.now = max(w.now, e.at)
		w.resume(e.who)
	}
	for _, p := range w.processes {
		p.stop()
	}
	w.history.close()
}

// drawWishes gives a producer one to three jobs. Some ids are enqueued by two requests, some again in a later life.
func (w *world) drawWishes(producer int) (wishes []*wish) {
	at := instant(0)
	for i := range 1 + w.rng.IntN(3) {
		if at += w.between(0, 100*time.Second); w.chance(0.2) {
			at = max(at, burst)
		}
		j := job{id: fmt.Sprintf("job-%d.%d", producer, i), tenant: w.tenant()}
		switch {
		case w.chance(0.15):
			j.id = "job-shared"
		case w.chance(0.5):
			j.key = "screen"
			j.tenant = "north"
			j.trailing = w.chance(0.4)
		}
		if w.chance(0.3) {
			j.after = w.between(0, 3*maxDelay)
		}
		if w.chance(0.05) {
			j.after = w.between(0, 2*retention)
		}
		if w.chance(0.1) {
			j.deadline = at + w.between(time.Minute, 5*time.Minute)
		}
		wishes = append(wishes, &wish{at: at, job: j})
	}
	if j := wishes[0].job; j.key == "" && w.chance(0.3) {
		j.deadline = 0
		wishes = append(wishes, &wish{at: secondLife + w.between(0, time.Minute), job: j})
	}
	return wishes
}

func (w *world) drawBatch() (batch job, members []job) {
	batch = job{id: "batch", tenant: w.tenant(), collates: true}
	for i := range 1 + w.rng.IntN(3) {
		m := job{id: memberID(batch.id, i), tenant: batch.tenant, batch: batch.id}
		if w.chance(0.15) {
			m.after = w.between(0, 4*retention)
		}
		members = append(members, m)
	}
	return batch, members
}

func (w *world) tenant() string { return [...]string{"north", "south"}[w.rng.IntN(2)] }

// payloadAt tells the lives of one id apart.
func payloadAt(at instant) int {
	if at >= secondLife {
		return 2
	}
	return 1
}

func (w *world) stormy() bool { return w.now < calm || w.now >= secondLife && w.now < calm2 }

func (w *world) chance(p float64) bool { return w.rng.Float64() < p }

func (w *world) between(low, high time.Duration) time.Duration {
	if high <= low {
		return low
	}
	return low + time.Duration(w.rng.Int64N(int64(high-low)))
}
