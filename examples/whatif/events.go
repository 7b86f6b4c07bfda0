package main

import (
	"context"
	"errors"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// events are ready events without a topic: jobs of a second queue in the store of the
// first. They outlive every program, and a portal that starts again finds what was
// told before.
type events struct {
	*queue.Queue[queue.Event, queue.None]
}

// Announce enqueues events, each once: its id is the key.
func (q events) Announce(ctx context.Context, told []queue.Event) []error {
	items := make([]queue.Item[queue.Event], len(told))
	for i, e := range told {
		items[i] = queue.With(e, queue.Tenant(e.Ref.Tenant), queue.Key(e.ID))
	}
	errs := make([]error, len(told))
	outcomes, err := q.EnqueueAll(ctx, items)
	for i := range errs {
		switch {
		case i >= len(outcomes):
			errs[i] = err
		case !errors.Is(outcomes[i].Err, queue.ErrKeyReused): // told before, in other words
			errs[i] = outcomes[i].Err
		}
	}
	return errs
}

// follow tells the portal all events, those of before it started too.
func (s *story) follow(ctx context.Context) error {
	for r, err := range s.events.Jobs(ctx, queue.Filter{State: queue.Succeeded, AnyTenant: true}) {
		if err != nil {
			return err
		}
		e, err := s.events.Args(ctx, r)
		if err != nil {
			return err
		}
		s.portal.Hear(e)
	}
	w := worker.New(s.events.Queue, worker.NoResult(func(_ context.Context, job *queue.Job[queue.Event]) error {
		s.portal.Hear(job.Args)
		return nil
	}))
	w.Lease = s.lease
	return w.Run(ctx)
}

// listen tells the portal what the topic, or the queue in its place, brings.
func (s *story) listen(ctx context.Context) error {
	if s.events.Queue != nil {
		return s.follow(ctx)
	}
	return s.portal.Listen(ctx, s.ready)
}
