package services

import (
	"os"
	"os/exec"
	"testing"
)

// Program is where the first of some programs is that this machine has, or the test
// ends here, and says how to install one.
func Program(t testing.TB, install string, names ...string) string {
	t.Helper()
	for _, name := range names {
		if at, err := exec.LookPath(name); err == nil {
			return at
		}
	}
	const missing = "none of the programs %q is here: %s"
	if os.Getenv("LEAT_SERVICES") == "required" {
		t.Fatalf(missing, names, install)
	}
	t.Skipf(missing, names, install)
	return ""
}
