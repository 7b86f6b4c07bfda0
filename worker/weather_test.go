package worker_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/backendtest/verdict"
	"github.com/leat-go/leat/internal/plant"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// What goes wrong in a storm, beside what is done to its processes: calls to the
// store, handlers, the topic, write-backs.

// faults: a few calls of each verb, in each way.
func (s *storm) faults(process string) []backendtest.Fault {
	verbs := []backendtest.Verb{
		backendtest.Enqueue, backendtest.Claim, backendtest.Extend, backendtest.Settle, backendtest.Lookup,
		backendtest.CellGet, backendtest.CellPut, backendtest.Cancel, backendtest.Redrive,
	}
	salt := plant.Dice(s.seed, 2, uint64(len(process)), uint64(process[len(process)-1])).Uint64()
	var faults []backendtest.Fault
	for i, v := range verbs {
		if s.mild && v == backendtest.Claim {
			faults = append(faults, backendtest.Fault{Verb: v, When: backendtest.Before, Rate: backendtest.Share(0.1, salt)})
			continue
		}
		if s.mild && v == backendtest.Extend { // four that fail in a row are a lease
			faults = append(faults, backendtest.Fault{Verb: v, When: backendtest.After, Rate: backendtest.Share(0.01, salt)})
			continue
		}
		rate := func(share float64, n int) backendtest.Rate { return backendtest.Share(share, salt^uint64(16*i+n)) }
		faults = append(
			faults,
			backendtest.Fault{Verb: v, When: backendtest.Before, Rate: rate(0.04, 1)},
			backendtest.Fault{Verb: v, When: backendtest.After, Rate: rate(0.05, 2)},
			backendtest.Fault{Verb: v, Kind: backendtest.Repeat, Rate: rate(0.05, 3)},
			backendtest.Fault{Verb: v, Kind: backendtest.Delay, When: backendtest.Before, Delay: 300 * time.Millisecond, Rate: rate(0.04, 4)},
			backendtest.Fault{Verb: v, Kind: backendtest.Delay, When: backendtest.After, Delay: s.hang, Rate: rate(0.004, 5)},
		)
	}
	return faults
}

// handle runs a handler. In a mild storm a job whose handler has succeeded must not
// run again.
func (s *storm) handle(ctx context.Context, p *plant.Process, j *plant.Job) (plant.Result, error) {
	life := [2]int64{int64(j.Args.N), j.Generation}
	if _, again := s.succeeded.Load(life); again && s.mild {
		s.Witness.Bad(verdict.Duplicated, "job %d had succeeded, and token %d runs it again", j.Args.N, j.Token)
	}
	r, err := s.attempt(ctx, p, j)
	if err == nil {
		s.succeeded.Store(life, true)
	}
	return r, err
}

// attempt does what may be done in a handler.
func (s *storm) attempt(ctx context.Context, p *plant.Process, j *plant.Job) (plant.Result, error) {
	if !s.stormy.Load() {
		return p.Result(j), nil
	}
	d := plant.Dice(s.seed, 3, uint64(j.Args.N), j.Token)
	switch n := d.IntN(60); {
	case n < 4, n < 40 && j.Args.N%12 == 0:
		return plant.Result{}, errors.New("no luck")
	case n == 4:
		panic("a bug of the handler")
	case n == 5:
		runtime.Goexit()
	case n == 6:
		return plant.Result{}, worker.Permanent(errors.New("hopeless"))
	case n == 7:
		return plant.Result{}, worker.Snooze(upTo(d, 10*time.Second))
	case n == 8:
		return plant.Result{}, worker.RetryAfter(upTo(d, 10*time.Second), errors.New("slow down"))
	case n < 12: // does what its context says
		for range 1 + d.IntN(30) {
			j.Progress(float64(d.IntN(100)), "on the way")
			if err := s.wait(ctx, time.Second); err != nil {
				return plant.Result{}, err
			}
		}
	case n < 14: // doesn't care
		time.Sleep(upTo(d, s.careless))
	case n == 14 && d.IntN(8) == 0 && !s.mild:
		s.Never()
	case n < 18 && !s.mild: // where the reply gets lost, the lease may have to lapse
		if err := p.Queue.Complete(ctx, j, p.Result(j)); err != nil {
			return plant.Result{}, err
		}
		return p.Result(j), worker.Settled
	case n < 40:
		time.Sleep(upTo(d, 4*time.Second))
	}
	return p.Result(j), nil
}

// wait is a handler's that minds its context, whose end must have a cause.
func (s *storm) wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
	}
	cause := context.Cause(ctx)
	known := []error{
		worker.ErrRunLimit, worker.ErrDeadline, worker.ErrStopping, queue.ErrLost, queue.ErrCancelled, queue.ErrSuperseded,
	}
	if !slices.Contains(known, cause) {
		s.Witness.Bad(verdict.Wrong, "a handler's context ended with the cause %v", cause)
	}
	return cause
}

// announce is a topic that fails now and then, before or after it has delivered.
func (s *storm) announce(ctx context.Context, _ *plant.Process, events []queue.Event, deliver func(queue.Event)) []error {
	errs := make([]error, len(events))
	switch {
	case s.early:
		time.AfterFunc(time.Second, func() { deliverAll(events, deliver) })
		return nil
	case !s.stormy.Load():
		deliverAll(events, deliver)
		return errs
	}
	n := rand.IntN(40)
	for i, e := range events {
		if n == 0 || n == 1 && i%2 == 0 {
			errs[i] = errors.New("the topic is away")
			continue
		}
		deliver(e)
	}
	switch n {
	case 2:
		panic("a bug of the announcer")
	case 3:
		return errs[1:]
	case 4:
		<-ctx.Done()
		return slices.Repeat([]error{ctx.Err()}, len(events))
	case 5:
		select {
		case <-time.After(5 * time.Second):
		case <-ctx.Done():
		}
	case 6:
		return slices.Repeat([]error{errors.New("the acknowledgement got lost")}, len(events))
	}
	return errs
}

func deliverAll(events []queue.Event, deliver func(queue.Event)) {
	for _, e := range events {
		deliver(e)
	}
}

func (s *storm) writeBack(ctx context.Context, _ *plant.Process, j *plant.Job, write func()) error {
	if !s.stormy.Load() {
		write()
		return nil
	}
	switch d := plant.Dice(s.seed, 4, uint64(j.Args.N), j.Token, rand.Uint64N(2)); d.IntN(40) {
	case 0:
		return errors.New("the offline store is away")
	case 1:
		write()
		return errors.New("the acknowledgement got lost")
	case 2:
		panic("a bug of the write-back")
	case 3:
		runtime.Goexit()
	case 4:
		time.Sleep(upTo(d, s.careless/10))
	case 5:
		return s.wait(ctx, 50*time.Second)
	}
	write()
	return nil
}
