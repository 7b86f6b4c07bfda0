package worker_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/internal/plant"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

func (m *matrix) facts(q *plant.Queue) {
	q.MaxAttempts, q.MaxCrashes, q.Inline = 8, 20, 500
	q.Bucket, q.Codec = trappedBucket{q.Bucket, m.trap}, trappedCodec{queue.JSON, m.trap}
}

func (m *matrix) process(w *plant.Worker) {
	w.Concurrency = 6
	w.Lease, w.Grace, w.RunLimit = 9*time.Second, 2*time.Second, 40*time.Second
	w.Backoff = func(int) time.Duration {
		if m.springs("backoff") {
			panic(errInjected)
		}
		return time.Second
	}
}

// endings is what the jobs are to do, and how they end.
var endings = map[string]backends.State{
	"plain": backends.Succeeded, "plain 2": backends.Succeeded, "long": backends.Succeeded, "long 2": backends.Succeeded,
	"retry": backends.Succeeded, "retry later": backends.Succeeded, "snooze": backends.Succeeded, "settled": backends.Succeeded,
	"panic": backends.Succeeded, "goexit": backends.Succeeded, "large args": backends.Succeeded, "large result": backends.Succeeded,
	"poison":         backends.Succeeded, // when it is redriven
	"cancel waiting": backends.Cancelled, "cancel running": backends.Cancelled,
	"older": backends.Superseded, "newer": backends.Succeeded,
}

var ballast = strings.Repeat("x", 1000)

func (m *matrix) play() {
	stop := m.keep()
	for _, say := range slices.Sorted(maps.Keys(endings)) {
		if say != "newer" {
			m.ask(say)
		}
	}
	time.Sleep(time.Second)
	m.ask("newer")
	for _, say := range []string{"cancel waiting", "cancel running"} {
		m.insist(func(ctx context.Context) error {
			err := m.Queue.Cancel(ctx, m.say[say])
			if m.kills() && errors.Is(err, queue.ErrEnded) {
				return nil
			}
			return err
		})
	}
	time.Sleep(3 * time.Second)
	stop() // what is long is released
	stop = m.keep()
	m.Finish(time.Hour)
	for m.Stats().Ended[backends.Dead] > 0 {
		m.insist(m.redrive)
		m.Finish(time.Hour)
	}
	stop()
}

func (m *matrix) redrive(ctx context.Context) error {
	var letters []*backends.Record
	for r, err := range m.Queue.DeadLetters(ctx) {
		if err != nil {
			return err
		}
		letters = append(letters, r)
	}
	return m.Redrive(ctx, letters...)
}

// kills reports whether the fault ends jobs for good, whatever they were to do.
func (m *matrix) kills() bool { return m.step == "handler" && m.flaw.kind == "permanent" }

// keep has a process run; if it ends by itself another starts, as a supervisor
// would have it.
func (m *matrix) keep() (stop func()) {
	var mu sync.Mutex
	stopped, over := false, make(chan struct{})
	p := m.Start()
	go func() {
		defer close(over)
		for {
			mu.Lock()
			now := p
			mu.Unlock()
			err := now.Wait()
			mu.Lock()
			if stopped || err == nil {
				mu.Unlock()
				return
			}
			p = m.Start()
			mu.Unlock()
		}
	}()
	return func() {
		mu.Lock()
		stopped = true
		p.Stop()
		mu.Unlock()
		<-over
	}
}

// insist repeats a call of an impatient client until it succeeds.
func (m *matrix) insist(call func(ctx context.Context) error) {
	m.T.Helper()
	var err error
	for range 20 {
		if err = once(m.T.Context(), call); err == nil {
			return
		}
	}
	m.T.Errorf("20 calls in vain: %v", err)
}

// once makes a call, in which the client's own code may panic.
func once(ctx context.Context, call func(ctx context.Context) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = p.(error)
		}
	}()
	return call(ctx)
}

