package protocol

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

var (
	oneSeed = flag.Int64("seed", envInt("LEAT_SEED", -1), "replay this one seed")
	events  = flag.Bool("events", false, "print all that happened in -seed")
	rates   = flag.Bool("rates", false, "let TestMutant count how many seeds kill each mutant")
	seeds   = flag.Int64("seeds", envInt("LEAT_SEEDS", 0), "seeds per scenario (default 10,000; 1,000 with -short)")
)

func envInt(name string, otherwise int64) int64 {
	if n, err := strconv.ParseInt(os.Getenv(name), 10, 64); err == nil {
		return n
	}
	return otherwise
}

func seedCount() uint64 {
	switch {
	case *seeds > 0:
		return uint64(*seeds)
	case testing.Short():
		return 1_000
	}
	return 10_000
}

type scenario struct {
	name string
	fifo bool
}

var (
	standard  = scenario{"standard", false}
	fifo      = scenario{"fifo", true}
	scenarios = []scenario{standard, fifo}
)

func TestProtocol(t *testing.T) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			if *oneSeed >= 0 {
				s.replay(t, uint64(*oneSeed))
				return
			}
			if w := s.search(0, seedCount(), allRules(), (*history).failed); w != nil {
				s.report(t, w)
			}
		})
	}
}

func (s scenario) run(seed uint64, r rules, log *trace) *world {
	w := newWorld(seed, s.fifo, r)
	w.log = log
	w.populate()
	w.run()
	return w
}

// search runs seeds on all cores and returns the first world found that is wanted, or nil.
func (s scenario) search(from, n uint64, r rules, wanted func(*history) bool) *world {
	var next atomic.Uint64
	var found atomic.Pointer[world]
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for i := next.Add(1) - 1; i < n && found.Load() == nil; i = next.Add(1) - 1 {
				if w := s.run(from+i, r, nil); wanted(w.history) {
					found.CompareAndSwap(nil, w)
				}
			}
		})
	}
	group.Wait()
	return found.Load()
}

// report runs a failing seed once more, with the trace on.
func (s scenario) report(t *testing.T, w *world) {
	t.Helper()
	again := s.run(w.seed, w.rules, &trace{})
	for _, v := range again.history.violations {
		t.Errorf("seed %d, rules %+v\n%v\n%s", w.seed, w.rules, v, again.log.of(v.id, 60))
	}
	t.Logf("replay: go test ./backends/broker/protocol -run 'TestProtocol/%s' -seed=%d -events -v", s.name, w.seed)
}

func (s scenario) replay(t *testing.T, seed uint64) {
	w := s.run(seed, allRules(), &trace{})
	if w.history.failed() {
		s.report(t, w)
	}
	if *events {
		for _, e := range w.log.events {
			fmt.Println(e)
		}
	}
}
