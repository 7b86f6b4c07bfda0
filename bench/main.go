// Command bench measures Leat, its peers and the physical limit in turn in one
// run, so that a ratio of two figures survives a slow or noisy machine.
//
//	make bench          # five rounds, minutes
//	make bench-quick    # three short rounds, under two minutes
//	GOWORK=off go run . -run memory/claim -cpuprofile cpu.out
//
// It prints a Markdown table and one line per goal:
//
//	RATIO <class>/<metric> <ours>/<reference> <value> goal <bound> ok|short
//
// A class is a kind of store, a metric what is measured, and each row of the
// tables (memory.go, sqlite.go) says who is measured in what way; a new backend
// adds a file with rows. The module stays outside the workspace, so that peers
// never raise a version for users or tests.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime/pprof"
	"slices"
	"time"
)

func main() {
	quick := flag.Bool("quick", false, "fewer jobs and rounds")
	rounds := flag.Int("rounds", 0, "times that everything is measured; 0 = 5, or 3 if -quick")
	pattern := flag.String("run", "", "only rows whose class/metric matches")
	jsonPath := flag.String("json", "", "write each sample and ratio to this file, as JSON lines")
	profile := flag.String("cpuprofile", "", "write a profile; show what was timed by pprof -tagfocus=timed")
	afar := flag.String("produce", "", "side=path: hand over a job for each byte of stdin; bench starts itself so")
	far := flag.String("clients", "", "addr=mark: be clients who wait; bench starts itself so")
	flag.Parse()

	if *far != "" {
		if err := beClients(*far); err != nil {
			fmt.Fprintln(os.Stderr, "bench: clients:", err)
			os.Exit(1)
		}
		return
	}
	if *afar != "" {
		if err := produceOnDemand(*afar); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", *afar, err)
			os.Exit(1)
		}
		return
	}
	n := full
	if *quick {
		n = short
	}
	if *rounds > 0 {
		n.rounds = *rounds
	}
	if err := run(n, *pattern, *jsonPath, *profile); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(n sizes, pattern, jsonPath, profile string) (err error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return err
	}
	if profile != "" {
		stop, err := profileTo(profile)
		if err != nil {
			return err
		}
		defer stop()
	}
	lines := json.NewEncoder(io.Discard)
	if jsonPath != "" {
		f, err := os.Create(jsonPath)
		if err != nil {
			return err
		}
		defer f.Close()
		lines = json.NewEncoder(f)
	}

	start := time.Now()
	h := thisHost(n)
	fmt.Print(h)
	if err := lines.Encode(h); err != nil {
		return err
	}
	var results []result
	for _, r := range slices.Concat(memoryRows, sqliteRows, httpRows) {
		if !re.MatchString(r.name()) {
			continue
		}
		fmt.Fprintf(os.Stderr, "%4.0fs %s\n", time.Since(start).Seconds(), r.name())
		res, err := r.measure(n)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name(), err)
		}
		results = append(results, res)
	}
	return report(os.Stdout, lines, results)
}

func profileTo(path string) (stop func(), err error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() { pprof.StopCPUProfile(); f.Close() }, nil
}
