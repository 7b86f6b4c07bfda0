package main

import (
	"slices"
	"testing"
	"time"
)

// file is a store in one file, events and all, and a folder for plans: the flags that
// name them. Commits don't wait for the disk: what is killed is programs, not the machine.
func file(t *testing.T) []string {
	dir := t.TempDir()
	return []string{
		"-queue", "sqlite://" + dir + "/jobs.db?queue=whatif&synchronous=normal",
		"-results", "file://" + dir + "/plans",
		"-ready", "queue:ready",
		"-lease", "3s",
	}
}

// with is a copy of args with more.
func with(args []string, more ...string) []string { return append(slices.Clone(args), more...) }

// TestTheStoryOnOneFile is told twice on one file: what is left of the first time is in
// nobody's way.
func TestTheStoryOnOneFile(t *testing.T) {
	if racing {
		t.Skip("SQLite is slow under the race detector")
	}
	args := players(with(file(t), "-json", "-daily"), "1e6")
	for range 2 {
		told(t, args)
	}
}

// TestProcessesOnOneFileAreKilled has the portal and two workers as programs on one file.
// One worker is killed after the other (SIGKILL), and the portal once, which starts
// again: nothing is lost, and nothing is told twice under another id.
func TestProcessesOnOneFileAreKilled(t *testing.T) {
	if testing.Short() || racing {
		t.Skip("processes, killed after seconds")
	}
	at := freeAddress(t)
	args := players(file(t), "1.5e5")
	during(t, func() { told(t, with(args, "-json", "-visit", "http://"+at)) },
		killing{with(args, "-portal", at), 1, 3 * time.Second},
		killing{with(args, "-work", "-workers", "1"), kills(), 1500 * time.Millisecond},
		killing{with(args, "-work", "-workers", "1"), 0, 0},
	)
}
