package memory_test

import (
	"testing"

	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/backendtest/history"
)

// TestHistories_A2 holds every answer of random histories against a second
// opinion.
func TestHistories_A2(t *testing.T) {
	steps := 100_000
	if testing.Short() {
		steps = 20_000
	}
	history.Run(t, backendtest.Harness{Open: quiet, Virtual: true}, steps)
}
