package memory_test

import (
	"testing"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/backendtest/linear"
	"github.com/leat-go/leat/backends/backendtest/simulate"
)

// TestSimulation_A1: producers, workers and an operator in a storm of faults.
func TestSimulation_A1(t *testing.T) {
	calls := 100_000
	if testing.Short() {
		calls = 20_000
	}
	simulate.Run(t, backendtest.Harness{Open: quiet, Virtual: true}, calls)
}

// TestSimulation_A1_NoticesMissingFence: zombies of a store that doesn't look at
// tokens must be found out.
func TestSimulation_A1_NoticesMissingFence(t *testing.T) {
	broken := backendtest.Harness{
		Open:    func(t *testing.T) backends.Backend { return linear.Unfenced(quiet(t)) },
		Virtual: true,
	}
	for seed := range uint64(5) {
		if len(simulate.Play(t, broken, seed).Bad()) > 0 {
			return
		}
	}
	t.Fatal("five runs without fencing were found well")
}
