package sqlite_test

import (
	"testing"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/backendtest/history"
	"github.com/leat-go/leat/backends/backendtest/linear"
	"github.com/leat-go/leat/backends/backendtest/simulate"
)

// size is what a row does under -short, or else.
func size(short, usual int) int {
	if testing.Short() {
		return short
	}
	return usual
}

// TestHistories_A2 holds every answer of random histories against a second opinion.
func TestHistories_A2(t *testing.T) {
	unraced(t)
	history.Run(t, harness, size(100, 600))
}

// TestLinearizable_A3: sixteen clients at a time, and an order for what each job saw.
func TestLinearizable_A3(t *testing.T) { linear.Run(t, harness, size(1000, 5000)) }

// TestLinearizable_A3_NoticesMissingFence: a store that doesn't look at tokens must
// be found out.
func TestLinearizable_A3_NoticesMissingFence(t *testing.T) {
	broken := backendtest.Harness{
		Open:    func(t *testing.T) backends.Backend { return linear.Unfenced(quick(t)) },
		Virtual: true,
	}
	for seed := range uint64(5) {
		if len(linear.Violations(linear.Record(t, broken, seed))) > 0 {
			return
		}
	}
	t.Fatal("five rounds without fencing were found linearizable")
}

// TestSimulation_A1: producers, workers and an operator in a storm of faults.
func TestSimulation_A1(t *testing.T) { simulate.Run(t, harness, size(5000, 10_000)) }
