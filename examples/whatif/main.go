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
)

// flags are what a person may choose.
type flags struct {
	queue, results, ready string
	demand, arrivals      string
	speed                 float64
	partners, workers     int
	daily, serve, json    bool
	quiet, work           bool
}

func parse(args []string, out io.Writer) (f flags, err error) {
	set := flag.NewFlagSet("whatif", flag.ContinueOnError)
	set.SetOutput(out)
	set.StringVar(&f.queue, "queue", "memory://?queue=whatif", "`URL` of the queue")
	set.StringVar(&f.results, "results", "", "`URL` of the bucket for results, charts and accepted settings: file:///dir, mem://, or another of gocloud.dev (default a new temporary folder)")
	set.StringVar(&f.ready, "ready", "mem://ready", "`URL` of the topic for ready events; with TOPIC,SUBSCRIPTION where they differ")
	set.StringVar(&f.demand, "demand", "", "CSV `file` of weekly demand (default a synthetic sample)")
	set.StringVar(&f.arrivals, "arrivals", "", "CSV `file` of arrivals (default a synthetic sample)")
	set.Float64Var(&f.speed, "speed", 0, "how many times faster than the arrivals' clock (default: they take 7 seconds, real ones 25)")
	set.IntVar(&f.partners, "partners", 0, "the `n` partners with the most arrivals (default all; of the sample: 6)")
	set.IntVar(&f.workers, "workers", runtime.GOMAXPROCS(0), "`n` questions at a time; 0 = others work (-work)")
	set.BoolVar(&f.work, "work", false, "only work, until ^C, for a portal elsewhere: on the same -queue, -results, -ready and -demand")
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
	case f.workers == 0 && (f.work || f.daily):
		err = fmt.Errorf("-work and -daily need workers of their own")
	case (f.work || f.workers == 0) && f.elsewhere() != "":
		err = fmt.Errorf("workers in another program need the same -queue, -results and -ready: %s is this program's own", f.elsewhere())
	}
	return f, err
}

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

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	f, err := parse(os.Args[1:], os.Stderr)
	if err == flag.ErrHelp {
		return
	}
	switch {
	case err != nil:
	case f.work:
		err = work(ctx, f)
	default:
		err = run(ctx, f, os.Stdout, os.Stderr)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "whatif:", err)
		os.Exit(1)
	}
}
