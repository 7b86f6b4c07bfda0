package worker_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// asked is what a GET of an http.Handler answered.
func asked(h http.Handler, method string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(method, "/scale/answers", nil))
	return rec
}

// looks counts the Stats that reach a store.
type looks struct {
	backends.Backend
	backends.Operator
	mu    sync.Mutex
	count int
	slow  time.Duration
	fails error
}

func (l *looks) Unwrap() backends.Backend { return l.Backend }

func (l *looks) Stats(ctx context.Context, name string) (backends.Stats, error) {
	l.mu.Lock()
	l.count++
	slow, fails := l.slow, l.fails
	l.mu.Unlock()
	select {
	case <-time.After(slow):
	case <-ctx.Done():
		return backends.Stats{}, ctx.Err()
	}
	if fails != nil {
		return backends.Stats{}, fails
	}
	return l.Operator.Stats(ctx, name)
}

func (l *looks) set(slow time.Duration, fails error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.slow, l.fails = slow, fails
}

func (l *looks) many() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count
}

// counted puts looks before the scene's store.
func (s *scene) counted() *looks {
	op, _ := backends.As[backends.Operator](s.store)
	l := &looks{Backend: s.store, Operator: op}
	s.q = queue.New[ask, int](l, "answers")
	return l
}

// What an autoscaler reads, to the letter: docs/scaling.md and what users have written
// down depend on these names. Nothing of a tenant is among it.
func TestScaleAnswersWithNumbers(t *testing.T) {
	play(t, func(s *scene) {
		scale := worker.NewScale(s.q)
		scale.Slots, scale.Takes, scale.Drain = 2, 30*time.Second, time.Minute
		if got, want := asked(scale, "GET").Body.String(), `{"queue":"answers","depth":0,"queued":0,"inFlight":0,"oldestAgeSeconds":0,"desired":0}`+"\n"; got != want {
			t.Errorf("got %s want %s", got, want)
		}
		w := s.worker(waits(10 * time.Minute))
		w.Concurrency, w.RunLimit, w.Grace = 4, time.Hour, time.Hour
		s.start(w)
		scale.Workers = []worker.Probed{w}
		s.enqueueAll(6, queue.Tenant("zeta"))
		s.enqueue(9, queue.Tenant("eta"), queue.Delay(time.Hour))
		pass(1500 * time.Millisecond)
		rec := asked(scale, "GET")
		want := `{"queue":"answers","depth":3,"queued":2,"inFlight":4,"oldestAgeSeconds":1.5,"utilisation":1,"desired":2}` + "\n"
		if got := rec.Body.String(); rec.Code != 200 || got != want {
			t.Errorf("%d, got %s want %s", rec.Code, got, want)
		}
		if h := rec.Result().Header; h.Get("Content-Type") != "application/json" || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%v", h)
		}
	})
}

// The share of the slots that are taken is that of those that count.
func TestScaleUtilisation(t *testing.T) {
	play(t, func(s *scene) {
		one, two := s.worker(waits(15*time.Second)), s.worker(waits(15*time.Second))
		one.Concurrency, two.Concurrency = 8, 8
		one.Limiter = &told{limit: 3}
		two.Limiter = &told{limit: 1}
		scale := worker.NewScale(s.q)
		scale.Workers = []worker.Probed{one, two}
		expect := func(want float64) {
			t.Helper()
			load, err := scale.Load(s.Context())
			match(s, err, nil)
			if load.Utilisation == nil || *load.Utilisation != want {
				t.Errorf("%+v, want %v", load, want)
			}
		}
		expect(0) // nobody works yet
		s.start(one)
		s.start(two)
		s.enqueueAll(1)
		pass(time.Second)
		expect(0.25)
		s.enqueueAll(9)
		pass(time.Second)
		expect(1)
		pass(time.Hour)
		expect(0)
	})
}

// A scraper can't hammer the store: of a hundred who ask at a time one looks, and who asks
// within a second gets what it found.
func TestScaleAsksTheStoreOnceASecond(t *testing.T) {
	play(t, func(s *scene) {
		l := s.counted()
		l.set(100*time.Millisecond, nil)
		scale := worker.NewScale(s.q)
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if rec := asked(scale, "GET"); rec.Code != 200 {
					t.Errorf("%d", rec.Code)
				}
			})
		}
		all.Wait()
		pass(999 * time.Millisecond)
		asked(scale, "GET")
		if n := l.many(); n != 1 {
			t.Errorf("the store was asked %d times within a second", n)
		}
		pass(time.Millisecond)
		asked(scale, "GET")
		if n := l.many(); n != 2 {
			t.Errorf("after a second it was asked %d times in all", n)
		}
	})
}

// Who looks does so for others, and isn't broken off when its own client leaves; who
// waits may leave.
func TestScaleClientsMayLeave(t *testing.T) {
	play(t, func(s *scene) {
		l := s.counted()
		l.set(2*time.Second, nil)
		scale := worker.NewScale(s.q)
		ctx, cancel := context.WithTimeout(s.Context(), time.Second)
		defer cancel()
		var all sync.WaitGroup
		all.Go(func() {
			_, err := scale.Load(ctx)
			match(t, err, nil)
		})
		pass(time.Millisecond)
		all.Go(func() {
			_, err := scale.Load(ctx)
			match(t, err, context.DeadlineExceeded)
			if since() != time.Second {
				t.Errorf("it left after %v", since())
			}
		})
		all.Go(func() {
			_, err := scale.Load(s.Context())
			match(t, err, nil)
		})
		all.Wait()
	})
}

