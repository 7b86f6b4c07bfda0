// Command decoupled shows how a request lets go of an expensive computation: the caller is
// answered at once, and polls, waits or streams until it is done. It starts a portal,
// plays a cast of callers against it over HTTP, and counts what became of every promise.
//
//	go run ./examples/decoupled                          # ten seconds, in memory
//	go run ./examples/decoupled -serve localhost:8080    # a portal for your browser, until ^C
//	go run ./examples/decoupled -help
//
// README.md tells what to look at.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// flags are what a person may choose.
type flags struct {
	queue, serve string
	pace         time.Duration
	workers      int
	watchers     int
	json         bool
}

func parse(args []string, out io.Writer) (f flags, err error) {
	set := flag.NewFlagSet("decoupled", flag.ContinueOnError)
	set.SetOutput(out)
	set.StringVar(&f.queue, "queue", "memory://?queue=plans", "`URL` of the queue: memory:// or sqlite://")
	set.StringVar(&f.serve, "serve", "", "play nothing, and serve the portal on this `address` until ^C: localhost:8080, say")
	set.DurationVar(&f.pace, "pace", 400*time.Millisecond, "how long a product takes beside its computation, so that people can watch")
	set.IntVar(&f.workers, "workers", 4, "`n` questions at a time")
	set.IntVar(&f.watchers, "watchers", 20, "`n` callers who stream one job each")
	set.BoolVar(&f.json, "json", false, "sum up in one line of JSON")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	switch {
	case set.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", set.Arg(0))
	case f.pace < 0 || f.workers < 1 || f.watchers < 0:
		err = errors.New("-pace and -watchers are at least 0, -workers at least 1")
	case f.serve != "" && f.json:
		err = errors.New("-serve has nothing to sum up")
	}
	return f, err
}

// run plays the story, or serves. out is for the summary, live for what happens.
func run(ctx context.Context, f flags, out, live io.Writer) (err error) {
	s, err := newService(ctx, f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if f.serve == "" {
		if err := s.callBack(ctx, f.queue); err != nil {
			return err
		}
	}
	address := f.serve
	if address == "" {
		address = "localhost:0"
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	if f.serve != "" {
		fmt.Fprintf(out, "the portal is at http://%s ; ^C stops it\n", l.Addr())
		return s.run(ctx, l)
	}
	serving, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- s.run(serving, l) }()
	err = s.play(ctx, f, "http://"+l.Addr().String(), newTransport(), out, live)
	stop()
	return errors.Join(err, <-done)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	f, err := parse(os.Args[1:], os.Stderr)
	if err == flag.ErrHelp {
		return
	}
	if err == nil {
		err = run(ctx, f, os.Stdout, os.Stderr)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "decoupled:", err)
		os.Exit(1)
	}
}
