package backendtest

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
)

// Harness says how to reach the Backend under test.
type Harness struct {
	// Open returns a Backend on a fresh, empty store. The suite closes it.
	Open func(t *testing.T) backends.Backend

	// Again opens the store of b once more, as another process would; nil
	// where Features.Shared is false. The suite closes it.
	Again func(t *testing.T, b backends.Backend) backends.Backend

	// Virtual runs each case in a synctest bubble, where waiting costs nothing.
	// The Backend must live in memory: a bubble can't wait for a socket.
	Virtual bool

	// Parallel runs cases side by side, as far as -parallel allows: for a Backend
	// that waits in real time. Open must stand it.
	Parallel bool

	// Unit is the span that leases and delays of the cases are multiples of;
	// 0 = 1 s if Virtual, else 200 ms.
	Unit time.Duration
}

// testCase is one rule on one page.
type testCase struct {
	rule  string                       // "R5"
	name  string                       // what holds, as a sentence without spaces: "StaleTokenCannotSettle"
	why   string                       // what breaks for a user when it doesn't
	needs func(backends.Features) bool // nil = every Backend; else skipped where not claimed
	run   func(*env)
}

// Run holds a Backend to the whole contract, each case on a store of its own.
func Run(t *testing.T, h Harness) {
	if h.Unit == 0 {
		h.Unit = 200 * time.Millisecond
		if h.Virtual {
			h.Unit = time.Second
		}
	}
	for _, c := range cases() {
		t.Run(c.rule+"/"+c.name, func(t *testing.T) {
			if h.Parallel {
				t.Parallel()
			}
			if h.Virtual {
				c.inBubble(t, h)
			} else {
				c.on(t, h)
			}
		})
	}
}

// cases is the suite, verb by verb.
func cases() []testCase {
	return slices.Concat(
		enqueueCases, claimCases, extendCases, settleCases, lookupCases, badInputCases, ofBackend(cellCases), ofBackend(boundCases),
		fairnessCases, noisyCases, capCases, backlogCases, policyCases,
		supersedeCases, trailingCases, batchCases,
		operatorCases, redriveCases, retentionCases, faultCases,
	)
}

// inBubble runs the case in virtual time. A skip inside a bubble would show as a
// pass, so it is said again outside.
func (c testCase) inBubble(t *testing.T, h Harness) {
	skipped := false
	synctest.Test(t, func(t *testing.T) {
		t.Cleanup(func() { skipped = t.Skipped() })
		c.on(t, h)
	})
	if skipped {
		t.SkipNow()
	}
}

func (c testCase) on(t *testing.T, h Harness) {
	e := &env{T: t, h: h, B: h.Open(t), unit: h.Unit}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s: if this doesn't hold, %s", c.rule, c.why)
		}
		if err := e.B.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	e.f = e.B.Features()
	if c.needs != nil && !c.needs(e.f) {
		t.Skipf("%s doesn't claim this feature", e.f.Name)
	}
	c.run(e)
}
