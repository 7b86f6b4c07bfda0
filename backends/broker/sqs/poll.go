package sqs

import (
	"context"
	"sync"
	"time"

	"github.com/leat-go/leat/backends/broker"
)

// kept is how long what a poll brought waits for the next Receive, when the one that
// began it has left.
const kept = 50 * time.Millisecond

// poll is one long poll, which may outlive the Receive that began it.
type poll struct {
	limit int
	lease time.Duration
	end   context.CancelFunc
	done  chan struct{} // closed when ds and err are there
	ds    []*broker.Delivery
	err   error
}

// polls are those that nobody waits for at the moment.
type polls struct {
	mu     sync.Mutex
	idle   []*poll
	closed bool
	all    sync.WaitGroup
}

// take is an open poll that leases no more than limit, for that lease; nil = none.
func (ps *polls) take(limit int, lease time.Duration) *poll {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for i, p := range ps.idle {
		if p.limit <= limit && p.lease == lease {
			ps.idle = append(ps.idle[:i:i], ps.idle[i+1:]...)
			return p
		}
	}
	return nil
}

// drop takes p out of those that are open; false if somebody took it before.
func (ps *polls) drop(p *poll) bool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for i, q := range ps.idle {
		if p == q {
			ps.idle = append(ps.idle[:i:i], ps.idle[i+1:]...)
			return true
		}
	}
	return false
}

// poll waits for the outcome of one long poll, its own or one that was left open.
func (t *Transport) poll(ctx context.Context, limit int, lease time.Duration) ([]*broker.Delivery, error) {
	p := t.polls.take(limit, lease)
	if p == nil {
		if p = t.begin(ctx, limit, lease); p == nil {
			return nil, errClosed
		}
	}
	select {
	case <-p.done:
		return p.ds, p.err
	case <-ctx.Done():
	}
	select {
	case <-p.done: // both: it would be a pity
		return p.ds, p.err
	default:
	}
	t.leave(p)
	return nil, ctx.Err()
}

// begin sends the request. It has the values of the first caller's context.
func (t *Transport) begin(ctx context.Context, limit int, lease time.Duration) *poll {
	t.polls.mu.Lock()
	defer t.polls.mu.Unlock()
	if t.polls.closed {
		return nil
	}
	p := &poll{limit: limit, lease: lease, done: make(chan struct{})}
	ctx, p.end = context.WithCancel(context.WithoutCancel(ctx))
	undo := context.AfterFunc(t.stop, p.end)
	t.polls.all.Go(func() {
		defer undo()
		defer p.end()
		defer close(p.done)
		p.ds, p.err = t.ask(ctx, limit, lease)
	})
	return p
}

// leave keeps a poll for the next Receive. To break it off would lose what SQS has
// leased to it, or leases to a connection that it doesn't know to be closed, for the
// whole lease. What it brings goes back, if nobody comes for it in a moment.
func (t *Transport) leave(p *poll) {
	t.polls.mu.Lock()
	defer t.polls.mu.Unlock()
	if t.polls.closed {
		p.end()
		return
	}
	t.polls.idle = append(t.polls.idle, p)
	t.polls.all.Go(func() {
		<-p.done
		pause := time.NewTimer(kept)
		defer pause.Stop()
		select {
		case <-pause.C:
		case <-t.stop.Done(): // Close sees to it
		}
		if t.polls.drop(p) {
			t.giveBack(p.ds)
		}
	})
}

func (t *Transport) giveBack(ds []*broker.Delivery) {
	if len(ds) == 0 {
		return
	}
	hs := make([]hiding, len(ds))
	for i, d := range ds {
		hs[i] = hiding{d.Handle.(*receipt), 0}
	}
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	t.hideAll(ctx, hs) // what fails lapses
}

// close breaks off what nobody waits for, and waits for all requests. Those that
// somebody waits for end as well.
func (ps *polls) close() []*poll {
	ps.mu.Lock()
	ps.closed = true
	idle := ps.idle
	ps.idle = nil
	ps.mu.Unlock()
	for _, p := range idle {
		p.end()
	}
	return idle
}
