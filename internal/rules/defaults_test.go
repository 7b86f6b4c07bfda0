package rules

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// TestDefaultsAreDocumented holds the table of defaults against the code.
func TestDefaultsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/defaults.md")
	if err != nil {
		t.Fatal(err)
	}
	for field, value := range map[string]any{
		"Inline":        fmt.Sprintf("%d KiB", queue.DefaultInline>>10),
		"BlobLife":      queue.DefaultBlobLife,
		"MaxAttempts":   backends.DefaultMaxAttempts,
		"MaxCrashes":    backends.DefaultMaxCrashes,
		"UnknownAfter":  backends.DefaultUnknownAfter,
		"Retention":     backends.DefaultRetention,
		"DeadRetention": backends.DefaultDeadRetention,
		"Lease":         worker.DefaultLease,
		"Beat":          worker.DefaultBeat,
		"RunLimit":      worker.DefaultRunLimit,
		"Backoff":       fmt.Sprintf("%v, %v", worker.DefaultBackoff, worker.DefaultMaxBackoff),
		"Grace":         worker.DefaultGrace,
		"Kill":          worker.DefaultKill,
		"Decrease":      worker.DefaultDecrease,
		"Hold":          worker.DefaultHold,
		"Pause":         worker.DefaultPause,
		"Takes":         worker.DefaultTakes,
		"Drain":         worker.DefaultDrain,
	} {
		if row := fmt.Sprintf("| `%s` | %v |", field, value); !strings.Contains(string(text), row) {
			t.Errorf("docs/defaults.md has no row %q", row)
		}
	}
}
