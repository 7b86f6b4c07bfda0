package webhook

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/leat-go/leat/queue"
)

// pipes is a network in memory, on which one server listens: in a bubble nothing
// can wait for a real one.
type pipes struct {
	conns chan net.Conn
	over  chan struct{}
	once  sync.Once

	mu       sync.Mutex
	dialled  []string
	refusing func() bool // nil = never
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), over: make(chan struct{})} }

func (p *pipes) connect(ctx context.Context, _, address string) (net.Conn, error) {
	p.mu.Lock()
	p.dialled = append(p.dialled, address)
	refused := p.refusing != nil && p.refusing()
	p.mu.Unlock()
	if refused {
		return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	}
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.over:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.over:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.over) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.IPAddr{} }

// The one target that most tests have.
const (
	target = "billing"
	place  = "http://receiver.example/hooks?canary=query"
)

var shared = NewSecret()

// quiet is where servers log what tests do to them.
var quiet = log.New(io.Discard, "", 0)

// serving returns a Sender whose every connection leads to a server with handler.
func serving(t *testing.T, handler http.HandlerFunc) (*Sender, *pipes) {
	net := newPipes()
	server := &http.Server{Handler: handler, ErrorLog: quiet}
	var all sync.WaitGroup
	all.Go(func() { _ = server.Serve(net) })
	s := &Sender{AllowHTTP: true, connect: net.connect, Lookup: func(context.Context, string, string) (Endpoint, error) {
		return Endpoint{URL: place, Secrets: []Secret{shared}}, nil
	}}
	t.Cleanup(func() {
		s.CloseIdleConnections()
		_ = server.Shutdown(context.Background()) // waits for handlers
		all.Wait()
	})
	return s, net
}

// job is the first attempt of a delivery.
func job() *queue.Job[Delivery] {
	e := ended("K7XQ.1")
	return &queue.Job[Delivery]{
		Tenant: "zeta", Attempt: 1,
		Args: Delivery{ID: messageID(e.ID), Target: target, Message: newMessage(&e)},
	}
}

// ended is an event.
func ended(id string) queue.Event {
	return queue.Event{
		ID: id, Queue: "whatif", Ref: queue.Ref{Tenant: "zeta", ID: "job of " + id}, Generation: 1, Order: 1,
		State: queue.Succeeded, Attempt: 1, Created: time.Unix(1796810000, 0), Ended: time.Unix(1796810100, 0),
	}
}

// answers is a handler that says a status.
func answers(status int, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		if status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified {
			_, _ = io.WriteString(w, "canary: what a receiver says")
		}
	}
}

// hangs is a handler that takes a call-back and doesn't answer. A server sees that
// the other side has gone when it has read the body.
func hangs(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.ReadAll(r.Body)
	<-r.Context().Done()
}

// fixed is a Lookup that knows one endpoint.
func fixed(url string, secrets ...Secret) func(context.Context, string, string) (Endpoint, error) {
	return func(context.Context, string, string) (Endpoint, error) {
		return Endpoint{URL: url, Secrets: secrets}, nil
	}
}
