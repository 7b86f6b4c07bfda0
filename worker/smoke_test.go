package worker_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

type args struct{ N int }

type topic struct{ n int64 }

func (t *topic) Announce(_ context.Context, ev []queue.Event) []error {
	atomic.AddInt64(&t.n, int64(len(ev)))
	return nil
}

func TestSmoke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := memory.New(memory.Options{})
		q := queue.New[args, int](b, "whatif")
		to := &topic{}
		q.Announce = to
		var fails, after atomic.Int64
		w := worker.New(q, func(ctx context.Context, j *queue.Job[args]) (int, error) {
			if j.Args.N == 3 && j.Attempt < 3 {
				fails.Add(1)
				return 0, errors.New("no luck")
			}
			if j.Args.N == 4 {
				panic("oh")
			}
			return j.Args.N * 2, nil
		})
		w.AfterSuccess = func(ctx context.Context, j *queue.Job[args], r int) error { after.Add(1); return nil }
		ctx, stop := context.WithCancel(t.Context())
		for i := range 100 {
			if _, err := q.Enqueue(ctx, args{i}); err != nil {
				t.Fatal(err)
			}
		}
		done := make(chan error)
		go func() { done <- worker.Run(ctx, w) }()
		time.Sleep(10 * time.Minute)
		st, _ := q.Stats(ctx)
		t.Log(st, fails.Load(), after.Load(), to.n, w.Health())
		for r := range q.DeadLetters(ctx) {
			t.Log(r.Reason, len(r.Failures), r.Failures[0].Text[:80])
		}
		stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		b.Close()
	})
}

func BenchmarkLive(b *testing.B) {
	be := memory.New(memory.Options{})
	q := queue.New[args, int](be, "whatif")
	q.Retention = -1
	done := make(chan struct{}, 1000)
	w := worker.New(q, func(ctx context.Context, j *queue.Job[args]) (int, error) { done <- struct{}{}; return 1, nil })
	w.Concurrency = 100
	ctx, stop := context.WithCancel(b.Context())
	end := make(chan error)
	go func() { end <- w.Run(ctx) }()
	b.ReportAllocs()
	go func() {
		for i := range b.N {
			q.Enqueue(ctx, args{i})
		}
	}()
	for range b.N {
		<-done
	}
	stop()
	<-end
}