func (m *matrix) ask(say string) {
	a := plant.Args{N: m.Next(), Say: say}
	opts := []queue.Option{queue.Key(say)}
	switch say {
	case "large args":
		a.Ballast = ballast
	case "cancel waiting":
		opts = append(opts, queue.Delay(time.Minute))
	case "older", "newer":
		opts = append(opts, queue.Supersede("screen"))
	}
	m.insist(func(ctx context.Context) error {
		t, err := m.Ask(ctx, a, opts...)
		m.say[say] = t.Ref
		return err
	})
}

func (m *matrix) handle(ctx context.Context, p *plant.Process, j *plant.Job) (r plant.Result, err error) {
	err = m.around(ctx, "handler", func() error {
		r, err = m.work(ctx, p, j)
		return err
	})
	return r, err
}

func (m *matrix) work(ctx context.Context, p *plant.Process, j *plant.Job) (plant.Result, error) {
	first := len(m.Witness.Runs(j.Args.N)) == 1
	switch say := j.Args.Say; say {
	case "retry":
		if first {
			return plant.Result{}, errors.New("no luck")
		}
	case "retry later":
		if first {
			return plant.Result{}, worker.RetryAfter(2*time.Second, errors.New("slow down"))
		}
	case "snooze":
		if first {
			return plant.Result{}, worker.Snooze(2 * time.Second)
		}
	case "panic":
		if first {
			panic("a bug of the handler")
		}
	case "poison":
		if j.Generation == m.firstLife(j) {
			return plant.Result{}, worker.Permanent(errors.New("poison"))
		}
	case "settled":
		r := p.Result(j)
		if err := p.Queue.Complete(ctx, j, r); err != nil {
			return r, err
		}
		return r, worker.Settled
	case "large result":
		j.Args.Ballast = ballast
	case "long", "long 2", "cancel running", "older":
		for range 10 {
			j.Progress(50, "half way")
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
				return plant.Result{}, context.Cause(ctx)
			}
		}
	}
	return p.Result(j), nil
}

func (m *matrix) firstLife(j *plant.Job) int64 { return j.Created.UnixMilli() }

func (m *matrix) announce(ctx context.Context, _ *plant.Process, events []queue.Event, deliver func(queue.Event)) []error {
	errs := make([]error, len(events))
	err := m.around(ctx, "announce", func() error { deliverAll(events, deliver); return nil })
	for i := range errs {
		errs[i] = err
	}
	return errs
}

func (m *matrix) writeBack(ctx context.Context, _ *plant.Process, _ *plant.Job, write func()) error {
	return m.around(ctx, "write-back", func() error { write(); return nil })
}

// judge holds each job against the end that it should have.
func (m *matrix) judge() {
	m.T.Helper()
	for say, want := range endings {
		r := m.Lookup(m.say[say])
		if r.State != want {
			m.T.Errorf("job %q ended %v (%s), want %v; failures %v", say, r.State, r.Reason, want, r.Failures)
		}
		if wants := say == "large result" || say == "large args"; wants != (r.Stored != "") && want == backends.Succeeded {
			m.T.Errorf("job %q has its result in %q, of the bucket", say, r.Stored)
		}
	}
}

// onlyVerb sends settlements of one verb through a faulty backend, the others not.
type onlyVerb struct {
	backends.Backend
	struck *backendtest.Faulty
	verb   backends.Verb
}

func (o *onlyVerb) Settle(ctx context.Context, ss []backends.Settlement) ([]error, error) {
	if slices.ContainsFunc(ss, func(s backends.Settlement) bool { return s.Verb == o.verb }) {
		return o.struck.Settle(ctx, ss)
	}
	return o.Backend.Settle(ctx, ss)
}

type trappedBucket struct {
	queue.Bucket
	*trap
}

func (b trappedBucket) Write(ctx context.Context, key string, data []byte) error {
	return b.around(ctx, "bucket-write", func() error { return b.Bucket.Write(ctx, key, data) })
}

func (b trappedBucket) Open(ctx context.Context, key string) (r io.ReadCloser, err error) {
	err = b.around(ctx, "bucket-read", func() error { r, err = b.Bucket.Open(ctx, key); return err })
	return r, err
}

type trappedCodec struct {
	queue.Codec
	*trap
}

func (c trappedCodec) Decode(data []byte, v any) error {
	if c.springs("decode") {
		panic(errInjected)
	}
	return c.Codec.Decode(data, v)
}
