//go:build unix

package processes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// hold is a worker that tells of each run. Jobs take their time, or kill; those with
// an odd number heed their context.
func hold(ctx context.Context, p Plan) error {
	q, err := open(p)
	if err != nil {
		return err
	}
	w := worker.New(q.Queue, func(ctx context.Context, j *queue.Job[Args]) (Result, error) {
		say("began %d %d %d %d", j.Args.N, j.Token, j.Attempt, time.Now().UnixNano())
		if j.Args.N < p.Killers {
			time.Sleep(100 * time.Millisecond) // the others are done by then
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		var stopped <-chan struct{}
		if j.Args.N%2 == 1 {
			stopped = ctx.Done()
		}
		select {
		case <-time.After(p.Takes):
		case <-stopped:
			return Result{}, fmt.Errorf("stopped half way: %w", context.Cause(ctx))
		}
		r := right(j.Args.N)
		r.By = p.Name
		return r, nil
	})
	w.Lease, w.Concurrency, w.Grace = p.Lease, p.Slots, p.Grace
	say("ready 0 0 0 0")
	return errors.Join(w.Run(ctx), q.Close())
}

// run is one run of a job, as its process told.
type run struct {
	n       int
	token   uint64
	attempt int
	at      time.Time
}

// holder is a process of the part, and what it ran.
type holder struct {
	*process
	mu    sync.Mutex
	ready bool
	all   []run
}

func startHolder(t *testing.T, p Plan) *holder {
	t.Helper()
	h := &holder{}
	p.Part = "holder"
	h.process = start(t, p, func(line string) {
		var what string
		var r run
		var at int64
		if _, err := fmt.Sscan(line, &what, &r.n, &r.token, &r.attempt, &at); err != nil {
			return
		}
		r.at = time.Unix(0, at)
		h.mu.Lock()
		defer h.mu.Unlock()
		if what == "ready" {
			h.ready = true
			return
		}
		h.all = append(h.all, r)
	})
	return h
}

func (h *holder) runs() []run {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.all
}

func (h *holder) isReady() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ready
}

// ask enqueues jobs by number.
func ask(t *testing.T, q *opened, from, to int) {
	t.Helper()
	var items []queue.Item[Args]
	for n := from; n < to; n++ {
		items = append(items, queue.With(Args{N: n}))
	}
	out, err := q.EnqueueAll(t.Context(), items)
	for _, o := range out {
		err = errors.Join(err, o.Err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// records are all of the queue's, by number of the job.
func records(t *testing.T, q *opened) map[int]*queue.Record {
	t.Helper()
	all := map[int]*queue.Record{}
	for r, err := range q.Jobs(t.Context(), queue.Filter{AnyTenant: true}) {
		if err != nil {
			t.Fatal(err)
		}
		a, err := q.Args(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if all[a.N] != nil {
			t.Errorf("job %d has two records", a.N)
		}
		all[a.N] = r
	}
	return all
}

// quiet reports whether nothing waits or runs.
func quiet(t *testing.T, q *opened) bool {
	t.Helper()
	s, err := q.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s.Queued+s.Scheduled+s.Held+s.Running == 0
}
