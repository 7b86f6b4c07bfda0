package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/leat-go/leat/examples/whatif/partner"
	"github.com/leat-go/leat/worker"
)

// run plays the whole story: out is for the summary, live for the line that moves.
func run(ctx context.Context, f flags, out, live io.Writer) (err error) {
	c, err := casting(f)
	if err != nil {
		return err
	}
	m, err := open(ctx, f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.close(ctx)) }()
	s := newStory(m, c)
	s.lease = f.lease
	if f.visit != "" {
		return s.visit(ctx, f, c, out, live)
	}
	address := "localhost:0"
	if f.serve {
		address = "localhost:8080"
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	client := newClient()
	partners := c.partners("http://"+l.Addr().String(), client)
	greet(f, partners, c, out)

	serving, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 2)
	go func() { done <- s.serve(serving, l) }()
	go func() { done <- s.work(serving, f.workers) }()
	err = s.tell(ctx, f, partners, c, out, live)
	if err == nil && f.serve {
		fmt.Fprintf(out, "the portal is at http://%s, log in as %q; ^C stops it\n", l.Addr(), c.names[0])
		<-ctx.Done()
	}
	client.CloseIdleConnections() // or the server waits for what they may yet ask
	stop()
	return errors.Join(err, <-done, <-done)
}

func greet(f flags, partners []*partner.Partner, c cast, out io.Writer) {
	if !f.json {
		fmt.Fprintf(out, "%d partners on %s\n", len(partners), c.label)
	}
}

// visit has the partners come to a portal elsewhere. It may be late, or start anew.
func (s *story) visit(ctx context.Context, f flags, c cast, out, live io.Writer) error {
	client := newClient()
	defer client.CloseIdleConnections()
	partners := c.partners(f.visit, client)
	for _, p := range partners {
		p.Again = time.Minute
	}
	greet(f, partners, c, out)
	return s.tell(ctx, f, partners, c, out, live)
}

// part plays one part of the story, for others elsewhere, until ctx ends: the workers'
// or the portal's.
func part(ctx context.Context, f flags) (err error) {
	c, err := casting(f)
	if err != nil {
		return err
	}
	m, err := open(ctx, f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.close(ctx)) }()
	s := newStory(m, c)
	s.lease = f.lease
	if f.work {
		return s.work(ctx, f.workers)
	}
	l, err := net.Listen("tcp", f.portal)
	if err != nil {
		return err
	}
	return s.serve(ctx, l)
}

// work runs so many workers until ctx ends; none is fine.
func (s *story) work(ctx context.Context, questions int) error {
	if questions == 0 {
		<-ctx.Done()
		return nil
	}
	return worker.Run(ctx, s.worker(questions))
}

// newClient makes a client that keeps its connections: all partners share it.
func newClient() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 0, 200
	return &http.Client{Transport: t}
}

// tell plays, sums up, and shows.
func (s *story) tell(ctx context.Context, f flags, partners []*partner.Partner, c cast, out, live io.Writer) error {
	watching, stop := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() { defer close(watched); s.watch(watching, partners, live) }()
	s.asked = func(job string) bool {
		return slices.ContainsFunc(partners, func(p *partner.Partner) bool { return p.Asked(job) })
	}
	begin := time.Now()
	err := play(ctx, partners)
	stop()
	<-watched
	if err != nil {
		return err
	}
	r, err := s.report(ctx, partners, c.largest)
	if err != nil {
		return err
	}
	r.took = time.Since(begin)
	if f.json {
		if f.daily {
			if _, err := s.daily(ctx); err != nil {
				return err
			}
		}
		return r.line(out)
	}
	r.table(out)
	if err := s.draw(ctx, out); err != nil {
		return err
	}
	if f.daily {
		told, err := s.daily(ctx)
		fmt.Fprint(out, told)
		return err
	}
	return nil
}

// watch shows how far it is, until ctx ends.
func (s *story) watch(ctx context.Context, partners []*partner.Partner, live io.Writer) {
	begin, tick := time.Now(), time.NewTicker(250*time.Millisecond)
	defer tick.Stop()
	for {
		all := partner.Tally(partners)
		stats, _ := s.queue.Stats(ctx) // zero where the backend doesn't count
		fmt.Fprintf(live, "\r%5.1f s  %6d accepted  %6d succeeded  %6d superseded  %4d waiting  %6d told ",
			time.Since(begin).Seconds(), all.Promised, all.Succeeded, all.Superseded, stats.Depth(), all.Told)
		select {
		case <-ctx.Done():
			fmt.Fprintln(live)
			return
		case <-tick.C:
		}
	}
}
