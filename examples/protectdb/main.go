// Command protectdb is a burst of orders before a database that bears one connection, or
// four: they are queued without duplicates, and drained at the rate that it bears.
//
//	go run ./examples/protectdb                                        # a SQLite file with one connection
//	go run ./examples/protectdb -db mysql://root:secret@127.0.0.1:3306/   # MariaDB, an account with four
//	go run ./examples/protectdb -help
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
	"syscall"
	"time"

	_ "github.com/leat-go/leat/backends/memory" // opens memory://
	_ "github.com/leat-go/leat/backends/sqlite" // opens sqlite://
)

// flags are what a person may choose.
type flags struct {
	queue, db string
	hits      int
	within    time.Duration
	bare      bool
	json      bool
}

func parse(args []string, out io.Writer) (f flags, err error) {
	set := flag.NewFlagSet("protectdb", flag.ContinueOnError)
	set.SetOutput(out)
	set.StringVar(&f.queue, "queue", "memory://?queue=orders", "`URL` of the queue: memory:// or sqlite://")
	set.StringVar(&f.db, "db", "", "`URL` of a server for the shop, mysql://user:password@host:port/ or postgres://… (default a new SQLite file)")
	set.IntVar(&f.hits, "hits", 2000, "`n` hits in the burst, duplicates and poison among them")
	set.DurationVar(&f.within, "within", 2*time.Minute, "the time to drain them")
	set.BoolVar(&f.bare, "bare", false, "without the cap: what the database would see")
	set.BoolVar(&f.json, "json", false, "sum up in one line of JSON")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	switch {
	case set.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", set.Arg(0))
	case f.hits < 1 || f.hits > 1_000_000:
		err = fmt.Errorf("-hits is from 1 to 1,000,000")
	case f.within <= 0:
		err = fmt.Errorf("-within is above 0")
	}
	return f, err
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	f, err := parse(os.Args[1:], os.Stderr)
	if err == flag.ErrHelp {
		return
	}
	if err == nil {
		err = run(ctx, f, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "protectdb:", err)
		os.Exit(1)
	}
}
