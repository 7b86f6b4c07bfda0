package protocol

import (
	"strings"
	"testing"
)

// A model that never gets somewhere proves nothing about it: within a few hundred seeds it has been everywhere.
var places = map[string][]string{
	"standard": {
		"→ succeeded", "→ dead", "→ cancelled", "→ superseded", "→ expired", "crashes 3 ", "hops", "is a spare", "trails", "is stale: refused",
		"returns failure", "returns snooze", "returns release", "returns permanent", "killed before", "killed after", "stalled before", "stalled after",
		"error before", "error after", "reply lost", "dead-letters", "announces cancelled", "announces dead", "for the 3. time",
	},
	"fifo": {"→ succeeded", "→ dead", "→ cancelled", "→ superseded", "→ expired", "broker swallows", "is stale: refused", "returns snooze"},
}

func TestReach(t *testing.T) {
	for _, s := range scenarios {
		missing := map[string]bool{}
		for _, place := range places[s.name] {
			missing[place] = true
		}
		lives, revived, collated := 0, 0, 0
		for seed := uint64(0); seed < 600; seed++ {
			w := s.run(seed, allRules(), &trace{})
			for _, e := range w.log.events {
				for place := range missing {
					if strings.Contains(e.text, place) {
						delete(missing, place)
					}
				}
			}
			lives += len(w.history.all) - len(w.history.jobs)
			revived += len(w.history.revivals)
			if b := w.history.jobs["batch"]; b != nil && b.last.state == succeeded {
				collated++
			}
		}
		if len(missing) > 0 || lives == 0 || revived == 0 || collated == 0 {
			t.Errorf("%s never reached %v; second lives %d, redrives %d, collations %d", s.name, missing, lives, revived, collated)
		}
	}
}

// TestReplayIsExact: one seed is one history.
func TestReplayIsExact(t *testing.T) {
	for _, s := range scenarios {
		for seed := range uint64(20) {
			a, b := s.run(seed, allRules(), &trace{}), s.run(seed, allRules(), &trace{})
			if x, y := a.log.of("", 1<<30), b.log.of("", 1<<30); x != y {
				t.Fatalf("%s seed %d: two different histories", s.name, seed)
			}
			if c := s.run(seed, allRules(), nil); c.now != a.now || c.seq != a.seq {
				t.Fatalf("%s seed %d: the trace changes the history", s.name, seed)
			}
		}
	}
}