func TestScaleSaysWhyNot(t *testing.T) {
	play(t, func(s *scene) {
		l := s.counted()
		scale := worker.NewScale(s.q)
		for _, c := range []struct {
			name, method string
			slow         time.Duration
			fails        error
			code         int
			word         string
		}{
			{"a backend that doesn't count", "GET", 0, errors.ErrUnsupported, 501, "unsupported"},
			{"a store that is away", "GET", 0, errors.New("dial tcp 10.1.2.3: refused"), 503, "unavailable"},
			{"a store that hangs", "HEAD", time.Hour, nil, 503, "unavailable"},
			{"a verb that is none", "POST", 0, nil, 405, "method-not-allowed"},
		} {
			l.set(c.slow, c.fails)
			pass(time.Minute)
			begun := since()
			rec := asked(scale, c.method)
			var problem struct {
				Type, Title string
				Status      int
			}
			err := json.Unmarshal(rec.Body.Bytes(), &problem)
			if rec.Code != c.code || err != nil || problem.Status != c.code || problem.Type != "urn:leat:problem:"+c.word || problem.Title == "" {
				t.Errorf("%s: %d %s", c.name, rec.Code, rec.Body)
			}
			if strings.Contains(rec.Body.String(), "10.1.2.3") || rec.Result().Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s: %s", c.name, rec.Body)
			}
			if took := since() - begun; took > 5*time.Second {
				t.Errorf("%s: after %v", c.name, took)
			}
		}
	})
}

// A backend without operator verbs is told from one that is away.
func TestScaleOfABackendWithoutStats(t *testing.T) {
	play(t, func(s *scene) {
		s.q = queue.New[ask, int](plain{s.store}, "answers")
		if rec := asked(worker.NewScale(s.q), "GET"); rec.Code != 501 {
			t.Errorf("%d %s", rec.Code, rec.Body)
		}
		if rec := asked(worker.NewScale(queue.New[ask, int](nil, "")), "GET"); rec.Code != 503 {
			t.Errorf("a queue that nobody made: %d %s", rec.Code, rec.Body)
		}
	})
}

// plain is a backend that hides its operator.
type plain struct{ b backends.Backend }

func (p plain) Enqueue(ctx context.Context, r backends.EnqueueRequest) ([]backends.Enqueued, error) {
	return p.b.Enqueue(ctx, r)
}

func (p plain) Claim(ctx context.Context, r backends.ClaimRequest) ([]*backends.Lease, error) {
	return p.b.Claim(ctx, r)
}

func (p plain) Extend(ctx context.Context, d time.Duration, bs []backends.Beat) ([]error, error) {
	return p.b.Extend(ctx, d, bs)
}

func (p plain) Settle(ctx context.Context, ss []backends.Settlement) ([]error, error) {
	return p.b.Settle(ctx, ss)
}

func (p plain) Lookup(ctx context.Context, ref backends.Ref, since uint64) (*backends.Record, error) {
	return p.b.Lookup(ctx, ref, since)
}
func (p plain) Cells() backends.Cells       { return p.b.Cells() }
func (p plain) Features() backends.Features { return p.b.Features() }
func (p plain) Close() error                { return nil }

// Metrics cost one look per collection, and end when they are told to.
func TestScaleMeasures(t *testing.T) {
	play(t, func(s *scene) {
		l := s.counted()
		g := s.gauged()
		scale := worker.NewScale(s.q)
		scale.Slots = 1
		stop := scale.Measure(g.metrics)
		s.enqueueAll(3)
		s.enqueue(9, queue.Delay(time.Hour))
		s.claim(time.Minute)
		pass(10 * time.Second)
		want := []string{
			"leat.queue.depth 0 held", "leat.queue.depth 1 scheduled", "leat.queue.depth 2 queued",
			"leat.queue.desired 1 ", "leat.queue.in_flight 1 ", "leat.queue.oldest_age 10 ",
		}
		if diff := cmp.Diff(want, g.gauges(s)); diff != "" {
			t.Errorf("want -, got +\n%s", diff)
		}
		if n := l.many(); n != 1 {
			t.Errorf("one collection asked the store %d times", n)
		}
		pass(time.Minute)
		l.set(0, errors.ErrUnsupported)
		if got := g.gauges(s); len(got) != 0 {
			t.Errorf("of a store that doesn't count: %q", got)
		}
		stop()
		pass(time.Minute)
		g.gauges(s)
		if n := l.many(); n != 2 {
			t.Errorf("the store was asked %d times, twice before the stop", n)
		}
	})
}

// gauges reads them: name, value, state.
func (g *gauge) gauges(s *scene) (got []string) {
	var all metricdata.ResourceMetrics
	match(s, g.reader.Collect(s.Context(), &all), nil)
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Gauge[int64]:
				for _, p := range data.DataPoints {
					got = append(got, point(m.Name, p))
				}
			case metricdata.Gauge[float64]:
				for _, p := range data.DataPoints {
					got = append(got, point(m.Name, p))
				}
			}
		}
	}
	slices.Sort(got)
	return got
}

func point[N int64 | float64](name string, p metricdata.DataPoint[N]) string {
	state, _ := p.Attributes.Value("leat.job.state")
	value, _ := json.Marshal(p.Value)
	return name + " " + string(value) + " " + state.AsString()
}

// It sees through what stands before a store.
func TestScaleSeesThroughDecorators(t *testing.T) {
	play(t, func(s *scene) {
		s.q = queue.New[ask, int](backendtest.NewFaulty(s.store), "answers")
		s.enqueueAll(3)
		if load, err := worker.NewScale(s.q).Load(s.Context()); err != nil || load.Queued != 3 {
			t.Errorf("%+v, %v", load, err)
		}
	})
}
