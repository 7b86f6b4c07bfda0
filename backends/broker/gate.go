package broker

import (
	"context"
	"sync"
	"time"

	"github.com/leat-go/leat/backends"
)

// gate holds the cap of the queue for this process: how many jobs run here, and how
// many claims there are in a second. It bounds what is asked for, so that no message
// is received only to be given back. A broker can't hold caps for all processes, nor
// those of a tenant or a resource.
type gate struct {
	mu       sync.Mutex
	reserved int // places of receives that are under way
	tokens   backends.Tokens
	changed  chan struct{}
}

// gatePoll is how often a claim that waits for a place looks by itself: a lease may
// have lapsed, or the policy may be another.
const gatePoll = time.Second

// enter waits for room, and reserves up to most places. leave gives back those that
// no job took.
func (g *gate) enter(ctx context.Context, most int, limit func() backends.Cap, running func() int) (n int, leave func(ran int), err error) {
	for {
		c := limit()
		n, wait, changed := g.try(c, most, running)
		if n > 0 {
			return n, func(ran int) { g.leave(n, ran) }, nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-changed:
		case <-ctx.Done():
		}
		timer.Stop()
		if err := ctx.Err(); err != nil {
			return 0, nil, err
		}
	}
}

// try reserves what may be claimed now, or tells when to try again.
func (g *gate) try(c backends.Cap, most int, running func() int) (n int, wait time.Duration, changed <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	n, wait = most, gatePoll
	if c.InFlight > 0 {
		n = min(n, c.InFlight-running()-g.reserved)
	}
	if c.Rate > 0 {
		now := time.Now().UnixNano()
		g.tokens = g.tokens.Filled(now, c)
		if whole := g.tokens.Claims(); whole < n {
			n, wait = whole, min(wait, time.Duration(g.tokens.Opens(c)-now))
		}
	}
	if n <= 0 {
		if g.changed == nil {
			g.changed = make(chan struct{})
		}
		return 0, wait, g.changed
	}
	g.reserved += n
	g.tokens = g.tokens.Take(n)
	return n, 0, nil
}

func (g *gate) leave(n, ran int) {
	g.mu.Lock()
	g.reserved -= n
	g.tokens = g.tokens.Take(ran - n)
	g.mu.Unlock()
	g.freed()
}

// freed wakes those who wait for a place.
func (g *gate) freed() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.changed != nil {
		close(g.changed)
		g.changed = nil
	}
}
