package optimiser

import (
	"context"
	"errors"
	"math"
	"runtime"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// Optimiser answers questions. Its method Optimise is the handler of a worker:
//
//	w := worker.New(q, optimiser.New(features).Optimise)
type Optimiser struct {
	Parallel int // products of one question at a time; 0 = GOMAXPROCS

	features Features
}

// New returns an Optimiser that reads its vectors from features.
func New(features Features) *Optimiser { return &Optimiser{features: features} }

// Optimise computes the plan of one question. Equal settings on equal vectors give
// equal plans, to the bit on one kind of processor, whatever the attempt, the
// worker and Parallel are. It returns soon after ctx has ended: no evaluation of a
// policy, some ten microseconds, begins any more.
func (o *Optimiser) Optimise(ctx context.Context, job *queue.Job[Settings]) (Plan, error) {
	s := job.Args
	if err := s.Check(); err != nil {
		return Plan{}, worker.Permanent(err)
	}
	vectors, err := o.features.Vectors(ctx, job.Tenant, s.SKUs())
	if errors.Is(err, ErrNoHistory) {
		return Plan{}, worker.Permanent(err)
	}
	if err != nil {
		return Plan{}, err // the feature store is away: again later
	}
	plan := Plan{Screen: s.Screen, Items: make([]Decision, len(s.Items))}
	err = worker.Each(ctx, job, o.Parallel, s.Items, func(ctx context.Context, i int, item Item) error {
		var err error
		plan.Items[i], err = s.decide(ctx, vectors[i], item)
		return err
	})
	return plan, err
}

// decide finds the policy of one product.
func (s Settings) decide(ctx context.Context, v Vector, item Item) (Decision, error) {
	m := s.future(v, item)
	old := s.plain(v)
	search := &search{left: budget, least: math.Inf(1), cost: func(p Policy) (float64, bool) {
		if ctx.Err() != nil {
			return 0, false
		}
		runtime.Gosched() // portal, partners and workers share one process here
		return m.cost(p), true
	}}
	before := search.try(old)
	search.climb(old, stride(old))
	if ctx.Err() != nil {
		return Decision{}, context.Cause(ctx)
	}
	return Decision{SKU: item.SKU, Old: old, New: search.best, Before: before, After: search.least}, nil
}

// future is what every policy for a product meets.
func (s Settings) future(v Vector, item Item) *market {
	return s.market(v, item.Stock, draw(v.Weekly, s.Lead, Horizon, paths, source(s.Seed, item.SKU)))
}

// stride is how far the search steps first: half of what is there.
func stride(p Policy) Policy {
	return Policy{Start: 2, Kick: max(1, p.Quantity/2), Reorder: max(1, p.Reorder/2), Quantity: max(1, p.Quantity/2)}
}
