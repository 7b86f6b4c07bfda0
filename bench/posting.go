package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result/endpoint"
)

// posting is a queue in one file, and an endpoint before it.
type posting struct {
	q      *queue.Queue[args, plan]
	server *httptest.Server
	dir    string
}

func newPosting() (*posting, error) {
	dir, err := newFolder()
	if err != nil {
		return nil, err
	}
	q, err := queue.Open[args, plan](context.Background(), leatURL(filepath.Join(dir, "jobs.db")))
	if err != nil {
		return nil, err
	}
	h := endpoint.New(q)
	h.Authorize = func(*http.Request) (string, error) { return "t", nil }
	return &posting{q, httptest.NewServer(h), dir}, nil
}

func (p *posting) close() {
	p.server.Close()
	if err := p.q.Close(); err != nil {
		panic(err) // nobody uses it any more
	}
	os.RemoveAll(p.dir)
}

func (p *posting) enqueue() error {
	_, err := p.q.Enqueue(context.Background(), newArgs(), queue.Tenant("t"))
	return err
}

// post is a round trip of a client that keeps its connection.
func (p *posting) post() error {
	body, err := json.Marshal(newArgs())
	if err != nil {
		return err
	}
	a, err := p.server.Client().Post(p.server.URL+"/jobs", "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer a.Body.Close()
	if _, err := io.Copy(io.Discard, a.Body); err != nil || a.StatusCode != http.StatusAccepted {
		return fmt.Errorf("status %d, %v", a.StatusCode, err)
	}
	return nil
}

// posts measures a POST and the Enqueue of such a job in turn, one by one: what the one
// takes, the other, and what is between them.
func posts(n int, of func(post, enqueue time.Duration) time.Duration) (out sample, err error) {
	out.Jobs = n
	p, err := newPosting()
	if err != nil {
		return out, err
	}
	defer p.close()
	var took [2][]time.Duration
	for i := range 2 * n {
		call := p.post
		if i%2 == 1 {
			call = p.enqueue
		}
		start := time.Now()
		if err := call(); err != nil {
			return out, err
		}
		took[i%2] = append(took[i%2], time.Since(start))
	}
	out.P50 = of(middle(took[0]), middle(took[1]))
	return out, nil
}
