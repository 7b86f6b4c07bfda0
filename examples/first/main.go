// Command first shows a queue at work: one tenant floods it, two others ask for
// little and don't wait; a job whose supplier is down is retried, becomes a dead
// letter, and is redriven when the supplier is back; a newer what-if takes the
// place of an older one.
//
//	go run ./examples/first
//	go run ./examples/first -flood 100000 -workers 100
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync/atomic"
	"time"

	_ "github.com/leat-go/leat/backends/memory" // opens memory://
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result"
	"github.com/leat-go/leat/worker"
)

// Settings is what a partner asks for, Plan what it gets.
type (
	Settings struct{ SKU string }
	Plan     struct{ Place int } // as which job of all it was done
)

func main() {
	url := flag.String("url", "memory://?queue=whatif", "where the jobs live")
	flood := flag.Int("flood", 1000, "jobs of the tenant that floods")
	workers := flag.Int("workers", 4, "handlers at a time")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	q, err := queue.Open[Settings, Plan](ctx, *url)
	if err == nil {
		err = run(ctx, os.Stdout, q, *flood, *workers)
		err = errors.Join(err, q.Close())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "first:", err)
		os.Exit(1)
	}
}

// supplier is what the optimiser asks; it is down at first.
type supplier struct {
	up   atomic.Bool
	done atomic.Int64
}

var errSupplier = errors.New("the supplier answers 500")

func (s *supplier) optimise(ctx context.Context, job *queue.Job[Settings]) (Plan, error) {
	if job.Args.SKU == "needs the supplier" && !s.up.Load() {
		return Plan{}, errSupplier
	}
	return Plan{Place: int(s.done.Add(1))}, nil
}

func run(ctx context.Context, out io.Writer, q *queue.Queue[Settings, Plan], flood, workers int) error {
	var s supplier
	w := worker.New(q, s.optimise)
	w.Concurrency = workers
	w.Backoff = worker.Exponential(10*time.Millisecond, time.Second)
	w.Logger = slog.New(slog.DiscardHandler) // the failures below are meant

	beta, err := enqueue(ctx, q, flood)
	if err != nil {
		return err
	}
	needy, err := q.Enqueue(ctx, Settings{"needs the supplier"}, queue.Tenant("delta"), queue.MaxAttempts(3))
	if err != nil {
		return err
	}
	older, err := q.Enqueue(ctx, Settings{"22423"}, queue.Tenant("delta"), queue.Supersede("screen 9"))
	if err != nil {
		return err
	}
	newer, err := q.Enqueue(ctx, Settings{"22424"}, queue.Tenant("delta"), queue.Supersede("screen 9"))
	if err != nil {
		return err
	}

	working, stop := context.WithCancel(ctx)
	defer stop()
	drained := make(chan error, 1)
	go func() { drained <- worker.Run(working, w) }()

	plan, err := result.Wait(ctx, q, beta)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "fair turns:   %d jobs of alpha stood first; beta's last of three was done as number %d\n", flood, plan.Place)

	_, err = result.Wait(ctx, q, older.Ref)
	fmt.Fprintf(out, "superseded:   %v\n", kindOf(err))
	if _, err = result.Wait(ctx, q, newer.Ref); err != nil {
		return err
	}
	_, err = result.Wait(ctx, q, needy.Ref)
	fmt.Fprintf(out, "dead letter:  %v\n", kindOf(err))

	s.up.Store(true)
	for letter, err := range q.DeadLetters(ctx) {
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "its failures: %d × %q\n", len(letter.Failures), letter.Failures[0].Text)
		if err := q.Redrive(ctx, letter); err != nil {
			return err
		}
	}
	if _, err = result.Wait(ctx, q, needy.Ref); err != nil {
		return err
	}
	fmt.Fprintln(out, "redriven:     and it succeeded")

	stop()
	return <-drained
}

// enqueue asks for a flood by alpha and three jobs by beta, and returns beta's last.
func enqueue(ctx context.Context, q *queue.Queue[Settings, Plan], flood int) (queue.Ref, error) {
	var items []queue.Item[Settings]
	for range flood {
		items = append(items, queue.With(Settings{"85123A"}, queue.Tenant("alpha")))
	}
	for range 3 {
		items = append(items, queue.With(Settings{"47566"}, queue.Tenant("beta")))
	}
	outcomes, err := q.EnqueueAll(ctx, items)
	return outcomes[len(outcomes)-1].Ref, err
}

// kindOf is how a job ended that has no result.
func kindOf(err error) string {
	var ended *result.EndedError
	if errors.As(err, &ended) {
		return fmt.Sprintf("%v, after %d attempts: %s", ended.State, ended.Attempts, ended.Reason)
	}
	return fmt.Sprint(err)
}
