// Package partner simulates those who use the portal: HTTP clients that change
// settings on screens when the arrivals say so, wait for the ready events, fetch the
// plans, and keep their own books of what they were promised.
//
//	arrivals ─▶ 20 screens, each a browser tab ─ POST ─▶ portal
//	                         books: promised ◀── 202 ──────┤
//	                         books: ended    ◀── /ready ───┘
//
// A partner believes nothing but HTTP. A job that it was promised and that never
// ends is lost; one that ends twice, or that a repeated request makes anew, is
// duplicated.
package partner

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/leat-go/leat/examples/whatif/demand"
)

// Screens is how many screens a partner has, Products how many products the
// largest change touches.
const (
	Screens  = 20
	Products = 12
)

// Partner is one client of the portal.
type Partner struct {
	Name     string
	Site     string // of the portal, as in "http://localhost:8080"
	Client   *http.Client
	Arrivals []demand.Arrival // this partner's, in time
	Begin    time.Time        // of all arrivals
	Speed    float64          // seconds of the arrivals in one of ours
	Visit    string           // makes this visit's questions others than those of another
	Again    time.Duration    // for how long a request that nobody answers is sent again; 0 = it fails
	Patience time.Duration    // how long it waits without any news before it asks for what is still open; 0 = 30 s

	books    books
	borrowed bool
	skus     []string
}

// Run plays all arrivals, and returns when everything promised has ended, or has
// been given up for lost. The error is one that a partner shouldn't meet: an answer
// in the 500s, or one that makes no sense.
func (p *Partner) Run(ctx context.Context) error {
	if err := p.look(ctx); err != nil {
		return fmt.Errorf("partner %s: %w", p.Name, err)
	}
	listening, stop := context.WithCancel(ctx)
	var ears sync.WaitGroup
	ears.Go(func() { p.listen(listening) })
	err := p.work(ctx)
	if err == nil {
		err = p.settle(ctx)
	}
	stop()
	ears.Wait()
	if err != nil {
		return fmt.Errorf("partner %s: %w", p.Name, err)
	}
	return nil
}

// work sits at all screens at once.
func (p *Partner) work(ctx context.Context) error {
	tabs := map[int][]demand.Arrival{}
	for _, a := range p.Arrivals {
		tabs[screenOf(a)] = append(tabs[screenOf(a)], a)
	}
	start := time.Now()
	screens, ctx := errgroup.WithContext(ctx)
	for screen, arrivals := range tabs {
		screens.Go(func() error {
			for _, a := range arrivals {
				due := start.Add(time.Duration(float64(a.At.Sub(p.Begin)) / p.Speed))
				if err := sleep(ctx, time.Until(due)); err != nil {
					return err
				}
				if err := p.change(ctx, screen, a); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return screens.Wait()
}

// sleep waits, or returns what ended ctx.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
