package endpoint_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// wire is a network in the process, on which a bubble's time can pass.
type wire struct {
	conns chan net.Conn
	done  chan struct{}
}

func (w *wire) Accept() (net.Conn, error) {
	select {
	case c := <-w.conns:
		return c, nil
	case <-w.done:
		return nil, net.ErrClosed
	}
}

func (w *wire) Close() error   { close(w.done); return nil }
func (w *wire) Addr() net.Addr { return &net.UnixAddr{} }

func (w *wire) connect() net.Conn {
	here, there := net.Pipe()
	w.conns <- there
	return here
}

// service is a site behind a real http.Server.
type service struct {
	*site
	*wire
	server *http.Server
	client *http.Client
}

// listen serves a site, over HTTP/1.1 unless edit says otherwise, until the test ends.
func (s *site) listen(edit ...func(*http.Server, *http.Transport)) *service {
	w := &wire{make(chan net.Conn), make(chan struct{})}
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return w.connect(), nil }}
	v := &service{s, w, &http.Server{Handler: s.h}, &http.Client{Transport: transport}}
	for _, e := range edit {
		e(v.server, transport)
	}
	go v.server.Serve(w)
	s.Cleanup(func() {
		transport.CloseIdleConnections()
		v.server.Close()
	})
	return v
}

// http2 has client and server speak that.
func http2(s *http.Server, t *http.Transport) {
	s.Protocols, t.Protocols = new(http.Protocols), new(http.Protocols)
	s.Protocols.SetUnencryptedHTTP2(true)
	t.Protocols.SetUnencryptedHTTP2(true)
}

// hasty has a server that gives everything a second.
func hasty(s *http.Server, _ *http.Transport) {
	s.ReadHeaderTimeout, s.ReadTimeout, s.WriteTimeout = time.Second, time.Second, time.Second
}

// get asks as the tenant zeta does. Headers are pairs.
func (v *service) ask(method, path, body string, headers ...string) *http.Response {
	v.Helper()
	r, err := http.NewRequestWithContext(v.Context(), method, "http://site"+path, strings.NewReader(body))
	if err != nil {
		v.Fatal(err)
	}
	r.Header = request(method, path, "", headers...).Header
	a, err := v.client.Do(r)
	if err != nil {
		v.Fatal(err)
	}
	return a
}

// watcher reads a stream of events.
type watcher struct {
	*testing.T
	answer *http.Response
	lines  *bufio.Scanner
}

func (v *service) watch(self string, headers ...string) *watcher {
	v.Helper()
	a := v.ask("GET", self+"/events", "", headers...)
	if a.StatusCode != 200 || a.Header.Get("Content-Type") != "text/event-stream" || a.Header.Get("Cache-Control") != "no-store" {
		v.Fatalf("%d %v", a.StatusCode, a.Header)
	}
	return &watcher{v.T, a, bufio.NewScanner(a.Body)}
}

// event is one of a stream, or a comment.
type event struct {
	id, data string
	comment  bool
}

// next is the next of a stream; false at its end. What says when to come back is left out.
func (w *watcher) next() (event, bool) {
	w.Helper()
	var e event
	for w.lines.Scan() {
		name, value, _ := strings.Cut(w.lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case w.lines.Text() == "":
			if e != (event{}) {
				return e, true
			}
		case name == "":
			e.comment = true
		case name == "id":
			e.id = value
		case name == "data":
			e.data += value
		case name != "retry":
			w.Errorf("line %q", w.lines.Text())
		}
	}
	return e, false
}

func (w *watcher) close() { w.answer.Body.Close() }

// drained reads an answer to its end.
func drained(t *testing.T, a *http.Response) string {
	t.Helper()
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	if err != nil {
		t.Error(err)
	}
	return string(body)
}
