package main

import (
	"fmt"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

// host is where and of what the figures are.
type host struct {
	CPU     string
	Cores   int
	OS      string
	Go      string
	Modules map[string]string
	Sizes   string
	SQLite  string
}

func thisHost(n sizes) host {
	h := host{
		CPU: cpuName(), Cores: runtime.NumCPU(), OS: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(),
		Modules: map[string]string{},
		Sizes: fmt.Sprintf("%d rounds; payload %d bytes; %d jobs in batches of %d, or %d jobs one by one; live: 8 producers, %d workers",
			n.rounds, len(template), n.jobs, claimSize, n.calls, workers),
		SQLite: fmt.Sprintf("SQLite: WAL, synchronous=FULL on every side, files in %s; jobs: %d where each waits for a sync, %d of 8 producers, else %d; drain: %d workers",
			diskFolder(), n.alone, n.few, n.many, workers),
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return h
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			h.Modules["github.com/leat-go/leat"] = s.Value
		}
	}
	for _, d := range info.Deps {
		switch d.Path {
		case "gocloud.dev", "github.com/ThreeDotsLabs/watermill",
			"modernc.org/sqlite", "github.com/mikestefanello/backlite", "maragu.dev/goqite",
			"github.com/riverqueue/river", "github.com/riverqueue/river/riverdriver/riversqlite":
			h.Modules[d.Path] = d.Version
		}
	}
	return h
}

func (h host) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d cores, %s, %s", h.CPU, h.Cores, h.OS, h.Go)
	for _, path := range slices.Sorted(maps.Keys(h.Modules)) {
		fmt.Fprintf(&b, ", %s %s", path, h.Modules[path])
	}
	fmt.Fprintf(&b, "\n%s\n%s\n", h.Sizes, h.SQLite)
	return b.String()
}

func cpuName() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown CPU"
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown CPU"
}
