package worker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/internal/plant"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// TestRestarts_E1 starts and stops workers of each kind, in real time, on a store
// that goes on, and opens stores by URL: nothing may be left of them.
func TestRestarts_E1(t *testing.T) {
	starts := plant.Size("LEAT_STARTS", 60, 500)
	store := memory.New(memory.Options{})
	q := queue.New[int, int](store, "restarts")
	q.Retention = -1
	ways := []func(*testing.T, *queue.Queue[int, int]){startAndWork, startAndStop, startAndInterrupt, startMux, startClaims, startInVain}
	for i := range 2 * len(ways) { // what is made once
		ways[i%len(ways)](t, q)
		reopen(t)
	}
	before := takeStock(t)
	for i := range starts {
		ways[i%len(ways)](t, q)
	}
	for range starts * 2 / 5 {
		reopen(t)
	}
	before.compare(t, takeStock(t), starts)
	if err := store.Close(); err != nil {
		t.Error(err)
	}
}

// TestRestarts_E1_NoticesLeaks: a worker that leaves something behind is found out.
func TestRestarts_E1_NoticesLeaks(t *testing.T) {
	before := takeStock(t)
	var kept []*[1 << 16]byte
	hold := make(chan struct{})
	var waiting sync.WaitGroup
	for range 20 {
		waiting.Go(func() { <-hold })
		kept = append(kept, new([1 << 16]byte))
	}
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(before.differ(takeStock(t), 20)); n != 3 {
		t.Errorf("a file, a megabyte and twenty goroutines were left, and %d noticed", n)
	}
	f.Close()
	close(hold)
	waiting.Wait()
	runtime.KeepAlive(kept)
}

// stock is what a process holds.
type stock struct {
	heap       uint64
	goroutines goleak.Option
	files      int // -1 = nobody knows
}

func takeStock(t *testing.T) stock {
	t.Helper()
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	s := stock{heap: m.HeapAlloc, goroutines: goleak.IgnoreCurrent(), files: -1}
	if all, err := os.ReadDir("/proc/self/fd"); err == nil {
		s.files = len(all)
	}
	return s
}

// differ says what has come to it.
func (s stock) differ(now stock, starts int) (more []string) {
	if err := goleak.Find(s.goroutines); err != nil {
		more = append(more, err.Error())
	}
	if now.files != s.files {
		more = append(more, fmt.Sprintf("%d descriptors, before %d", now.files, s.files))
	}
	// A start that leaves a kilobyte behind, beside what comes and goes.
	if most := s.heap + uint64(starts)<<10 + 256<<10; now.heap > most {
		more = append(more, fmt.Sprintf("a heap of %d KiB, before %d KiB", now.heap>>10, s.heap>>10))
	}
	return more
}

func (s stock) compare(t *testing.T, now stock, starts int) {
	t.Helper()
	for _, more := range s.differ(now, starts) {
		t.Errorf("after %d starts: %s", starts, more)
	}
	t.Logf("%d starts: %d descriptors, before %d; heap %d KiB, before %d KiB", starts, now.files, s.files, now.heap>>10, s.heap>>10)
}

func silent(w *worker.Worker[int, int]) *worker.Worker[int, int] {
	w.Logger = slog.New(slog.DiscardHandler)
	return w
}

// ran runs workers until ready was closed.
func ran(t *testing.T, ready <-chan struct{}, all ...worker.Runner) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() { over <- worker.Run(ctx, all...) }()
	<-ready
	stop()
	if err := <-over; err != nil {
		t.Error(err)
	}
}

func put(t *testing.T, q *queue.Queue[int, int], n int) {
	t.Helper()
	if _, err := q.EnqueueAll(t.Context(), make([]queue.Item[int], n)); err != nil {
		t.Fatal(err)
	}
}

func startAndWork(t *testing.T, q *queue.Queue[int, int]) {
	put(t, q, 10)
	var done sync.WaitGroup
	done.Add(10)
	w := silent(worker.New(q, func(context.Context, *queue.Job[int]) (int, error) { done.Done(); return 1, nil }))
	ready := make(chan struct{})
	go func() { done.Wait(); close(ready) }()
	ran(t, ready, w)
}

func startAndStop(t *testing.T, q *queue.Queue[int, int]) {
	ready := make(chan struct{})
	close(ready)
	ran(t, ready, silent(worker.New(q, func(context.Context, *queue.Job[int]) (int, error) { return 1, nil })))
}

// startAndInterrupt leaves a job, which the next one takes.
func startAndInterrupt(t *testing.T, q *queue.Queue[int, int]) {
	put(t, q, 1)
	ready := make(chan struct{})
	var once sync.Once
	w := silent(worker.New(q, func(ctx context.Context, _ *queue.Job[int]) (int, error) {
		once.Do(func() { close(ready) })
		<-ctx.Done()
		return 0, context.Cause(ctx)
	}))
	w.Grace, w.Kill = 1, 1<<30
	ran(t, ready, w)
	startClaims(t, q)
}

func startMux(t *testing.T, q *queue.Queue[int, int]) {
	ready := make(chan struct{})
	handle := func(context.Context, *queue.Job[int]) (int, error) { close(ready); return 1, nil }
	mails := queue.View[int, int](q, "mail")
	m := worker.NewMux(worker.New(q, handle), worker.New(mails, handle))
	m.Logger = slog.New(slog.DiscardHandler)
	put(t, mails, 1)
	ran(t, ready, m)
}

func startClaims(t *testing.T, q *queue.Queue[int, int]) {
	put(t, q, 1)
	for c, err := range worker.Claims(t.Context(), q) {
		if err == nil {
			err = c.Done(t.Context(), 1)
		}
		if err != nil {
			t.Error(err)
		}
		st, err := q.Stats(t.Context())
		if err != nil || st.Depth() == 0 {
			break
		}
	}
}

// startInVain works a store that is closed.
func startInVain(t *testing.T, _ *queue.Queue[int, int]) {
	store := memory.New(memory.Options{})
	store.Close()
	w := silent(worker.New(queue.New[int, int](store, "closed"), func(context.Context, *queue.Job[int]) (int, error) { return 1, nil }))
	if err := w.Run(t.Context()); !errors.Is(err, backends.ErrClosed) {
		t.Errorf("Run on a closed store: %v", err)
	}
}

// reopen opens a store by URL, which is a new one each time.
func reopen(t *testing.T) {
	q, err := queue.Open[int, int](t.Context(), "memory://restarts?queue=reopened")
	if err != nil {
		t.Fatal(err)
	}
	if st, err := q.Stats(t.Context()); err != nil || len(st.Ended) > 0 {
		t.Errorf("a new store has %+v, %v", st, err)
	}
	startAndWork(t, q)
	if err := q.Close(); err != nil {
		t.Error(err)
	}
}
