package plant

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// Process is one program that works the queue. It can be stopped, frozen and
// killed.
type Process struct {
	Name   string
	Worker *Worker
	Queue  *Queue
	Faults *backendtest.Faulty

	plant *Plant
	life  context.Context // ends with Kill
	die   context.CancelFunc
	stop  context.CancelFunc
	over  chan struct{} // Run has returned
	err   error

	mu      sync.Mutex
	thaw    chan struct{} // not nil = frozen until it is closed
	stopped time.Time
	ended   time.Time
}

// Start starts a process. edit changes its worker first.
func (pl *Plant) Start(edit ...func(w *Worker)) *Process {
	p := &Process{plant: pl, over: make(chan struct{})}
	pl.mu.Lock()
	pl.processes = append(pl.processes, p)
	p.Name = "process " + strconv.Itoa(len(pl.processes))
	pl.mu.Unlock()

	p.life, p.die = context.WithCancel(context.Background())
	p.Faults = backendtest.NewFaulty(pl.ledger, pl.o.Faults(p.Name)...)
	p.Queue = queue.New[Args, Result](&line{pl.o.Way(p, p.Faults), p}, Name)
	p.Queue.Bucket = pl.Bucket
	pl.o.Queue(p.Queue)
	p.Queue.Announce = outlet{p}
	p.Worker = worker.New(p.Queue, p.handle)
	p.Worker.Logger, p.Worker.LogErrors = quiet, true
	p.Worker.AfterSuccess = p.writeBack
	pl.o.Worker(p.Worker)
	for _, f := range edit {
		f(p.Worker)
	}
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	go func() {
		p.err = worker.Run(ctx, p.Worker)
		p.mu.Lock()
		p.ended = time.Now()
		p.mu.Unlock()
		close(p.over)
	}()
	return p
}

// Stop is SIGTERM: the worker drains.
func (p *Process) Stop() {
	p.mu.Lock()
	if p.stopped.IsZero() {
		p.stopped = time.Now()
	}
	p.mu.Unlock()
	p.stop()
}

// Wait waits for the end of Run and returns its error.
func (p *Process) Wait() error {
	<-p.over
	return p.err
}

// Took is how long it took from Stop to the end of Run.
func (p *Process) Took() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended.Sub(p.stopped)
}

// Kill is kill -9: from now on nothing that the process does has an effect, and
// its handlers never return.
func (p *Process) Kill() {
	p.die()
	p.stop()
}

// Freeze is SIGSTOP: whatever the process does waits for Thaw, which is SIGCONT.
// What was on its way to the store gets there; the answer waits.
func (p *Process) Freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.thaw == nil {
		p.thaw = make(chan struct{})
	}
}

// Thaw ends Freeze.
func (p *Process) Thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.thaw != nil {
		close(p.thaw)
		p.thaw = nil
	}
}

// Never is the plant's.
func (p *Process) Never() { p.plant.Never() }

// Start starts another process, as a supervisor would.
func (p *Process) Start() *Process { return p.plant.Start() }

// Dead reports whether it was killed.
func (p *Process) Dead() bool { return p.life.Err() != nil }

// pass waits while the process is frozen, and fails if it is dead.
func (p *Process) pass() error {
	for {
		p.mu.Lock()
		thaw := p.thaw
		p.mu.Unlock()
		if thaw == nil {
			break
		}
		select {
		case <-thaw:
		case <-p.life.Done():
		}
		if p.Dead() {
			break
		}
	}
	if p.Dead() {
		return errKilled
	}
	return nil
}

var errKilled = errors.New("the process was killed")

// code runs something of the user's inside the process: it doesn't return to a
// dead one.
func (p *Process) code(f func()) {
	p.plant.users.Add(1)
	defer p.plant.users.Done()
	defer func() {
		if p.pass() != nil {
			p.plant.Never()
		}
	}()
	f()
}

func (p *Process) handle(ctx context.Context, j *Job) (r Result, err error) {
	p.code(func() {
		p.plant.Witness.began(p, j)
		r, err = p.plant.o.Handle(ctx, p, j)
	})
	return r, err
}

// Result is what this attempt computes. A handler makes it before it succeeds.
func (p *Process) Result(j *Job) Result {
	r := Result{N: j.Args.N, Generation: j.Generation, Token: j.Token, Ballast: j.Args.Ballast}
	p.plant.Witness.computed(j, r)
	return r
}

func (p *Process) writeBack(ctx context.Context, j *Job, r Result) (err error) {
	p.code(func() {
		err = p.plant.o.WriteBack(ctx, p, j, func() {
			if !p.Dead() {
				p.plant.Witness.wroteBack(j, r)
			}
		})
	})
	return err
}

// outlet is a process's way to the topic.
type outlet struct{ p *Process }

// Announce hands over a copy, and takes back what the contract allows.
func (o outlet) Announce(ctx context.Context, events []queue.Event) (errs []error) {
	o.p.code(func() {
		errs = o.p.plant.o.Announce(ctx, o.p, slices.Clone(events), func(e queue.Event) {
			if !o.p.Dead() {
				o.p.plant.Witness.heard(e)
			}
		})
	})
	return errs
}

// line is a process's connection to the store.
type line struct {
	backends.Backend
	p *Process
}

// through makes a call while the process lives and isn't frozen.
func through[T any](ctx context.Context, p *Process, call func(context.Context) (T, error)) (T, error) {
	var none T
	if err := p.pass(); err != nil {
		return none, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(p.life, cancel)()
	out, err := call(ctx)
	if lost := p.pass(); lost != nil {
		return none, lost
	}
	return out, err
}

func (l *line) Unwrap() backends.Backend { return l.Backend }

func (l *line) Enqueue(ctx context.Context, req backends.EnqueueRequest) ([]backends.Enqueued, error) {
	return through(ctx, l.p, func(ctx context.Context) ([]backends.Enqueued, error) { return l.Backend.Enqueue(ctx, req) })
}

func (l *line) Claim(ctx context.Context, req backends.ClaimRequest) ([]*backends.Lease, error) {
	return through(ctx, l.p, func(ctx context.Context) ([]*backends.Lease, error) { return l.Backend.Claim(ctx, req) })
}

func (l *line) Extend(ctx context.Context, d time.Duration, beats []backends.Beat) ([]error, error) {
	return through(ctx, l.p, func(ctx context.Context) ([]error, error) { return l.Backend.Extend(ctx, d, beats) })
}

func (l *line) Settle(ctx context.Context, ss []backends.Settlement) ([]error, error) {
	return through(ctx, l.p, func(ctx context.Context) ([]error, error) { return l.Backend.Settle(ctx, ss) })
}

func (l *line) Lookup(ctx context.Context, ref backends.Ref, since uint64) (*backends.Record, error) {
	return through(ctx, l.p, func(ctx context.Context) (*backends.Record, error) { return l.Backend.Lookup(ctx, ref, since) })
}

func (p *Process) String() string { return fmt.Sprintf("%s (dead: %v)", p.Name, p.Dead()) }
