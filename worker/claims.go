package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/queue"
)

// Claim is one job in the hands of a loop over Claims.
type Claim[T, R any] struct {
	*queue.Job[T]

	w    *Worker[T, R]
	a    *attempt
	over bool
}

// Claims leases jobs one at a time, for programs that are a loop and not a worker:
//
//	for c, err := range worker.Claims(ctx, q) {
//		if err != nil {
//			return err
//		}
//		plan, err := optimise(c.Context(), c.Args)
//		if err != nil {
//			err = c.Fail(ctx, err)
//		} else {
//			err = c.Done(ctx, plan)
//		}
//		…
//	}
//
// While the body runs the lease is renewed. A claim that is neither done nor failed
// at the next turn, at a break or in a panic is released: no attempt is used. The
// loop ends when ctx ends; an error ends it, too. Loops may run side by side.
func Claims[T, R any](ctx context.Context, q *queue.Queue[T, R]) iter.Seq2[*Claim[T, R], error] {
	return New(q, Handler[T, R](nil)).Claims(ctx)
}

// Claims is the package's Claims with the fields of w: Lease, Beat, RunLimit,
// Backoff, Grace. Its handler, Concurrency, Limiter and AfterSuccess don't count: New(q, nil)
// will do. Its Health and its Probes are those of the newest loop.
func (w *Worker[T, R]) Claims(ctx context.Context) iter.Seq2[*Claim[T, R], error] {
	return func(yield func(*Claim[T, R], error) bool) {
		if err := w.claims(ctx, func(c *Claim[T, R]) bool { return yield(c, nil) }); err != nil {
			yield(nil, err)
		}
	}
}

func (w *Worker[T, R]) claims(ctx context.Context, yield func(*Claim[T, R]) bool) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	single := *w
	single.Concurrency, single.Limiter, single.AfterSuccess = 1, nil, nil
	e, err := newEngine(ctx, &single.Pool, nil, []Kind{looped[T, R]{&single}})
	if err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	e.own, e.slots.started = true, 1
	ended := make(chan error, 1)
	go func() {
		ended <- e.run(ctx)
		close(ended)
	}()
	// The loop's own goroutine is the slot. However the body ends, what it holds is
	// handed in before the engine is waited for.
	var a *attempt
	defer func() {
		stop()
		if a != nil {
			e.slots.leave(a)
		}
		<-ended
	}()
	for a = e.slots.next(nil); a != nil; a = e.slots.next(a) {
		if more := w.turn(a, yield); !more {
			return nil
		}
	}
	return <-ended
}

// turn gives one job to the body of the loop.
func (w *Worker[T, R]) turn(a *attempt, yield func(*Claim[T, R]) bool) (more bool) {
	a.ctx = a.e.watch.begin(a)
	a.write = backends.Settlement{Verb: backends.Release} // unless the body says otherwise
	job, err := load[T](a.ctx, a)
	if err != nil {
		a.decide(verdict{err: err})
		return true
	}
	c := &Claim[T, R]{Job: job, w: w, a: a}
	defer c.end()
	return yield(c)
}

// end is that of its turn.
func (c *Claim[T, R]) end() {
	if !c.over {
		c.over = true
		c.a.e.watch.decided(c.a, verdict{err: errUnsettled})
	}
}

// Context ends when the claim should: see [Handler].
func (c *Claim[T, R]) Context() context.Context { return c.a.ctx }

// Done commits the result. ErrLost, ErrCancelled and ErrSuperseded say that it was
// not taken. When ctx ends it still waits a moment for the answer, so that ctx may be
// the loop's: the outcome is written in any case.
func (c *Claim[T, R]) Done(ctx context.Context, result R) error {
	if c.over {
		return errClaimOver
	}
	c.a.returned.Store(true)
	v := c.w.packed(c.a.ctx, c.a.kind.Queue, c.a, result)
	err := c.settle(ctx, v)
	if err == nil {
		err = v.err // it became a dead letter, say: the result could not be encoded
	}
	return failed("done", err)
}

// Fail ends the attempt as a handler's error would: retry, or dead letter.
func (c *Claim[T, R]) Fail(ctx context.Context, err error) error {
	if c.over {
		return errClaimOver
	}
	if err == nil {
		err = errors.New("failed, for no reason given")
	}
	return failed("fail", c.settle(ctx, verdict{err: err}))
}

func failed(verb string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("worker: %s: %w", verb, err)
}

// settle writes the verdict through the settle loop, and waits for the answer.
func (c *Claim[T, R]) settle(ctx context.Context, v verdict) error {
	c.over = true
	c.a.decide(v)
	answer, stopped := c.a.ask(), c.a.e.life.Done()
	select {
	case err := <-answer:
		return err
	case <-stopped:
	case <-ctx.Done():
		patience := time.NewTimer(lastSettle)
		defer patience.Stop()
		select {
		case err := <-answer:
			return err
		case <-stopped:
		case <-patience.C:
		}
	}
	select {
	case err := <-answer:
		return err
	default:
		return fmt.Errorf("the outcome is unknown: %w", cmp.Or(ctx.Err(), ErrStopping))
	}
}

var (
	errUnsettled = errors.New("worker: the loop went on without settling the job")
	errClaimOver = errors.New("worker: the claim was settled before, or its turn is over")
)

// looped makes the kind of a Worker whose handler is the body of a loop.
type looped[T, R any] struct{ *Worker[T, R] }

func (l looped[T, R]) kind() (*kind, error) { return l.Worker.newKind() }

// ask has the settle loop write what was decided now, and gives the answer.
func (a *attempt) ask() <-chan error {
	a.e.mu.Lock()
	defer a.e.unlock()
	answer := make(chan error, 1)
	a.reply = answer
	a.handedIn = true
	a.end = time.Time{} // the body may go on
	a.commit()
	return answer
}

// answer tells Claims what the store said.
func (a *attempt) answer(err error) {
	if a.reply != nil {
		a.reply <- err
		a.reply = nil
	}
}
