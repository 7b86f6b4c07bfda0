package broker_test

import (
	"testing"

	"github.com/leat-go/leat/backends/backendtest/simulate"
)

// TestSimulation_A1 has callers that fail.
func TestSimulation_A1(t *testing.T) {
	simulate.Run(t, harness(standardFacts(), true), 10_000)
}
