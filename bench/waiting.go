package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/memory"
	_ "github.com/leat-go/leat/backends/sqlite" // opens sqlite://
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result/endpoint"
)

// audience is a service for whom many wait over HTTP.
type audience struct {
	handler http.Handler
	targets func(n int) []string // what n clients ask for
	mark    string               // what a line begins with that brings an answer
	silent  bool                 // nothing is sent before something changes
	change  func() error         // something that concerns all of them
	close   func()
}

// stage makes an audience of so many.
type stage func(n int) (*audience, error)

// bare is what net/http costs: a handler that sends one event, and a second one when
// it is told.
func bare(int) (*audience, error) {
	var mu sync.Mutex
	news := make(chan struct{})
	return &audience{
		handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			rc := http.NewResponseController(w)
			fmt.Fprint(w, "data: {}\n\n")
			_ = rc.Flush()
			for range 2 {
				mu.Lock()
				next := news
				mu.Unlock()
				select {
				case <-next:
				case <-r.Context().Done():
					return
				}
				fmt.Fprint(w, "data: {}\n\n")
				_ = rc.Flush()
			}
		}),
		targets: same("/"), mark: "data: ",
		change: func() error {
			mu.Lock()
			defer mu.Unlock()
			close(news)
			news = make(chan struct{})
			return nil
		},
		close: func() {},
	}, nil
}

func same(target string) func(int) []string {
	return func(n int) []string {
		all := make([]string, n)
		for i := range all {
			all[i] = target
		}
		return all
	}
}

// watched is an endpoint whose clients wait for so many jobs, all of which run. By
// streams, or by long polls.
func watched(open func() (backends.Backend, func(), error), jobs int, polls bool) stage {
	return func(n int) (*audience, error) {
		b, closed, err := open()
		if err != nil {
			return nil, err
		}
		leases, err := runAll(b, min(cmp.Or(jobs, n), n))
		if err != nil {
			closed()
			return nil, err
		}
		h := endpoint.New(queue.New[args, plan](b, "bench"))
		h.Authorize = func(*http.Request) (string, error) { return "t", nil }
		h.MaxWait = time.Hour
		a := &audience{handler: h, mark: "data: ", silent: polls, close: func() { h.Drain(); closed() }}
		what := "/events"
		if polls {
			a.mark, what = "HTTP/1.1 2", "/result" // 204: there is none
		}
		a.targets = func(n int) []string {
			all := make([]string, n)
			for i := range all {
				all[i] = "/jobs/" + leases[i%len(leases)].Job.ID + what
			}
			return all
		}
		percent := 0.0
		a.change = func() error {
			percent++
			if polls {
				return succeedAll(b, leases)
			}
			beats := make([]backends.Beat, len(leases))
			for i, l := range leases {
				beats[i] = backends.Beat{Lease: l, Progress: &backends.Progress{Percent: percent, Text: "on its way"}}
			}
			_, err := b.Extend(context.Background(), time.Hour, beats)
			return err
		}
		return a, nil
	}
}

// runAll has n jobs run.
func runAll(b backends.Backend, n int) ([]*backends.Lease, error) {
	ctx := context.Background()
	s := &bench{Backend: b, scene: scene{leases: []time.Duration{time.Hour}}}
	jobs := newJobs(n, 1)
	for i := range jobs {
		jobs[i].Tenant, jobs[i].Kind = "t", ""
	}
	if err := s.enqueue(ctx, jobs, 100); err != nil {
		return nil, err
	}
	var all []*backends.Lease
	for len(all) < n {
		some, err := s.claim(ctx, n-len(all))
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

func succeedAll(b backends.Backend, leases []*backends.Lease) error {
	return (&bench{Backend: b}).commit(context.Background(), leases, nil)
}

func inMemory() (backends.Backend, func(), error) {
	b := memory.New(memory.Options{})
	return b, func() { b.Close() }, nil
}

func inOneFile() (backends.Backend, func(), error) {
	dir, err := newFolder()
	if err != nil {
		return nil, nil, err
	}
	b, err := backends.Open(context.Background(), "sqlite://"+filepath.Join(dir, "jobs.db"))
	return b, func() { b.Close(); os.RemoveAll(dir) }, err
}

// hold has n clients wait, and measures what each of them costs the server, and how long
// it takes from a change until the last of them knows.
func (s stage) hold(n int) (out sample, err error) {
	out.Jobs = n
	a, err := s(n)
	if err != nil {
		return out, err
	}
	defer a.close()
	var waiting atomic.Int64
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		waiting.Add(1)
		a.handler.ServeHTTP(w, r)
	})}
	defer server.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return out, err
	}
	go server.Serve(l)
	targets := a.targets(n)
	before := heap()
	c, err := startClients(l.Addr().String(), a.mark, targets)
	if err != nil {
		return out, err
	}
	defer c.stop()
	if !a.silent {
		if err := c.allHave(); err != nil {
			return out, err
		}
	}
	for waiting.Load() < int64(n) {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(500 * time.Millisecond) // so that all sit
	for range 3 {                      // each collection halves the stacks that are too large
		runtime.GC()
	}
	out.Bytes = heap() - before
	runtime.KeepAlive(targets)
	start := time.Now()
	if err := a.change(); err != nil {
		return out, err
	}
	err = c.allHave()
	out.P50 = time.Since(start)
	return out, err
}

// above is what a client costs beyond one of the bare handler, in the same run.
func (s stage) above(n int) (sample, error) {
	floor, err := stage(bare).hold(n)
	if err != nil {
		return floor, err
	}
	out, err := s.hold(n)
	out.Bytes -= floor.Bytes
	return out, err
}
