package main

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// stage is the service in virtual time, behind a network of pipes.
type stage struct {
	*service
	t       *testing.T
	flags   flags
	network pipes
	stop    context.CancelFunc
	done    chan error
}

// newStage must be called inside a bubble. What set changes is there from the start.
func newStage(t *testing.T, f flags, set ...func(*service)) *stage {
	t.Helper()
	s, err := newService(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range set {
		change(s)
	}
	st := &stage{service: s, t: t, flags: f, network: pipes{make(chan net.Conn), make(chan struct{}), &sync.Once{}}, done: make(chan error, 1)}
	ctx, stop := context.WithCancel(t.Context())
	st.stop = stop
	go func() { st.done <- s.run(ctx, st.network) }()
	return st
}

func (s *stage) transport() *http.Transport {
	return &http.Transport{DialContext: s.network.dial, MaxIdleConnsPerHost: 200}
}

// end stops the service; it returns without an error.
func (s *stage) end() {
	s.t.Helper()
	s.stop()
	if err := <-s.done; err != nil {
		s.t.Error(err)
	}
}

func (s *stage) close() {
	s.t.Helper()
	if err := s.service.close(); err != nil {
		s.t.Error(err)
	}
	synctest.Wait()
}

// memory are the flags of a story in virtual time.
func memory() flags {
	return flags{queue: "memory://?queue=plans", pace: 400 * time.Millisecond, workers: 4, watchers: 20, json: true}
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
