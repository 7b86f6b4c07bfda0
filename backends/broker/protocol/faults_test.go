package protocol

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"
)

// fate is what becomes of one call.
type fate int

const (
	fine fate = iota
	killBefore
	killAfter
	stallBefore
	stallAfter
	failBefore
	failAfter
	lostReply
)

func (f fate) String() string {
	return [...]string{
		"fine", "killed before it", "killed after it", "stalled before it", "stalled after it",
		"error before it", "error after it", "reply lost, repeated",
	}[f]
}

// faults are the rates of one run. Most runs leave some kinds out, so that one kind does not hide another.
type faults struct {
	kill, stall, fail, lose float64 // per call
	twice                   float64 // a delivery that another consumer gets as well
	again                   float64 // an acked message that is delivered once more, much later
	staleAckDeletes         bool
	staleNackActs           bool
	script                  []scripted
}

// scripted is one fault of a directed schedule: what becomes of the first call of this verb from an instant on.
type scripted struct {
	verb  string
	from  instant
	fate  fate
	stall time.Duration // 0 = six leases
}

func (w *world) drawFaults() faults {
	rate := func(most float64) float64 {
		return [...]float64{0, most / 4, most}[w.rng.IntN(3)]
	}
	return faults{
		kill: rate(0.04), stall: rate(0.03), fail: rate(0.04), lose: rate(0.08), twice: rate(0.2), again: rate(0.2),
		staleAckDeletes: w.chance(0.7), staleNackActs: w.chance(0.5),
	}
}

// fate draws what becomes of a call: from the script, or by chance as long as it is stormy.
func (w *world) fate(verb string) (f fate, stalled time.Duration) {
	for i, s := range w.faults.script {
		if s.verb == verb && w.now >= s.from {
			w.faults.script = slices.Delete(w.faults.script, i, i+1)
			return s.fate, cmp.Or(s.stall, stall)
		}
	}
	if w.directed || !w.stormy() {
		return fine, 0
	}
	return w.faults.draw(w.rng), stall
}

func (f *faults) draw(rng *rand.Rand) fate {
	r, side := rng.Float64(), fate(rng.IntN(2))
	switch {
	case r < f.kill:
		return killBefore + side
	case r < f.kill+f.stall:
		return stallBefore + side
	case r < f.kill+f.stall+f.fail:
		return failBefore + side
	case r < f.kill+f.stall+f.fail+f.lose:
		return lostReply
	}
	return fine
}

// latency of a call. A directed schedule counts on it.
func (w *world) latency() time.Duration {
	if w.directed {
		return 5 * time.Millisecond
	}
	return w.between(time.Millisecond, 20*time.Millisecond)
}
