package main

import (
	"context"
	"fmt"
	"math"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// Settings is one what-if: at this service level, with this demand a week.
type Settings struct {
	SKU          string
	ServiceLevel float64 // share of weeks without a stock-out, 0 to 1
	LeadWeeks    float64
	Demand       []float64 // units, one week each
}

// Plan is what to do.
type Plan struct{ ReorderPoint, OrderQuantity int }

// optimise is the handler. It knows nothing of Lambda.
func optimise(ctx context.Context, job *queue.Job[Settings]) (Plan, error) {
	s := job.Args
	if !(s.ServiceLevel > 0 && s.ServiceLevel < 1) || len(s.Demand) == 0 || s.LeadWeeks < 0 {
		return Plan{}, worker.Permanent(fmt.Errorf("settings of %q make no sense", s.SKU))
	}
	var mean, square float64
	for _, d := range s.Demand {
		mean += d / float64(len(s.Demand))
	}
	for _, d := range s.Demand {
		square += (d - mean) * (d - mean) / float64(len(s.Demand))
	}
	safety := math.Sqrt2 * math.Erfinv(2*s.ServiceLevel-1) * math.Sqrt(square*s.LeadWeeks) // normal demand
	return Plan{
		ReorderPoint:  int(math.Ceil(math.Max(0, mean*s.LeadWeeks+safety))),
		OrderQuantity: int(math.Ceil(4 * mean)),
	}, ctx.Err()
}
