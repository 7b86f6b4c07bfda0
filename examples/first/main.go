// Command first shows the contract at work, on memory: one tenant floods the
// queue, two others ask for little and don't wait; a job that fails is retried;
// a poisonous one becomes a dead letter and is redriven; a newer what-if takes
// the place of an older one.
//
//	go run ./examples/first
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/leat-go/leat/backends"
	_ "github.com/leat-go/leat/backends/memory"
)

func main() {
	url := flag.String("url", "memory://?queue=whatif", "where the jobs live")
	flood := flag.Int("flood", 1000, "jobs of the tenant that floods")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	b, err := backends.Open(ctx, *url)
	if err != nil {
		log.Fatal(err)
	}
	defer b.Close()
	if err := run(ctx, b, *flood); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, b backends.Backend, flood int) error {
	p := &pool{Backend: b, total: flood + 8, broken: true, done: map[string]int{}}
	if err := enqueue(ctx, b, flood); err != nil {
		return err
	}
	if err := p.work(ctx, 4); err != nil {
		return err
	}
	fmt.Printf("%d jobs of alpha were first in the queue. The last of the others was done as number:\n", flood)
	fmt.Printf("  beta  %4d\n  gamma %4d\n", p.done["beta"], p.done["gamma"])
	return p.redrive(ctx)
}

// enqueue asks for a flood by alpha, three jobs each by beta and gamma, one that
// fails, and two what-ifs of one screen, of which only the newer matters.
func enqueue(ctx context.Context, b backends.Backend, flood int) error {
	var jobs []backends.Job
	add := func(tenant, id string) *backends.Job {
		jobs = append(jobs, backends.Job{Ref: backends.Ref{Tenant: tenant, ID: id}, Kind: "optimise"})
		return &jobs[len(jobs)-1]
	}
	for i := range flood {
		add("alpha", fmt.Sprintf("alpha-%d", i))
	}
	for i := range 3 {
		add("beta", fmt.Sprintf("beta-%d", i))
		add("gamma", fmt.Sprintf("gamma-%d", i))
	}
	add("delta", "poison").MaxAttempts = 3
	add("delta", "screen-9/older").Supersede = "screen-9"
	add("delta", "screen-9/newer").Supersede = "screen-9"

	out, err := b.Enqueue(ctx, backends.EnqueueRequest{Queue: "whatif", Jobs: jobs})
	for _, o := range out {
		err = errors.Join(err, o.Err)
	}
	return err
}

// pool runs jobs until all that are expected are done.
type pool struct {
	backends.Backend
	total  int
	broken bool // the supplier that the poisonous job asks

	mu   sync.Mutex
	n    int            // jobs done so far
	done map[string]int // by tenant: when its last job was done
}

var errSupplier = errors.New("the supplier answers 500")

// work runs n workers.
func (p *pool) work(ctx context.Context, n int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			for {
				leases, err := p.Claim(ctx, backends.ClaimRequest{Queue: "whatif", Max: 1, Lease: 10 * time.Second})
				if err != nil {
					return // the context has ended
				}
				for _, l := range leases {
					if err := p.attempt(ctx, l); err != nil {
						log.Print(err)
					}
				}
				if p.finished() {
					cancel()
				}
			}
		})
	}
	wg.Wait()
	return nil
}

// attempt runs the job once and settles what came of it.
func (p *pool) attempt(ctx context.Context, l *backends.Lease) error {
	s := backends.Settlement{Lease: l, Verb: backends.Commit, Outcome: backends.Succeeded}
	if err := p.optimise(l.Job); err != nil {
		fmt.Printf("attempt %d of %s: %v\n", l.Attempt, l.Job.ID, err)
		s = backends.Settlement{Lease: l, Verb: backends.Retry, Error: err.Error(), Delay: 10 * time.Millisecond}
		if l.Attempt >= int(l.Job.MaxAttempts) {
			s = backends.Settlement{Lease: l, Verb: backends.Commit, Outcome: backends.Dead, Error: err.Error(), Reason: "gave up"}
		}
	}
	errs, err := p.Settle(context.WithoutCancel(ctx), []backends.Settlement{s})
	if err == nil && len(errs) > 0 {
		err = errs[0]
	}
	if err == nil && s.Verb == backends.Commit {
		p.count(l.Job.Tenant)
	}
	return err
}

// optimise stands for an expensive computation.
func (p *pool) optimise(j *backends.Job) error {
	if p.broken && j.ID == "poison" {
		return errSupplier
	}
	return nil
}

func (p *pool) count(tenant string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n++
	p.done[tenant] = p.n
}

// finished reports whether all have ended; the older what-if never ran.
func (p *pool) finished() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.n >= p.total
}

// redrive lists the dead letters and gives them another life, now that the
// supplier is well again.
func (p *pool) redrive(ctx context.Context) error {
	op, ok := backends.As[backends.Operator](p.Backend)
	if !ok {
		return errors.ErrUnsupported
	}
	dead, err := op.List(ctx, backends.ListRequest{Queue: "whatif", AnyTenant: true, State: backends.Dead})
	if err != nil {
		return err
	}
	for _, r := range dead.Records {
		fmt.Printf("dead letter %s: %s, after %d attempts; redriven\n", r.Job.ID, r.Reason, r.Attempt)
		_, err = op.Redrive(ctx, []backends.Redrive{{Ref: r.Job.Ref, Generation: r.Generation}})
		if err != nil {
			return err
		}
	}
	p.broken, p.total = false, p.total+len(dead.Records)
	if err := p.work(ctx, 1); err != nil {
		return err
	}
	for _, id := range []string{"poison", "screen-9/older", "screen-9/newer"} {
		r, err := p.Lookup(ctx, backends.Ref{Tenant: "delta", ID: id}, 0)
		if err != nil {
			return err
		}
		fmt.Printf("%-15s %v\n", id, r.State)
	}
	return nil
}
