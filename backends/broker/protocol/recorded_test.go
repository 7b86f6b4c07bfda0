package protocol

import "testing"

// recorded are seeds that show a rule which fewer than about 2 in 1,000 random runs need. They belong to the random model as it is:
// when a change of the model moves them, record new ones with -run TestMutant -rates -v. TestDirected holds the same rules by hand.
var recorded = []struct {
	rule  string
	seeds []uint64
}{
	{"a spare message is kept", []uint64{50, 1804, 1909}},
	{"a spare message is kept only until until", []uint64{1909, 3197, 8872}},
	{"only the creator's message carries the hint", []uint64{58, 419, 1567}},
	{"an end outlives the queue", []uint64{342, 416, 539}},
	{"an end outlives the queue (FIFO)", []uint64{145, 710, 1504}},
	{"only the named runner is spared", []uint64{525, 762, 975}},
}

func TestRecorded(t *testing.T) {
	for _, r := range recorded {
		m := mutantOf(r.rule)
		for _, seed := range r.seeds {
			if w := m.run(seed, allRules(), nil); w.history.failed() {
				m.report(t, w)
			}
			if w := m.run(seed, without(m.off), nil); !w.history.saw(m.breaks) {
				t.Errorf("%s: seed %d no longer shows %q without the rule, only %v", m.rule, seed, m.breaks, w.history.violations)
			}
		}
	}
}

func mutantOf(rule string) mutant {
	for _, m := range mutants {
		if m.rule == rule {
			return m
		}
	}
	panic("no mutant for " + rule)
}
