package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"sync"
	"time"
)

func main() {
	pattern := flag.String("run", "", "only mutants whose rule, name or file matches")
	every := flag.Int("every", 1, "only each n-th of them: a sample for those in a hurry")
	timeout := flag.Duration("timeout", 3*time.Minute, "for the tests of one mutant; one that hangs counts as killed")
	width := flag.Int("p", 2, "mutants at a time")
	tested := flag.Bool("tested", false, "the tests have just passed: don't run them before the first mutant")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *pattern, *every, *timeout, *width, *tested); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, pattern string, every int, timeout time.Duration, width int, tested bool) error {
	ms, err := selected(pattern, every)
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)

	l := lab{tmp: tmp, timeout: timeout}
	if !tested {
		if err := l.healthy(ctx, ms); err != nil {
			return err
		}
	}
	start := time.Now()
	bad := 0
	for v := range l.judgeAll(ctx, ms, width) {
		fmt.Println(v)
		if !v.killed() {
			bad++
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	fmt.Printf("%d mutants, %d killed, %v\n", len(ms), len(ms)-bad, time.Since(start).Round(time.Second))
	if bad > 0 {
		return fmt.Errorf("%d of %d mutants were not killed", bad, len(ms))
	}
	return nil
}

// selected returns each n-th of the mutants that match.
func selected(pattern string, every int) ([]mutant, error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, err
	}
	all, err := mutants()
	if err != nil {
		return nil, err
	}
	var ms []mutant
	for _, m := range all {
		if re.MatchString(m.rule + " " + m.name + " " + m.file) {
			ms = append(ms, m)
		}
	}
	if len(ms) == 0 || every < 1 {
		return nil, errors.New("none selected")
	}
	var sample []mutant
	for i := 0; i < len(ms); i += every {
		sample = append(sample, ms[i])
	}
	return sample, nil
}

// judgeAll sends the verdicts as they come.
func (l lab) judgeAll(ctx context.Context, ms []mutant, width int) <-chan verdict {
	todo, verdicts := make(chan int), make(chan verdict)
	var workers sync.WaitGroup
	for range width {
		workers.Go(func() {
			for i := range todo {
				verdicts <- l.judge(ctx, i, ms[i])
			}
		})
	}
	go func() {
		for i := range ms {
			todo <- i
		}
		close(todo)
		workers.Wait()
		close(verdicts)
	}()
	return verdicts
}
