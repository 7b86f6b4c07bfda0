package endpoint_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/queue"
)

// dial opens a connection to a site, on which nobody waits for ever.
func (s *site) dial(server *httptest.Server) net.Conn {
	s.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err == nil {
		err = conn.SetDeadline(time.Now().Add(20 * time.Second))
	}
	if err != nil {
		s.Fatal(err)
	}
	return conn
}

// TestRow_G1_ABodyThatNeverComes: who sends a byte now and then must not hold a request,
// and its memory, for as long as it likes, on a server that has no timeouts.
func TestRow_G1_ABodyThatNeverComes(t *testing.T) {
	s := newSite(t)
	s.h.MaxWait = 200 * time.Millisecond
	server := httptest.NewServer(s.h)
	defer server.Close()
	conn := s.dial(server)
	defer conn.Close()
	fmt.Fprintf(conn, "POST /jobs HTTP/1.1\r\nHost: x\r\nTenant: zeta\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"SKU\":")
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != 400 || !answer.Close {
		t.Errorf("status %d, connection closed: %v", answer.StatusCode, answer.Close)
	}
	if n := s.jobs(); n != 0 {
		t.Errorf("%d jobs", n)
	}
}

// late is a bucket whose objects come in two parts, with a pause between.
type late struct {
	bucket
	pause time.Duration
}

func (l *late) Open(ctx context.Context, _ string) (io.ReadCloser, error) {
	r, w := io.Pipe()
	go func() {
		fmt.Fprint(w, "[1,")
		select {
		case <-time.After(l.pause):
			fmt.Fprint(w, "2]")
			w.Close()
		case <-ctx.Done():
			w.CloseWithError(ctx.Err())
		}
	}()
	return r, nil
}

// What bounds a body bounds nothing else: a large result takes its time, and a connection
// serves the next request.
func TestRow_G1_TheTimeForABodyIsForThatAlone(t *testing.T) {
	s := newSite(t)
	s.h.MaxWait = 200 * time.Millisecond
	s.q.Bucket, s.q.Inline = &late{pause: 3 * s.h.MaxWait}, 100
	trusting := s.h.Authorize
	s.h.Authorize = func(r *http.Request) (string, error) {
		if r.Method == "GET" {
			_, _ = io.ReadAll(r.Body)
		}
		return trusting(r)
	}
	server := httptest.NewServer(s.h)
	defer server.Close()
	conn := s.dial(server)
	defer conn.Close()
	in := bufio.NewReader(conn)
	fmt.Fprintf(conn, "POST /jobs HTTP/1.1\r\nHost: x\r\nTenant: zeta\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
	accepted, err := http.ReadResponse(in, nil)
	if err != nil || accepted.StatusCode != 202 {
		t.Fatal(accepted, err)
	}
	accepted.Body.Close()
	l := s.Claim()
	s.Settle(backends.Settlement{
		Lease: l, Verb: backends.Commit, Outcome: queue.Succeeded, Stored: "2026-12-09/8a4f2c1e-0b6c-4d53-9d3f-5b2a7c9e1f00",
	})
	fmt.Fprintf(conn, "GET %s/result HTTP/1.1\r\nHost: x\r\nTenant: zeta\r\nContent-Length: 2\r\n\r\n{}", accepted.Header.Get("Location"))
	result, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer result.Body.Close()
	if text, err := io.ReadAll(result.Body); err != nil || string(text) != "[1,2]" {
		t.Errorf("%d %q, %v", result.StatusCode, text, err)
	}
}
