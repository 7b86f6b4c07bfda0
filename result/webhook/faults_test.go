package webhook

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// TestFaultMatrix_C1 strikes each step from the end of a job to its receiver, in
// each way, once, twice, many times in a row and one time in ten. Every event must
// reach the receiver at least once and have its effect there once, by the
// webhook-id, and nothing may be stuck or given up.
func TestFaultMatrix_C1(t *testing.T) {
	for _, step := range []struct {
		name  string
		kinds []string
	}{
		{"enqueue", []string{"error before", "error after", "timeout before", "timeout after", "panic before", "panic after"}},
		{"targets", []string{"error", "timeout", "panic"}},
		{"settle", []string{"error before", "error after", "timeout before", "timeout after"}},  // of the job: its event is announced anew
		{"settled", []string{"error before", "error after", "timeout before", "timeout after"}}, // of the delivery
		{"lookup", []string{"error", "timeout", "panic"}},
		{"receiver", []string{"refuses", "500", "429", "times out", "resets before it takes", "resets after it took", "times out after it took"}},
	} {
		for _, kind := range step.kinds {
			for _, rate := range []string{"once", "twice", "in a row", "10%"} {
				t.Run(step.name+"/"+kind+"/"+rate, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						(&cell{T: t, step: step.name, kind: kind, rate: rates[rate](), sure: rate != "10%"}).play()
					})
				})
			}
		}
	}
}

var rates = map[string]func() backendtest.Rate{
	"once":     func() backendtest.Rate { return backendtest.Times(1) },
	"twice":    func() backendtest.Rate { return backendtest.Times(2) },
	"in a row": func() backendtest.Rate { return backendtest.Times(8) },
	"10%":      func() backendtest.Rate { return backendtest.Share(0.1, 7) },
}

var errInjected = errors.New("injected fault")

// cell is one of the matrix.
type cell struct {
	*testing.T
	step, kind string
	sure       bool // that the fault strikes: how many calls are made is the scheduler's

	mu      sync.Mutex
	rate    backendtest.Rate
	met     int
	hits    int
	taken   map[string]int // calls by webhook-id
	effects map[string]string
}

func (c *cell) springs(step string) bool {
	if step != c.step {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.met++; !c.rate(c.met) {
		return false
	}
	c.hits++
	return true
}

// around does something of one step, or what goes wrong in its place.
func (c *cell) around(ctx context.Context, step string, effect func() error) error {
	if !c.springs(step) {
		return effect()
	}
	what, when, _ := strings.Cut(c.kind, " ")
	if when == "after" {
		if err := effect(); err != nil {
			return err
		}
	}
	switch what {
	case "timeout":
		<-ctx.Done()
		return ctx.Err()
	case "panic":
		panic(errInjected)
	}
	return errInjected
}

// struck is a store on which the faults are.
type struck struct {
	backends.Backend
	c               *cell
	enqueue, settle string // what these are called; "" = they are well
}

func (s struck) Unwrap() backends.Backend { return s.Backend }

func (s struck) Enqueue(ctx context.Context, req backends.EnqueueRequest) (out []backends.Enqueued, err error) {
	if failed := s.c.around(ctx, s.enqueue, func() error { out, err = s.Backend.Enqueue(ctx, req); return err }); failed != nil {
		return nil, failed
	}
	return out, err
}

func (s struck) Settle(ctx context.Context, ss []backends.Settlement) (out []error, err error) {
	if failed := s.c.around(ctx, s.settle, func() error { out, err = s.Backend.Settle(ctx, ss); return err }); failed != nil {
		return nil, failed
	}
	return out, err
}

// ServeHTTP is a receiver that keeps the ids it has seen.
func (c *cell) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if err := Verify(r.Header, body, time.Now(), shared); err != nil {
		c.Error(err)
	}
	kind := ""
	if c.kind != "refuses" && c.springs("receiver") {
		kind = c.kind
	}
	if strings.HasSuffix(kind, "after it took") || kind == "" {
		c.take(r.Header.Get("webhook-id"), string(body))
	}
	switch {
	case kind == "500":
		w.WriteHeader(http.StatusInternalServerError)
	case kind == "429":
		w.Header().Set("Retry-After", "120")
		w.WriteHeader(http.StatusTooManyRequests)
	case strings.HasPrefix(kind, "times out"):
		<-r.Context().Done()
	case strings.HasPrefix(kind, "resets"):
		panic(http.ErrAbortHandler)
	}
}

