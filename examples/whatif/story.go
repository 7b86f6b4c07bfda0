package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/leat-go/leat/examples/whatif/feature"
	"github.com/leat-go/leat/examples/whatif/optimiser"
	"github.com/leat-go/leat/examples/whatif/partner"
	"github.com/leat-go/leat/examples/whatif/portal"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// story is the portal, the workers and the feature store, on some means.
type story struct {
	*means
	store  feature.Store
	portal *portal.Portal
	handle worker.Handler[optimiser.Settings, optimiser.Plan]
	log    *slog.Logger // nil = slog.Default
	begun  time.Time
	asked  func(job string) bool // of these partners, and not of another story in the same place; nil = all are
	lease  time.Duration         // of workers; 0 = their default
}

// attempts let a question outlast an outage of some minutes: of the bucket, say.
const attempts = 10

func newStory(m *means, c cast) *story {
	m.queue.MaxAttempts = attempts
	products := feature.NewMemory(c.series)
	s := &story{means: m, store: feature.Store{Online: products, Offline: feature.NewBucket(m.bucket)}, begun: time.Now()}
	s.portal = portal.New(m.queue, products)
	s.portal.Charts = m.bucket
	s.handle = optimiser.New(s.store).Optimise
	return s
}

// worker makes a pool. In the cloud it would be a program of its own, on machines of
// its own.
func (s *story) worker(questions int) *worker.Worker[optimiser.Settings, optimiser.Plan] {
	w := worker.New(s.queue, s.handle)
	w.Concurrency, w.Lease = questions, s.lease
	w.AfterSuccess = s.accept
	w.Logger = s.log
	return w
}

// accept writes an accepted setting back, at least once: to the offline store for
// the batch of tomorrow, and to the online one for today.
func (s *story) accept(ctx context.Context, job *queue.Job[optimiser.Settings], plan optimiser.Plan) error {
	return s.store.Accept(ctx, feature.Change{
		Partner: job.Tenant, Screen: job.Args.Screen, Job: job.ID, Generation: job.Generation, Order: job.Order,
		At: job.Created, Settings: job.Args, Plan: plan,
	})
}

// serve runs the portal on a listener until ctx ends.
func (s *story) serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler: s.portal, ReadHeaderTimeout: 5 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx }, // streams end with it
	}
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return s.listen(ctx) })
	all.Go(func() error {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	all.Go(func() error {
		<-ctx.Done()
		last, stop := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer stop()
		return server.Shutdown(last)
	})
	return all.Wait()
}

// play lets the partners do all they came for.
func play(ctx context.Context, partners []*partner.Partner) error {
	all, ctx := errgroup.WithContext(ctx)
	for _, p := range partners {
		all.Go(func() error { return p.Run(ctx) })
	}
	return all.Wait()
}

// writebacks are the changes in the offline store since the story began.
func (s *story) writebacks(ctx context.Context) ([]feature.Change, error) {
	var all []feature.Change
	for day := s.begun.UTC().Truncate(24 * time.Hour); !day.After(time.Now()); day = day.Add(24 * time.Hour) {
		changes, err := s.store.Day(ctx, day)
		if err != nil {
			return nil, err
		}
		for _, c := range changes {
			if !c.At.Before(s.begun.Add(-time.Second)) && (s.asked == nil || s.asked(c.Job)) {
				all = append(all, c)
			}
		}
	}
	return all, nil
}
