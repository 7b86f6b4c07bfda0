package worker

import (
	"context"
	"fmt"

	"github.com/leat-go/leat/queue"
)

// Mux runs several kinds of one queue in one pool:
//
//	q, err := queue.Open[Job, queue.None](ctx, url)
//	emails := queue.View[Email, queue.None](q, "email")
//	reports := queue.View[Report, Summary](q, "report")
//	m := worker.NewMux(worker.New(emails, send), worker.New(reports, summarise))
//	m.Concurrency = 16
//	err = worker.Run(ctx, m)
//
// The pool is the Mux's: of the workers' own only the rest counts (RunLimit,
// Backoff, AfterSuccess).
type Mux struct {
	Pool
	workers []Kind
}

// NewMux returns a Mux of workers on views of one queue, of different kinds.
func NewMux(workers ...Kind) *Mux { return &Mux{Pool: newPool(), workers: workers} }

// Run works until ctx ends, then drains; see [Worker.Run].
func (m *Mux) Run(ctx context.Context) error { return run(ctx, &m.Pool, m.workers...) }

// gather makes the kinds of workers, which must be of one queue.
func gather(workers []Kind) ([]*kind, error) {
	if len(workers) == 0 {
		return nil, &queue.InvalidError{Field: "Mux", Reason: "has no workers"}
	}
	var kinds []*kind
	seen := map[string]bool{}
	for _, w := range workers {
		k, err := w.kind()
		if err != nil {
			return nil, err
		}
		if k.Name != kindOf(kinds, k).Name || k.Backend != kindOf(kinds, k).Backend {
			return nil, &queue.InvalidError{Field: "Mux", Reason: fmt.Sprintf("has workers of two queues, %q and %q: make views of one", kinds[0].Name, k.Name)}
		}
		if k.hasTopic() != kindOf(kinds, k).hasTopic() {
			return nil, &queue.InvalidError{Field: "Mux", Reason: "has workers with a topic and without: set the queue's Announce before its views are made"}
		}
		for _, name := range k.Kinds {
			if seen[name] {
				return nil, &queue.InvalidError{Field: "Mux", Reason: fmt.Sprintf("has two workers of kind %q", name)}
			}
			seen[name] = true
		}
		kinds = append(kinds, k)
	}
	return kinds, nil
}

// kindOf is the first of kinds, or k if there is none yet.
func kindOf(kinds []*kind, k *kind) *kind {
	if len(kinds) == 0 {
		return k
	}
	return kinds[0]
}
