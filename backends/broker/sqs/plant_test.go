package sqs_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// works is a queue of numbers, and what became of them.
type works struct {
	*pair
	q    *queue.Queue[int, int]
	took time.Duration // of each job

	mu   sync.Mutex
	runs map[int]int

	health func() worker.Health // of the worker that was started last
}

func newWorks(p *pair, took time.Duration) *works {
	return worksOn(p.again(), took)
}

func worksOn(p *pair, took time.Duration) *works {
	return &works{pair: p, q: queue.New[int, int](p, "jobs"), took: took, runs: map[int]int{}}
}

// enqueue sends the numbers from 0 to n-1 in tens.
func (w *works) enqueue(n int) {
	w.t.Helper()
	for from := 0; from < n; from += 10 {
		if err := w.send(from, min(from+10, n)); err != nil {
			w.t.Fatal(err)
		}
	}
}

// enqueueInTheEnd repeats what failed, each number under a key of its own.
func (w *works) enqueueInTheEnd(n int) {
	w.t.Helper()
	for from := 0; from < n; from += 10 {
		for w.send(from, min(from+10, n)) != nil {
			<-time.After(time.Second)
		}
	}
}

func (w *works) send(from, to int) error {
	var items []queue.Item[int]
	for i := from; i < to; i++ {
		var o []queue.Option
		if w.shelf != nil { // a repeated send is the same job
			o = append(o, queue.Key(strconv.Itoa(i)))
		}
		items = append(items, queue.With(i, o...))
	}
	out, err := w.q.EnqueueAll(w.t.Context(), items)
	for _, o := range out {
		err = errors.Join(err, o.Err)
	}
	return err
}

func (w *works) handle(ctx context.Context, job *queue.Job[int]) (int, error) {
	w.mu.Lock()
	w.runs[job.Args]++
	w.mu.Unlock()
	if w.took > 0 {
		select {
		case <-time.After(w.took):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return job.Args, nil
}

// start runs a worker of sixteen slots until the returned func is called.
func (w *works) start() (stop func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	wk := worker.New(w.q, w.handle)
	wk.Concurrency, w.health = 16, wk.Health
	done := make(chan error, 1)
	go func() { done <- worker.Run(ctx, wk) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	}
}

// drained waits until the queue is empty.
func (w *works) drained(within time.Duration) {
	w.t.Helper()
	for end := time.Now().Add(within); w.server.Depth(w.url) > 0; <-time.After(100 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("%d messages are left after %v", w.server.Depth(w.url), within)
		}
	}
}

// done is how many jobs have begun, at least once.
func (w *works) done() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.runs)
}

// once checks that each of n jobs ran once.
func (w *works) once(n int) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	lost, again := 0, 0
	for i := range n {
		switch {
		case w.runs[i] == 0:
			lost++
		case w.runs[i] > 1:
			again++
		}
	}
	if lost > 0 || again > 0 {
		w.t.Fatalf("%d of %d jobs were lost, %d ran more than once", lost, n, again)
	}
}

func (w *works) close() {
	if err := w.Close(); err != nil {
		w.t.Error(err)
	}
}
