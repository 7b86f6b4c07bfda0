package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/leat-go/leat/examples/decoupled/caller"
	"github.com/leat-go/leat/queue"
)

// newTransport keeps connections: all callers share it.
func newTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 0, 200
	return t
}

// play lets the callers do all they came for, and sums up. It fails if a promise was
// broken.
func (s *service) play(ctx context.Context, f flags, site string, network *http.Transport, out, live io.Writer) error {
	defer network.CloseIdleConnections() // or the server waits for what they may yet ask
	cast := caller.Cast(site, network, f.watchers)
	begun := time.Now()
	if !f.json {
		fmt.Fprintf(out, "%d callers of %s, %d questions at a time\n", len(cast), site, f.workers)
		tell := teller(live, begun)
		for _, c := range cast {
			c.Tell = tell
		}
	}
	all, playing := errgroup.WithContext(ctx)
	for _, c := range cast {
		all.Go(func() error { return c.Run(playing) })
	}
	if err := all.Wait(); err != nil {
		return err
	}
	r, err := s.report(ctx, cast)
	if err != nil {
		return err
	}
	if err := s.called(ctx, &r); err != nil {
		return err
	}
	r.took = time.Since(begun)
	if f.json {
		err = r.line(out)
	} else {
		r.table(out)
	}
	return errors.Join(err, r.verdict())
}

// teller writes what happens, one line each.
func teller(live io.Writer, begun time.Time) func(name, what string) {
	var mu sync.Mutex
	return func(name, what string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(live, "%6.2f s  %-5s %s\n", time.Since(begun).Seconds(), name, what)
	}
}

// stored lists the ids of a tenant's jobs; nil where the backend can't.
func (s *service) stored(ctx context.Context, tenant string) ([]string, error) {
	var ids []string
	for r, err := range s.queue.Jobs(ctx, queue.Filter{Tenant: tenant}) {
		if errors.Is(err, errors.ErrUnsupported) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		ids = append(ids, r.Job.ID)
	}
	return ids, nil
}
