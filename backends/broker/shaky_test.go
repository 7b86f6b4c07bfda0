package broker_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/backendtest/simulate"
	"github.com/leat-go/leat/backends/broker"
)

var errShaken = errors.New("shaken")

// shaky fails one call in ten, before its effect or after it, gives some messages
// twice, and some in another order: what brokers and record stores do, all of it,
// more often than they do.
type shaky struct {
	broker.Transport
	records broker.Records

	mu  sync.Mutex
	rnd *rand.Rand
}

func (s *shaky) oneIn(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rnd.IntN(n) == 0
}

// shaken makes a call, perhaps.
func shaken[T any](s *shaky, do func() (T, error)) (T, error) {
	var none T
	if s.oneIn(20) {
		return none, errShaken
	}
	v, err := do()
	if s.oneIn(20) {
		return none, errShaken
	}
	return v, err
}

// each fails some items of a list, and does the others.
func each[T any](s *shaky, items []T, do func([]T) ([]error, error)) ([]error, error) {
	errs := make([]error, len(items))
	for i := range items {
		_, errs[i] = shaken(s, func() (struct{}, error) {
			one, err := do(items[i : i+1])
			return struct{}{}, errors.Join(append(one, err)...)
		})
	}
	return errs, nil
}

func (s *shaky) Send(ctx context.Context, ms []broker.Message) ([]error, error) {
	return each(s, ms, func(ms []broker.Message) ([]error, error) {
		if s.oneIn(20) { // a client that repeats
			_, _ = s.Transport.Send(ctx, ms)
		}
		return s.Transport.Send(ctx, ms)
	})
}

func (s *shaky) Receive(ctx context.Context, limit int, lease time.Duration) ([]*broker.Delivery, error) {
	return shaken(s, func() ([]*broker.Delivery, error) {
		ds, err := s.Transport.Receive(ctx, limit, lease)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.rnd.Shuffle(len(ds), func(i, j int) { ds[i], ds[j] = ds[j], ds[i] })
		return ds, err
	})
}

func (s *shaky) Ack(ctx context.Context, ds []*broker.Delivery) ([]error, error) {
	return each(s, ds, func(ds []*broker.Delivery) ([]error, error) { return s.Transport.Ack(ctx, ds) })
}

func (s *shaky) Nack(ctx context.Context, ns []broker.Nack) ([]error, error) {
	return each(s, ns, func(ns []broker.Nack) ([]error, error) { return s.Transport.Nack(ctx, ns) })
}

func (s *shaky) Extend(ctx context.Context, d time.Duration, ds []*broker.Delivery) ([]error, error) {
	return each(s, ds, func(ds []*broker.Delivery) ([]error, error) { return s.Transport.Extend(ctx, d, ds) })
}

func (s *shaky) Get(ctx context.Context, key string, hint backends.Version) (v []byte, version backends.Version, err error) {
	_, err = shaken(s, func() (struct{}, error) {
		v, version, err = s.records.Get(ctx, key, hint)
		return struct{}{}, err
	})
	return v, version, err
}

func (s *shaky) Put(ctx context.Context, key string, v []byte, prev backends.Version, expire time.Time) (backends.Version, error) {
	return shaken(s, func() (backends.Version, error) { return s.records.Put(ctx, key, v, prev, expire) })
}

// watched is a Backend on a shaky pair, for those who look on without being
// shaken themselves.
type watched struct {
	*broker.Backend
	calm *broker.Backend
}

func (w watched) Lookup(ctx context.Context, ref backends.Ref, since uint64) (*backends.Record, error) {
	return w.calm.Lookup(ctx, ref, since)
}

// Enqueue says of one job what it would say of the call: nobody knows.
func (w watched) Enqueue(ctx context.Context, req backends.EnqueueRequest) ([]backends.Enqueued, error) {
	out, err := w.Backend.Enqueue(ctx, req)
	if err == nil && len(out) == 1 && errors.Is(out[0].Err, errShaken) {
		return nil, errShaken
	}
	return out, err
}

func shakyHarness(f broker.TransportFeatures) backendtest.Harness {
	seed := uint64(0)
	return backendtest.Harness{Virtual: true, Open: func(*testing.T) backends.Backend {
		seed++
		s := opened(f, true)
		o := quiet()
		if f.FIFO {
			o.Group = groupOfOne
		}
		sh := &shaky{Transport: opening{s.pipe}, records: s.shelf, rnd: rand.New(rand.NewPCG(seed, 7))}
		return watched{broker.New(sh, sh, o), s.Backend}
	}}
}

// TestSimulation_A1_Shaky has a broker and a record store that fail, too.
func TestSimulation_A1_Shaky(t *testing.T) {
	hops := standardFacts()
	hops.Name, hops.MaxDelay, hops.MaxNack = "pipe.hops", 5*time.Second, 5*time.Second
	for _, f := range []broker.TransportFeatures{standardFacts(), fifoFacts(), hops} {
		t.Run(f.Name, func(t *testing.T) { simulate.Run(t, shakyHarness(f), 10_000) })
	}
}
