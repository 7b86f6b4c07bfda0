package worker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"github.com/leat-go/leat/backends"
)

// claimLoop leases jobs for the slots that are free, never more (R8), until ctx
// ends. Its error is one that no waiting will mend.
func (e *engine) claimLoop(ctx context.Context) error {
	poll := newPoll(ctx, e.Lease)
	defer poll.stop()
	fails := 0
	for {
		req, ok := e.nextClaim(ctx)
		if !ok {
			return nil
		}
		e.health.asks()
		asking, done := e.untilNear(poll.context(), req)
		leases, err := e.store.Claim(asking, req)
		near := asking.Err() != nil
		done()
		switch {
		case err == nil:
			e.more = len(leases) >= min(req.Max, e.facts.Features.ClaimBatch)
			e.claim(leases, ctx.Err() != nil)
		case ctx.Err() != nil:
			return nil
		case poll.over() && e.answers(ctx): // it waited all the time, and there was nothing
		case near && errors.Is(err, context.Canceled): // and events may be asked for again
		case hopeless(err):
			return fmt.Errorf("worker: claim: %w", err)
		default:
			fails++
			e.watch.claimFailed(err)
			after(ctx, again(fails, e.Lease))
			continue
		}
		fails = 0
		e.health.claimed()
	}
}

// nextClaim waits for a free slot. While there is none for a beat, it asks for what
// can be announced without one: events of workers that have died.
func (e *engine) nextClaim(ctx context.Context) (backends.ClaimRequest, bool) {
	var full *time.Timer // since when no slot is free
	for ctx.Err() == nil {
		e.heed()
		e.mu.Lock()
		n, can := e.freeSlots(), e.canAnnounce()
		e.mu.Unlock()
		if n > 0 {
			n = e.gather(ctx, n)
		}
		if n > 0 && ctx.Err() == nil {
			return e.request(n, can), true
		}
		if full == nil {
			full = time.NewTimer(e.Beat)
			defer full.Stop()
		}
		select {
		case <-e.room:
			runtime.Gosched() // let others finish too: one claim for all of them
		case <-full.C:
			if e.claimEvents(ctx, can) {
				full.Reset(e.Beat)
			}
		case <-ctx.Done():
		}
	}
	return backends.ClaimRequest{}, false
}

// gathering is how long a free slot waits for others, where claims cost money and
// the last one brought as much as it could: there is more, and one request for ten
// costs as much as one for one.
const gathering = 20 * time.Millisecond

// gather waits until three quarters of the slots are free, or as many as a request
// fills, and returns how many are.
func (e *engine) gather(ctx context.Context, n int) int {
	enough := min(e.facts.Features.ClaimBatch, (3*e.pace.limit+3)/4) // this loop alone sets it
	if n >= enough || !e.more {
		return n
	}
	timer := time.NewTimer(gathering)
	defer timer.Stop()
	for over := false; n < enough && !over; {
		select {
		case <-e.room:
			runtime.Gosched()
		case <-timer.C:
			over = true
		case <-ctx.Done():
			over = true
		}
		e.heed()
		e.mu.Lock()
		n = e.freeSlots()
		e.mu.Unlock()
	}
	return n
}

// freeSlots is how many jobs may be leased: as many as there are slots without
// one, of those that count, while no more than Concurrency wait to be written.
func (e *engine) freeSlots() int {
	return min(e.counted()-e.busy-e.todo.len(), e.Concurrency-e.settling)
}

// hasRoom tells the claim loop that a slot may be free.
func (e *engine) hasRoom() {
	e.room.send()
	if e.aside != nil && e.freeSlots() > 0 {
		e.aside()
	}
}

// canAnnounce leaves events to others while the topic is behind.
func (e *engine) canAnnounce() backends.Debt {
	if e.behind() {
		return e.can &^ backends.Event
	}
	return e.can
}

func (e *engine) behind() bool { return e.telling >= e.mostTelling()/2 }

// untilNear is the context of a claim. One that leaves events out, as the topic is
// behind, ends when the topic is near: with no job to be had it would wait for a lease
// while events stand there. Where the store is a broker it isn't broken off: the call may
// have taken what nobody hears of.
func (e *engine) untilNear(ctx context.Context, req backends.ClaimRequest) (context.Context, context.CancelFunc) {
	if req.CanAnnounce == e.can || !e.facts.Features.Kinds {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.near = cancel; !e.behind() {
		cancel()
	}
	return ctx, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.near = nil
		cancel()
	}
}

func (e *engine) request(n int, can backends.Debt) backends.ClaimRequest {
	return backends.ClaimRequest{
		Queue: e.facts.Name, Policy: e.facts.Policy, Kinds: e.wire, Max: n, Lease: e.Lease,
		RunLimit: e.limit, Grace: e.Grace, Resources: e.Resources, CanAnnounce: can,
	}
}

// claimEvents takes leases of ended jobs that owe an event. It waits for some until a
// slot is free: a call that is broken off may have taken what nobody hears of. It
// reports whether to ask again. A claim that knows no kind may be given jobs that
// nobody has asked for in a long time (R10): those go back.
func (e *engine) claimEvents(ctx context.Context, can backends.Debt) (again bool) {
	if can &= backends.Event; can == 0 || !e.facts.Features.Kinds {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, e.Lease)
	defer cancel()
	e.setAside(cancel)
	defer e.setAside(nil)
	req := e.request(announceBatch, can)
	req.Kinds = []string{}
	leases, err := e.store.Claim(ctx, req)
	if err != nil {
		return true
	}
	e.claim(leases, true)
	return !slices.ContainsFunc(leases, func(l *backends.Lease) bool { return l.Outcome == nil })
}

func (e *engine) setAside(cancel context.CancelFunc) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.aside = cancel; cancel != nil && e.freeSlots() > 0 {
		cancel()
	}
}

// answers asks the store for a job that isn't there. A claim that comes back with
// nothing when its time is up has waited for a job, or for a store that hangs.
func (e *engine) answers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, e.Lease/3)
	defer cancel()
	_, err := e.store.Lookup(ctx, backends.Ref{ID: "is-anybody-there"}, 0)
	return err == nil || errors.Is(err, backends.ErrNotFound) || errors.Is(err, errors.ErrUnsupported)
}

// hopeless errors of a claim will be the same next time.
func hopeless(err error) bool {
	return errors.Is(err, backends.ErrClosed) || errors.Is(err, backends.ErrInvalid) || errors.Is(err, errors.ErrUnsupported)
}

// again is the wait after so many failures in a row: jittered, and never so long
// that the leases would lapse because of it alone.
func again(fails int, lease time.Duration) time.Duration {
	d := ceiling(50*time.Millisecond, min(5*time.Second, lease/3), fails)
	return d/2 + rand.N(d/2+1)
}

// poll is the context of claims. Each ends after a lease time at the latest; several
// claims share one.
type poll struct {
	parent context.Context
	span   time.Duration
	fresh  time.Time
	ctx    context.Context
	cancel context.CancelFunc
}

func newPoll(parent context.Context, span time.Duration) *poll {
	return &poll{parent: parent, span: span, ctx: parent, cancel: func() {}}
}

func (p *poll) context() context.Context {
	if now := time.Now(); now.After(p.fresh) {
		p.cancel()
		p.ctx, p.cancel = context.WithTimeout(p.parent, p.span)
		p.fresh = now.Add(p.span / 2)
	}
	return p.ctx
}

func (p *poll) over() bool { return p.ctx.Err() != nil }
func (p *poll) stop()      { p.cancel() }
