// Command whatif is the story that Leat was made for: partners change inventory
// settings on the screens of a portal, and every change runs an expensive optimiser.
//
//	go run ./examples/whatif            # ten seconds, in memory, on a synthetic sample
//	go run ./examples/whatif -serve     # then go on, as a portal for a browser
//	go run ./examples/whatif -help
//
// README.md tells what to look at.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// flags are what a person may choose.
type flags struct {
	queue, results, ready string
	demand, arrivals      string
	portal, visit         string
	speed                 float64
	lease                 time.Duration
	partners, workers     int
	daily, serve, json    bool
	quiet, work           bool
}

func parse(args []string, out io.Writer) (f flags, err error) {
	set := flag.NewFlagSet("whatif", flag.ContinueOnError)
	set.SetOutput(out)
	set.StringVar(&f.queue, "queue", "memory://?queue=whatif", "`URL` of the queue")
	set.StringVar(&f.results, "results", "", "`URL` of the bucket for results, charts and accepted settings: file:///dir, mem://, or another of gocloud.dev (default a new temporary folder)")
	set.StringVar(&f.ready, "ready", "mem://ready", "`URL` of the topic for ready events; with TOPIC,SUBSCRIPTION where they differ. queue:NAME = a second queue in the store of -queue")
	set.StringVar(&f.demand, "demand", "", "CSV `file` of weekly demand (default a synthetic sample)")
	set.StringVar(&f.arrivals, "arrivals", "", "CSV `file` of arrivals (default a synthetic sample)")
	set.Float64Var(&f.speed, "speed", 0, "how many times faster than the arrivals' clock (default: they take 7 seconds, real ones 25)")
	set.IntVar(&f.partners, "partners", 0, "the `n` partners with the most arrivals (default all; of the sample: 6)")
	set.IntVar(&f.workers, "workers", runtime.GOMAXPROCS(0), "`n` questions at a time; 0 = others work (-work)")
	set.BoolVar(&f.work, "work", false, "only work, until ^C, for a portal elsewhere: on the same -queue, -results, -ready and -demand")
	set.StringVar(&f.portal, "portal", "", "only serve the portal on this `address`, until ^C, for workers and partners elsewhere")
	set.StringVar(&f.visit, "visit", "", "only be the partners, of the portal at this `URL`")
	set.DurationVar(&f.lease, "lease", 0, "how long the death of a worker goes unnoticed (default 30s)")
	set.BoolVar(&f.daily, "daily", false, "then run tomorrow's batch from the accepted settings")
	set.BoolVar(&f.serve, "serve", false, "then go on serving the portal on localhost:8080, until ^C")
	set.BoolVar(&f.json, "json", false, "sum up in one line of JSON")
	set.BoolVar(&f.quiet, "quiet", false, "leave the largest partner out: what the others would see alone")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	switch {
	case set.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", set.Arg(0))
	case (f.demand == "") != (f.arrivals == ""):
		err = fmt.Errorf("-demand and -arrivals go together: the partners of one are those of the other")
	case f.speed < 0 || f.partners < 0 || f.workers < 0:
		err = fmt.Errorf("-speed, -partners and -workers are at least 0")
	case f.lease < 0:
		err = fmt.Errorf("-lease is at least 0")
	case f.workers == 0 && (f.work || f.daily), f.visit != "" && f.daily:
		err = fmt.Errorf("-work and -daily need workers of their own")
	case f.work && f.portal != "", f.work && f.visit != "", f.portal != "" && f.visit != "":
		err = fmt.Errorf("-work, -portal and -visit are parts of one story: each is a program")
	case f.parted() && f.elsewhere() != "":
		err = fmt.Errorf("the parts of the story need the same -queue, -results and -ready: %s is this program's own", f.elsewhere())
	}
	return f, err
}

// parted reports whether other programs have a part in the story.
func (f flags) parted() bool { return f.work || f.workers == 0 || f.portal != "" || f.visit != "" }

// elsewhere is the flag that names something no other program can reach; "" = none.
func (f flags) elsewhere() string {
	switch {
	case strings.HasPrefix(f.queue, "memory:"):
		return "-queue"
	case f.results == "" || strings.HasPrefix(f.results, "mem:"):
		return "-results"
	case strings.HasPrefix(f.ready, "mem:"):
		return "-ready"
	}
	return ""
}

// play plays the whole story, or this program's part of it.
func (f flags) play(ctx context.Context, out, live io.Writer) error {
	if f.work || f.portal != "" {
		return part(ctx, f)
	}
	return run(ctx, f, out, live)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	f, err := parse(os.Args[1:], os.Stderr)
	if err == flag.ErrHelp {
		return
	}
	if err == nil {
		err = f.play(ctx, os.Stdout, os.Stderr)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "whatif:", err)
		os.Exit(1)
	}
}
