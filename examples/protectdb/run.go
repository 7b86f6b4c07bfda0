package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/leat-go/leat/examples/protectdb/shop"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// backlog is how many orders may wait: more are told to come again.
const backlog = 1000

// run plays the whole story.
func run(ctx context.Context, f flags, out io.Writer) (err error) {
	s, err := shop.Open(ctx, f.db, products()...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	q, err := queue.Open[shop.Order, queue.None](ctx, f.queue)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, q.Close()) }()
	q.Backlog = backlog

	ctx, cancel := context.WithTimeout(ctx, f.within)
	defer cancel()
	t := &story{q: q, shop: s, burst: newBurst(f.hits, 1), out: out, quiet: f.json, begun: time.Now()}
	server := httptest.NewServer(api(q))
	defer server.Close()
	t.burst.url, t.burst.client = server.URL, server.Client()
	t.burst.client.Transport.(*http.Transport).MaxIdleConnsPerHost = clients

	working, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	most := s.Connections
	if f.bare {
		most = 0
	}
	go func() { done <- worker.Run(working, clerk(q, s, most), clerk(q, s, most)) }() // two pools before one database
	err = t.play(ctx)
	stop()
	if err = errors.Join(err, <-done); err != nil {
		return err
	}
	r, err := t.report(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	return r.print(out, f.json, f.bare)
}

// story is what is going on.
type story struct {
	q     *queue.Queue[shop.Order, queue.None]
	shop  *shop.Shop
	burst *burst
	out   io.Writer
	quiet bool
	begun time.Time

	burstTook, drained time.Duration
	letters, redriven  int
}

func (t *story) say(format string, args ...any) {
	if !t.quiet {
		fmt.Fprintf(t.out, "%5.1f s  "+format+"\n", append([]any{time.Since(t.begun).Seconds()}, args...)...)
	}
}

func (t *story) play(ctx context.Context) error {
	t.say("%d hits at once, of %d requests; the database bears %d connection(s)", len(t.burst.hits), len(t.burst.unique), t.shop.Connections)
	if err := t.burst.hit(ctx); err != nil {
		return err
	}
	t.burstTook = time.Since(t.begun)
	t.say("all were accepted; %d were told to come again first", t.burst.refused.Load())
	if err := t.drain(ctx); err != nil {
		return err
	}
	letters, err := t.deadLetters(ctx)
	if err != nil {
		return err
	}
	t.letters = len(letters)
	t.say("drained; %d dead letters, of products that are missing", len(letters))
	if err := t.shop.Add(ctx, t.burst.poison...); err != nil { // the fix
		return err
	}
	if err := t.q.Redrive(ctx, letters...); err != nil {
		return err
	}
	t.redriven = len(letters)
	if err := t.drain(ctx); err != nil {
		return err
	}
	t.drained = time.Since(t.begun)
	t.say("the products were added, the dead letters driven again")
	return nil
}

// drain waits until nothing waits or runs.
func (t *story) drain(ctx context.Context) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		s, err := t.q.Stats(ctx)
		if err != nil {
			return err
		}
		if s.Depth()+s.Running == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("not drained in time: %d wait, %d run", s.Depth(), s.Running)
		}
	}
}

func (t *story) deadLetters(ctx context.Context) ([]*queue.Record, error) {
	var all []*queue.Record
	for letter, err := range t.q.DeadLetters(ctx) {
		if err != nil {
			return nil, err
		}
		all = append(all, letter)
	}
	return all, nil
}
