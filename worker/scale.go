package worker

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"runtime"
	"sync"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/leat-go/leat/internal/seam"
	"github.com/leat-go/leat/internal/telemetry"
	"github.com/leat-go/leat/queue"
)

// The defaults of a Scale.
const (
	DefaultTakes = time.Second
	DefaultDrain = time.Minute
)

// Scale is what an autoscaler reads of one queue: an http.Handler that answers a GET with
// a [Load], and metrics. It needs no worker beside it. The store is asked once a second at
// most, however many ask here. Numbers only: no tenant, no job. Mount it where your
// probes are, not where callers come; see docs/scaling.md.
//
//	scale := worker.NewScale(q)
//	scale.Slots, scale.Takes = 16, 2*time.Second
//	mux.Handle("GET /scale/whatif", scale)
//	defer scale.Measure(nil)()
//
// Where the backend counts nothing (Features.Stats) the answer is 501, and there are no
// metrics. Set the fields before the first use.
type Scale struct {
	Slots int           // Concurrency of one replica; 0 = 2 × GOMAXPROCS
	Takes time.Duration // what a job takes on average; 0 = 1 s
	Drain time.Duration // within which all that is due is to be done; 0 = 1 min

	Workers []Probed // of this process, for Utilisation

	q  Counted
	mu sync.Mutex
	at *counting
}

// Counted is a *queue.Queue of any types.
type Counted interface {
	Name() string
	Stats(context.Context) (queue.Stats, error)
	Inside(seam.Key) (*seam.Queue, error)
}

// Load is how much there is to do in a queue. Its JSON names are those that KEDA's
// valueLocation takes.
type Load struct {
	Queue            string  `json:"queue"`
	Depth            int     `json:"depth"`            // all that waits
	Queued           int     `json:"queued"`           // of it what is due: what workers can do now
	InFlight         int     `json:"inFlight"`         // leased
	OldestAgeSeconds float64 `json:"oldestAgeSeconds"` // since the oldest of what is queued was due; 0 = none

	// Utilisation is the share of this process's slots that are taken, 0 to 1; left out
	// without Workers.
	Utilisation *float64 `json:"utilisation,omitempty"`

	// Desired is how many replicas do all that is due within Drain, by Little's law: as
	// many slots as (queued + in flight) × Takes / Drain. Not fewer than hold what
	// runs, not more than have something to do, or than the queue's Cap lets work. 0 =
	// there is nothing to do.
	Desired int `json:"desired"`
}

// NewScale returns the Scale of a queue.
func NewScale(q Counted) *Scale { return &Scale{q: q} }

// Load counts.
func (s *Scale) Load(ctx context.Context) (Load, error) {
	l, _, err := s.load(ctx)
	return l, err
}

func (s *Scale) load(ctx context.Context) (Load, queue.Stats, error) {
	st, err := s.stats(ctx)
	if err != nil {
		return Load{}, st, err
	}
	in, err := s.q.Inside(seam.Key{})
	if err != nil {
		return Load{}, st, err
	}
	l := Load{
		Queue: s.q.Name(), Depth: st.Depth(), Queued: st.Queued, InFlight: st.Running,
		OldestAgeSeconds: st.Oldest.Seconds(), Utilisation: s.utilisation(),
	}
	l.Desired = s.desired(st, in.Filled.Cap)
	return l, st, nil
}

// desired replicas. A paused queue has no use for more than those that work.
func (s *Scale) desired(st queue.Stats, c queue.Cap) int {
	slots := s.Slots
	if slots <= 0 {
		slots = 2 * runtime.GOMAXPROCS(0)
	}
	takes, drain := positive(s.Takes, DefaultTakes).Seconds(), positive(s.Drain, DefaultDrain).Seconds()
	due := st.Queued
	if st.Paused {
		due = 0
	}
	all := float64(due + st.Running)
	need := min(all, all*takes/drain)
	if c.InFlight > 0 {
		need = min(need, float64(c.InFlight))
	}
	if c.Rate > 0 {
		need = min(need, c.Rate*takes)
	}
	return int(math.Ceil(max(need, float64(st.Running)) / float64(slots)))
}

