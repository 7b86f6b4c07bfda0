package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// lab is where mutants are made and tested.
type lab struct {
	tmp     string
	timeout time.Duration
}

// verdict is what became of a mutant.
type verdict struct {
	mutant mutant
	by     string // the test that noticed; "" if none did
	took   time.Duration
	err    error // the mutant could not be made
}

func (v verdict) killed() bool { return v.by != "" && v.err == nil }

func (v verdict) String() string {
	title := v.mutant.rule + " " + v.mutant.name
	switch {
	case v.err != nil:
		return fmt.Sprintf("BROKEN    %s\n          %v", title, v.err)
	case v.by == "":
		return fmt.Sprintf("SURVIVED  %s\n%s\n%s", title, v.mutant.file, v.mutant.diff)
	}
	return fmt.Sprintf("killed    %-60s %5.1fs  %s", title, v.took.Seconds(), v.by)
}

// healthy fails unless the tests pass as long as nothing is broken.
func (l lab) healthy(ctx context.Context, ms []mutant) error {
	var packages []string
	for _, m := range ms {
		packages = append(packages, m.tests...)
	}
	slices.Sort(packages)
	for _, p := range slices.Compact(packages) {
		by, err := l.test(ctx, l.tmp, p)
		if err != nil {
			return err
		}
		if by != "" {
			return fmt.Errorf("without any mutant, %s fails: %s", p, by)
		}
	}
	return nil
}

// judge makes one mutant and runs the tests until one fails.
func (l lab) judge(ctx context.Context, i int, m mutant) verdict {
	v, start := verdict{mutant: m}, time.Now()
	dir := filepath.Join(l.tmp, fmt.Sprint(i))
	overlay, err := infect(dir, m)
	if err != nil {
		v.err = err
		return v
	}
	defer os.RemoveAll(dir)
	for _, p := range m.tests {
		if v.by, v.err = l.test(ctx, dir, p, "-overlay", overlay); v.by != "" || v.err != nil {
			break
		}
	}
	v.took = time.Since(start)
	return v
}

// infect writes the mutated file, and the overlay that puts it in place.
func infect(dir string, m mutant) (overlay string, err error) {
	original, err := filepath.Abs(m.file)
	if err != nil {
		return "", err
	}
	src, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	if src, err = m.apply(src); err != nil {
		return "", err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	mutated := filepath.Join(dir, "mutated.go")
	if err := os.WriteFile(mutated, src, 0o600); err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{original: mutated}})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, text, 0o600)
}

// test builds the tests of one package and runs them up to the first failure.
// The two steps are apart so that a mutant which doesn't compile isn't taken for
// one that was noticed.
func (l lab) test(ctx context.Context, dir, pkg string, flags ...string) (by string, err error) {
	bin := filepath.Join(dir, "mutant.test")
	build := exec.CommandContext(ctx, "go", slices.Concat([]string{"test", "-c", "-vet=off", "-o", bin}, flags, []string{pkg})...)
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s doesn't build: %w\n%s", pkg, err, out)
	}
	if _, err := os.Stat(bin); err != nil {
		return "", fmt.Errorf("%s has no tests", pkg)
	}

	hang, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	cmd := exec.CommandContext(hang, bin, "-test.short", "-test.failfast")
	cmd.Dir = pkg
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	var failed *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case hang.Err() != nil:
		return "no answer in " + l.timeout.String(), nil
	case errors.As(err, &failed):
		return reason(string(out)), nil
	}
	return "", err
}

var (
	failure = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)
	crash   = regexp.MustCompile(`(?m)^(panic|fatal error): .*`)
)

// reason is the innermost test that failed, or how the process died.
func reason(out string) string {
	best := ""
	for _, m := range failure.FindAllStringSubmatch(out, -1) {
		if best == "" || strings.HasPrefix(m[1], best+"/") {
			best = m[1]
		}
	}
	if best == "" {
		best = crash.FindString(out)
	}
	if best == "" {
		best = "exit without a word"
	}
	return best
}
