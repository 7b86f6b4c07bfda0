package broker_test

import (
	"testing"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest/linear"
)

func TestLinearizable_A3(t *testing.T) {
	linear.Run(t, harness(standardFacts(), true), 10_000)
}

// TestLinearizable_A3_NoticesMissingFence: the check has teeth.
func TestLinearizable_A3_NoticesMissingFence(t *testing.T) {
	broken := harness(standardFacts(), true)
	whole := broken.Open
	broken.Open = func(t *testing.T) backends.Backend { return linear.Unfenced(whole(t)) }
	for seed := range uint64(20) {
		if len(linear.Violations(linear.Record(t, broken, seed))) > 0 {
			return
		}
	}
	t.Error("20 rounds without a fence, and nothing was noticed")
}
