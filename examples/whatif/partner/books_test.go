package partner

import (
	"testing"
	"time"

	"github.com/leat-go/leat/examples/whatif/optimiser"
)

// A partner's books must notice what a portal does wrong, and nothing else.
func TestBooks(t *testing.T) {
	now := time.Now()
	promised := func(b *books) { b.promise("a", optimiser.Settings{Screen: "s"}, false, now) }
	for name, c := range map[string]struct {
		happens          func(*books)
		lost, duplicated int
	}{
		"it ends":                         {func(b *books) { promised(b); b.end("a", "a.1", "succeeded", now) }, 0, 0},
		"it never ends":                   {promised, 1, 0},
		"the event comes first":           {func(b *books) { b.end("a", "a.1", "succeeded", now); promised(b) }, 0, 0},
		"the event comes twice":           {func(b *books) { promised(b); b.end("a", "a.1", "dead", now); b.end("a", "a.1", "dead", now) }, 0, 0},
		"it ends twice":                   {func(b *books) { promised(b); b.end("a", "a.1", "dead", now); b.end("a", "a.2", "succeeded", now) }, 0, 1},
		"asked for, then told":            {func(b *books) { promised(b); b.untold("a", "superseded"); b.end("a", "a.1", "superseded", now) }, 0, 0},
		"told another end than on asking": {func(b *books) { promised(b); b.untold("a", "superseded"); b.end("a", "a.1", "succeeded", now) }, 0, 1},
		"asked for, then told two ends": {func(b *books) {
			promised(b)
			b.untold("a", "dead")
			b.end("a", "a.1", "dead", now)
			b.end("a", "a.2", "dead", now)
		}, 0, 1},
		"two questions are one job": {func(b *books) { promised(b); promised(b) }, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := &Partner{}
			c.happens(&p.books)
			if a := p.Account(); a.Lost != c.lost || a.Duplicated != c.duplicated {
				t.Errorf("lost %d, duplicated %d; want %d, %d", a.Lost, a.Duplicated, c.lost, c.duplicated)
			}
		})
	}
}
