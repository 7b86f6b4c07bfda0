package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gocloud.dev/blob/memblob"
	"gocloud.dev/pubsub/mempubsub"

	"github.com/leat-go/leat/examples/whatif/optimiser"
	"github.com/leat-go/leat/examples/whatif/partner"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/queue/blobbucket"
	"github.com/leat-go/leat/result/announce"
	"github.com/leat-go/leat/worker"
)

// stage is the whole story in virtual time: the network is pipes, a question takes a
// tenth of a second, and the topic and the bucket fail when they are told to.
type stage struct {
	*story
	t       *testing.T
	outage  outage
	network pipes
	client  *http.Client

	mu    sync.Mutex
	stops []func()
}

func newStage(t *testing.T, c cast) *stage {
	t.Helper()
	q, err := queue.Open[optimiser.Settings, optimiser.Plan](t.Context(), "memory://?queue=whatif")
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, network: pipes{make(chan net.Conn), make(chan struct{}), &sync.Once{}}}
	blobs := memblob.OpenBucket(nil)
	topic := mempubsub.NewTopic()
	m := &means{queue: q, ready: mempubsub.NewSubscription(topic, time.Minute)}
	m.use(&frailBucket{blobbucket.New(blobs), &s.outage})
	q.Announce = &frailTopic{announce.To(topic), &s.outage}
	m.closers = append(m.closers, func(context.Context) error { return q.Close() }, topic.Shutdown, m.ready.Shutdown,
		func(context.Context) error { return blobs.Close() })
	s.story = newStory(m, c)
	s.handle = slowly(s.handle)
	s.log = slog.New(slog.DiscardHandler) // outages are meant
	s.client = &http.Client{Transport: &http.Transport{DialContext: s.network.dial, MaxIdleConnsPerHost: 1000}}
	s.background(func(ctx context.Context) error { return s.serve(ctx, s.network) })
	return s
}

// slowly makes a question take a tenth of a second, unless it is told to stop.
func slowly(h worker.Handler[optimiser.Settings, optimiser.Plan]) worker.Handler[optimiser.Settings, optimiser.Plan] {
	return func(ctx context.Context, job *queue.Job[optimiser.Settings]) (optimiser.Plan, error) {
		select {
		case <-ctx.Done():
			return optimiser.Plan{}, context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
			return h(ctx, job)
		}
	}
}

// background runs f until what it returns is called.
func (s *stage) background(f func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Error(err)
		}
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stops = append(s.stops, stop)
	return stop
}

func (s *stage) work() (stop func()) {
	return s.background(func(ctx context.Context) error { return worker.Run(ctx, s.worker(4)) })
}

// play lets the partners play to the end, and returns the report.
func (s *stage) play(c cast) report {
	s.t.Helper()
	partners := c.partners("http://portal", s.client)
	if err := play(s.t.Context(), partners); err != nil {
		s.t.Error(err)
	}
	r, err := s.report(s.t.Context(), partners, c.largest)
	if err != nil {
		s.t.Error(err)
	}
	return r
}

func (s *stage) close() {
	s.client.CloseIdleConnections()
	for i := len(s.stops) - 1; i >= 0; i-- {
		s.stops[i]()
	}
	if err := s.means.close(s.t.Context()); err != nil {
		s.t.Error(err)
	}
	time.Sleep(time.Second) // virtual: a pull of mempubsub outlives its subscription by a quarter
	synctest.Wait()
}

// kept holds a report against what the story promises.
func (r report) kept(t *testing.T) {
	t.Helper()
	a := r.all
	if a.Lost+a.Duplicated+a.Wrong+a.Faults+a.Dead+a.Expired != 0 {
		t.Errorf("lost %d, duplicated %d, wrong %d, 500s %d, dead %d, expired %d", a.Lost, a.Duplicated, a.Wrong, a.Faults, a.Dead, a.Expired)
	}
	if a.Succeeded+a.Superseded+a.Cancelled != a.Promised || r.events != a.Promised || r.writebacks != a.Succeeded {
		t.Errorf("of %d promised %d succeeded, %d superseded, %d cancelled; %d events, %d write-backs",
			a.Promised, a.Succeeded, a.Superseded, a.Cancelled, r.events, r.writebacks)
	}
	if a.Succeeded == 0 || a.Superseded == 0 || a.Cancelled == 0 || a.After >= a.Before {
		t.Errorf("nothing happened: %+v", partner.Account{Promised: a.Promised, Succeeded: a.Succeeded, Before: a.Before})
	}
}

// pipes is a network of one listener.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   *sync.Once
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "portal"} }

func (p pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
