package worker

import (
	"context"
	"fmt"
	"reflect"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/queue"
)

// Mux runs several kinds of one queue in one pool:
//
//	q, err := queue.Open[queue.None, queue.None](ctx, url) // all kinds are views of it
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
		return nil, muxError("has no workers")
	}
	var kinds []*kind
	seen := map[string]bool{}
	for _, w := range workers {
		if w == nil {
			return nil, muxError("has a worker that is nil")
		}
		k, err := w.kind()
		if err != nil {
			return nil, err
		}
		kinds = append(kinds, k)
		if err := kinds[0].sharesWith(k); err != nil {
			return nil, err
		}
		for _, name := range k.Kinds {
			if seen[name] {
				return nil, muxError(fmt.Sprintf("has two workers of kind %q", name))
			}
			seen[name] = true
		}
	}
	return kinds, nil
}

// sharesWith refuses a pair that can't be in one pool.
func (k *kind) sharesWith(other *kind) error {
	switch {
	case k.Name != other.Name || !sameStore(k.Backend, other.Backend):
		return muxError(fmt.Sprintf("has workers of two queues, %q and %q: make views of one", k.Name, other.Name))
	case k.hasTopic() != other.hasTopic():
		return muxError("has workers with a topic and without: set the queue's Announce before its views are made")
	}
	return nil
}

// sameStore compares two backends, where they can be compared.
func sameStore(a, b backends.Backend) bool {
	return !reflect.ValueOf(a).Comparable() || !reflect.ValueOf(b).Comparable() || a == b
}

func muxError(reason string) error { return &queue.InvalidError{Field: "Mux", Reason: reason} }