func (c *cell) take(id, body string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.taken[id]++; c.taken[id] == 1 {
		c.effects[id] = body
	} else if c.effects[id] != body {
		c.Errorf("%s came with two bodies", id)
	}
}

const matrixJobs = 30

func (c *cell) play() {
	c.taken, c.effects = map[string]int{}, map[string]string{}
	q := queue.New[int, queue.None](struck{store(c.T), c, "", "settle"}, "whatif")
	webhooks := deliveries(struck{store(c.T), c, "enqueue", "settled"})
	q.Announce = &Announcer{Queue: webhooks, Targets: c.targets}
	sender, net := serving(c.T, c.ServeHTTP)
	sender.Lookup = c.lookup
	if c.kind == "refuses" {
		net.refusing = func() bool { return c.springs("receiver") }
	}
	ctx, stop := context.WithCancel(c.Context())
	handler := worker.New(q, func(_ context.Context, j *queue.Job[int]) (queue.None, error) {
		if j.Args%3 == 0 {
			return queue.None{}, worker.Permanent(errInjected)
		}
		return queue.None{}, nil
	})
	deliverer := sender.Worker(webhooks)
	handler.Logger, deliverer.Logger = slog.New(slog.DiscardHandler), slog.New(slog.DiscardHandler)
	over := make(chan error)
	go func() { over <- worker.Run(ctx, handler, deliverer) }()

	var want []queue.Ref
	for n := range matrixJobs {
		ticket, err := q.Enqueue(ctx, n, queue.Tenant([]string{"zeta", "eta", ""}[n%3]))
		if err != nil {
			c.Fatal(err)
		}
		want = append(want, ticket.Ref)
	}
	c.finish(q.Stats, webhooks.Stats)
	stop()
	if err := <-over; err != nil {
		c.Error(err)
	}
	c.judge(want)
}

func (c *cell) targets(ctx context.Context, _ *queue.Event) (names []string, err error) {
	err = c.around(ctx, "targets", func() error { names = []string{target}; return nil })
	return names, err
}

func (c *cell) lookup(ctx context.Context, _, _ string) (e Endpoint, err error) {
	err = c.around(ctx, "lookup", func() error { e = Endpoint{URL: place, Secrets: []Secret{shared}}; return nil })
	return e, err
}

// finish waits until nothing is left to do, for two weeks at most.
func (c *cell) finish(all ...func(context.Context) (queue.Stats, error)) {
	var left queue.Stats
	for range 14 * 24 * 60 {
		time.Sleep(time.Minute)
		busy := false
		for _, stats := range all {
			st, err := stats(c.Context())
			if err != nil {
				c.Fatal(err)
			}
			if st.Depth() > 0 || st.Running > 0 || st.Owing > 0 {
				busy, left = true, st
			}
		}
		if !busy {
			return
		}
	}
	c.Errorf("stuck: %+v", left)
}

func (c *cell) judge(want []queue.Ref) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hits == 0 && c.sure {
		c.Error("the fault never struck")
	}
	calls := 0
	for _, n := range c.taken {
		calls += n
	}
	repeats := 0
	switch {
	case strings.HasSuffix(c.kind, "after it took"):
		repeats = c.hits
	case c.step == "settled": // a lease may lapse
		repeats = max(0, calls-len(want))
	}
	if calls != len(want)+repeats {
		c.Errorf("%d calls for %d events, struck %d times", calls, len(want), c.hits)
	}
	if len(c.effects) != len(want) {
		c.Errorf("%d effects for %d events", len(c.effects), len(want))
	}
	for _, ref := range want {
		found := 0
		for id := range c.effects {
			if strings.HasPrefix(id, ref.ID+"_") {
				found++
			}
		}
		if found != 1 {
			c.Errorf("job %s has %d events", ref.ID, found)
		}
	}
}
