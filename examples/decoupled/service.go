package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/leat-go/leat/examples/decoupled/plan"
	"github.com/leat-go/leat/examples/decoupled/portal"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// service is a portal and a worker on one queue. In production they would be programs
// of their own: nothing but the queue is between them.
type service struct {
	queue  *queue.Queue[plan.Question, plan.Answer]
	portal *portal.Portal
	worker *worker.Worker[plan.Question, plan.Answer]
	calls  *callbacks // nil = nobody is called
}

// The limits of the service.
const (
	backlog       = 500 // waiting questions, then 429
	tenantBacklog = 50  // of one person
	beat          = 200 * time.Millisecond
	grace         = 5 * time.Second
)

// newService opens what f names.
func newService(ctx context.Context, f flags) (*service, error) {
	q, err := queue.Open[plan.Question, plan.Answer](ctx, f.queue)
	if err != nil {
		return nil, err
	}
	q.Backlog, q.Tenant = backlog, queue.Tenancy{Backlog: tenantBacklog}
	planner := plan.New()
	planner.Pace, planner.Parallel = f.pace, 2
	s := &service{queue: q, portal: portal.New(q), worker: worker.New(q, planner.Plan)}
	s.worker.Concurrency, s.worker.Beat, s.worker.Grace = f.workers, beat, grace
	if f.serve == "" { // failures are part of the play, and of its account
		s.worker.Logger = slog.New(slog.DiscardHandler)
	}
	return s, nil
}

// callBack has a partner told of each end. It is called before the first question.
func (s *service) callBack(ctx context.Context, rawURL string) (err error) {
	if s.calls, err = newCallbacks(ctx, rawURL); err == nil {
		s.queue.Announce = s.calls.announcer()
	}
	return err
}

func (s *service) close() error {
	if s.calls == nil {
		return s.queue.Close()
	}
	return errors.Join(s.calls.close(), s.queue.Close())
}

// work works on the questions, and on the call-backs of those that have ended, until ctx
// ends.
func (s *service) work(ctx context.Context) error {
	if s.calls == nil {
		return worker.Run(ctx, s.worker)
	}
	return worker.Run(ctx, s.worker, s.calls.sender.Worker(s.calls.queue))
}

// run serves on l, and works, until ctx ends. Then the worker drains first: those who
// watch still see what it finishes. What it doesn't finish is given back, and the
// streams end.
func (s *service) run(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler:           s.portal,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 30 * time.Second, // streams and long waits set their own
		IdleTimeout:  time.Minute, MaxHeaderBytes: 16 << 10,
	}
	server.RegisterOnShutdown(s.portal.Jobs.Drain)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	worked := make(chan error, 1)
	working, stop := context.WithCancel(ctx)
	defer stop()
	go func() { worked <- s.work(working) }()

	var err error
	select {
	case err = <-served: // the listener broke
		stop()
		return errors.Join(err, <-worked)
	case err = <-worked:
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err = errors.Join(err, server.Shutdown(last))
	if e := <-served; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}
