package memory_test

import (
	"log/slog"
	"testing"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/backendtest/linear"
	"github.com/leat-go/leat/backends/memory"
)

func quiet(*testing.T) backends.Backend {
	return memory.New(memory.Options{Logger: slog.New(slog.DiscardHandler)})
}

// TestLinearizable_A3: sixteen clients at a time, and an order for what each
// job saw.
func TestLinearizable_A3(t *testing.T) {
	calls := 100_000
	if testing.Short() {
		calls = 10_000
	}
	linear.Run(t, backendtest.Harness{Open: quiet, Virtual: true}, calls)
}

// TestLinearizable_A3_NoticesMissingFence: a store that doesn't look at tokens
// must be found out.
func TestLinearizable_A3_NoticesMissingFence(t *testing.T) {
	broken := backendtest.Harness{
		Open:    func(t *testing.T) backends.Backend { return linear.Unfenced(quiet(t)) },
		Virtual: true,
	}
	for seed := range uint64(5) {
		if len(linear.Violations(linear.Record(t, broken, seed))) > 0 {
			return
		}
	}
	t.Fatal("five rounds without fencing were found linearizable")
}
