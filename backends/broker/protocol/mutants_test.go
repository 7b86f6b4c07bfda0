package protocol

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// mutant is the protocol with one rule switched off, which the random model must notice.
type mutant struct {
	rule string
	off  func(*rules)
	scenario
	breaks kind
}

// mutants are the table of docs/broker-protocol.md, row by row, then what the model added to it. "Only the holder message may steal" is safe
// without: TestOnlyHolderSteals. Rules that random runs hardly need are held by TestDirected alone.
var mutants = []mutant{
	{"de-duplication id carries the send number", func(r *rules) { r.dedupCarriesSend = false }, fifo, lost},
	{"pointer keeps the maximum order", func(r *rules) { r.pointerKeepsMax = false }, standard, wrongEnd},
	{"pointer raised after the send", func(r *rules) { r.pointerAfterSend = false }, standard, wrongEnd},
	{"retried enqueue sends again", func(r *rules) { r.retrySendsAgain = false }, standard, lost},
	{"announce before ack", func(r *rules) { r.announceBeforeAck = false }, standard, noEvent},
	{"commit is fenced", func(r *rules) { r.commitIsFenced = false }, standard, duplicated},
	{"a spare message is kept", func(r *rules) { r.spareIsKept = false }, standard, lost},
	{"a spare message is kept only until until", func(r *rules) { r.spareIsLimited = false }, standard, stuck},
	{"redrive by message", func(r *rules) { r.redriveByMessage = false }, standard, stuck},

	{"a revival announces the end before it", func(r *rules) { r.reviveAnnounces = false }, standard, noEvent},
	{"a collation has a FIFO group of its own", func(r *rules) { r.collationOwnGroup = false }, fifo, stuck},
	{"only the creator's message carries the hint", func(r *rules) { r.creatorHints = false }, standard, illegal},
	{"an old message without a record is dead-lettered", func(r *rules) { r.oldIsDeadLettered = false }, standard, duplicated},
	{"an end outlives the queue", func(r *rules) { r.endsOutliveQueue = false }, standard, noEvent},
	{"an end outlives the queue (FIFO)", func(r *rules) { r.endsOutliveQueue = false }, fifo, noEvent},
	{"only the named runner is spared", func(r *rules) { r.runnerIsNamed = false }, standard, outrun},
	{"a new life takes a generation that no old message has", func(r *rules) { r.livesAreNumbered = false }, standard, duplicated},
}

// TestMutant: with a rule off, the random model finds what the rule is for. With -rates it runs all seeds and counts.
func TestMutant(t *testing.T) {
	for _, m := range mutants {
		t.Run(m.rule, func(t *testing.T) {
			if *rates {
				killed := m.killers(seedCount())
				t.Logf("killed by %d of %d seeds (%s), as %v", len(killed), seedCount(), m.name, killed[:min(5, len(killed))])
				return
			}
			found := m.search(0, mutantSeeds, without(m.off), func(h *history) bool { return h.saw(m.breaks) })
			if found == nil {
				t.Fatalf("survived %d seeds: no %q", mutantSeeds, m.breaks)
			}
			t.Logf("killed by seed %d: %v", found.seed, found.history.first(m.breaks))
		})
	}
}

// mutantSeeds is how long a mutant may live. Most die within a hundred.
const mutantSeeds = 100_000

// killers are the seeds among the first n that show what the rule is for.
func (m mutant) killers(n uint64) (seeds []uint64) {
	var mu sync.Mutex
	m.search(0, n, without(m.off), func(h *history) bool {
		if h.saw(m.breaks) {
			mu.Lock()
			defer mu.Unlock()
			seeds = append(seeds, h.seed)
		}
		return false
	})
	slices.Sort(seeds)
	return seeds
}

// TestOnlyHolderSteals: a spare that steals is safe, but it takes jobs from workers that are well, counts that as a crash, and in the
// end kills good jobs by MaxCrashes. No handler kills its process here, so every job dead by crashes is a good one.
func TestOnlyHolderSteals(t *testing.T) {
	const n = 5_000
	on, off := countCrashes(t, n, allRules()), countCrashes(t, n, without(func(r *rules) { r.onlyHolderSteals = false }))
	t.Logf("with the rule: %+v; without: %+v", on, off)
	if off.innocent < 2*on.innocent || off.killed*10 < on.killed*15 {
		t.Errorf("spares that steal should take at least twice as many jobs from workers that are well, and kill half as many more")
	}
}

type crashes struct{ counted, innocent, killed int64 }

func countCrashes(t *testing.T, n uint64, r rules) crashes {
	var counted, innocent, killed atomic.Int64
	w := standard.search(0, n, r, func(h *history) bool {
		counted.Add(h.crashes)
		innocent.Add(h.innocent)
		killed.Add(h.crashed)
		return h.failed()
	})
	if w != nil {
		standard.report(t, w)
	}
	return crashes{counted.Load(), innocent.Load(), killed.Load()}
}