func positive(d, usual time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return usual
}

// utilisation of workers that may begin nothing is 1.
func (s *Scale) utilisation() *float64 {
	if len(s.Workers) == 0 {
		return nil
	}
	busy, slots, share := 0, 0, 0.0
	for _, w := range s.Workers {
		h := w.Health()
		busy += h.Busy
		if h.Phase == Working {
			slots += h.Limit
		}
	}
	if busy > 0 {
		share = min(1, float64(busy)/float64(max(1, slots)))
	}
	return &share
}

// counting is one look into the store.
type counting struct {
	done  chan struct{} // closed when the rest is set
	stats queue.Stats
	err   error
	at    time.Time
}

const (
	freshFor    = time.Second
	mostLooking = 5 * time.Second
)

var errNotCounted = errors.New("worker: the queue could not be counted")

// stats of now, or of a second ago. Of those who come at a time one looks.
func (s *Scale) stats(ctx context.Context) (queue.Stats, error) {
	c, mine := s.counting()
	if mine {
		s.look(ctx, c)
		return c.stats, c.err
	}
	select {
	case <-c.done:
		return c.stats, c.err
	case <-ctx.Done():
		return queue.Stats{}, context.Cause(ctx)
	}
}

func (s *Scale) counting() (c *counting, mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at != nil {
		select {
		case <-s.at.done:
			if time.Since(s.at.at) < freshFor {
				return s.at, false
			}
		default:
			return s.at, false
		}
	}
	s.at = &counting{done: make(chan struct{}), err: errNotCounted}
	return s.at, true
}

// look counts for all who wait: it isn't broken off because one of them leaves. What went
// wrong is as fresh as what went well.
func (s *Scale) look(ctx context.Context, c *counting) {
	defer func() { // also when it panics
		c.at = time.Now()
		close(c.done)
	}()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), mostLooking)
	defer cancel()
	c.stats, c.err = s.q.Stats(ctx)
}

// ServeHTTP answers with the Load as JSON, or says by a problem (RFC 9457) why not: 501
// where the backend doesn't count, 503 where it can't now.
func (s *Scale) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		sayNo(w, http.StatusMethodNotAllowed, "method-not-allowed", "This can't be done here.")
		return
	}
	load, err := s.Load(r.Context())
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		sayNo(w, http.StatusNotImplemented, "unsupported", "This backend doesn't count its jobs.")
	case err != nil:
		w.Header().Set("Retry-After", "1")
		sayNo(w, http.StatusServiceUnavailable, "unavailable", "The jobs can't be counted now.")
	default:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(load)
	}
}

// sayNo answers with a problem, of the types of package endpoint.
func sayNo(w http.ResponseWriter, status int, name, title string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"type": "urn:leat:problem:" + name, "title": title, "status": status})
}

// Measure has OpenTelemetry read the queue whenever metrics are collected, until stop:
// leat.queue.depth by state, leat.queue.in_flight, leat.queue.oldest_age,
// leat.queue.desired. nil = the global provider. Once per queue is enough: every process
// would tell the same. What a worker's slots do is measured by the worker itself
// (leat.worker.limit, leat.worker.busy).
func (s *Scale) Measure(mp metric.MeterProvider) (stop func()) {
	return telemetry.ObserveQueue(mp, s.q.Name(), func(ctx context.Context) (*telemetry.Queue, error) {
		load, st, err := s.load(ctx)
		switch {
		case errors.Is(err, errors.ErrUnsupported):
			return nil, nil
		case err != nil:
			return nil, err
		}
		return &telemetry.Queue{Stats: st, Desired: load.Desired}, nil
	})
}
