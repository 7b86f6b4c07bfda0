package worker_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// ask is what the jobs of these tests want: an answer.
type ask struct{ N int }

// handler is that of most tests.
type handler = worker.Handler[ask, int]

// scene is a store that can be made to fail, a queue on it, and the log of those
// who work it. It lives in a bubble.
type scene struct {
	*testing.T
	store *backendtest.Faulty
	q     *queue.Queue[ask, int]
	log   *slog.Logger
	lines *lines
}

// play runs a story in virtual time. What it started is stopped at its end.
func play(t *testing.T, story func(s *scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		inside := memory.New(memory.Options{})
		t.Cleanup(func() { inside.Close() })
		s := &scene{T: t, store: backendtest.NewFaulty(inside), lines: &lines{}}
		s.log = slog.New(slog.NewTextHandler(s.lines, &slog.HandlerOptions{Level: slog.LevelDebug}))
		s.q = queue.New[ask, int](s.store, "answers")
		story(s)
	})
}

// worker is one of the scene's queue with this handler, and one slot.
func (s *scene) worker(h handler) *worker.Worker[ask, int] {
	w := worker.New(s.q, h)
	w.Concurrency = 1
	w.Logger = s.log
	return w
}

// shift is a Runner that runs.
type shift struct {
	s    *scene
	stop context.CancelFunc
	done chan error
	once sync.Once
	err  error
}

// start runs r until the end of the story, or of the shift.
func (s *scene) start(r worker.Runner) *shift {
	ctx, stop := context.WithCancel(s.Context())
	return s.startIn(ctx, stop, r)
}

func (s *scene) startIn(ctx context.Context, stop context.CancelFunc, r worker.Runner) *shift {
	sh := &shift{s: s, stop: stop, done: make(chan error, 1)}
	go func() { sh.done <- r.Run(ctx) }()
	s.Cleanup(func() { sh.end() })
	synctest.Wait()
	return sh
}

// end stops it, and says what came of it.
func (sh *shift) end() error {
	sh.stop()
	return sh.wait()
}

func (sh *shift) wait() error {
	sh.once.Do(func() { sh.err = <-sh.done })
	return sh.err
}

// clean ends it, and there must be no error.
func (sh *shift) clean() {
	sh.s.Helper()
	if err := sh.end(); err != nil {
		sh.s.Errorf("Run: %v", err)
	}
}

// work runs a worker with this handler.
func (s *scene) work(h handler) *shift { return s.start(s.worker(h)) }

func (s *scene) enqueue(n int, opts ...queue.Option) queue.Ref {
	s.Helper()
	t, err := s.q.Enqueue(s.Context(), ask{n}, opts...)
	if err != nil {
		s.Fatal(err)
	}
	return t.Ref
}

// enqueueAll adds n jobs.
func (s *scene) enqueueAll(n int, opts ...queue.Option) []queue.Ref {
	s.Helper()
	items := make([]queue.Item[ask], n)
	for i := range items {
		items[i] = queue.With(ask{i}, opts...)
	}
	out, err := s.q.EnqueueAll(s.Context(), items)
	if err != nil {
		s.Fatal(err)
	}
	refs := make([]queue.Ref, n)
	for i, o := range out {
		refs[i] = o.Ref
	}
	return refs
}

// pass lets time go by, and everybody come to rest.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (s *scene) record(ref queue.Ref) *queue.Record {
	s.Helper()
	r, err := s.store.Backend.Lookup(s.Context(), ref, 0)
	if err != nil {
		s.Fatal(err)
	}
	return r
}

// expect holds a record against what it should say.
func (s *scene) expect(ref queue.Ref, state queue.State, attempt int) *queue.Record {
	s.Helper()
	r := s.record(ref)
	if r.State != state || r.Attempt != attempt {
		s.Fatalf("the job is %v after %d attempts (%q, %v), want %v after %d", r.State, r.Attempt, r.Reason, r.Failures, state, attempt)
	}
	return r
}

// expectAnswer is expect for a job that succeeded.
func (s *scene) expectAnswer(ref queue.Ref, want int) {
	s.Helper()
	r := s.record(ref)
	var got int
	if err := json.Unmarshal(r.Result, &got); r.State != queue.Succeeded || err != nil || got != want {
		s.Fatalf("the job is %v with %q (%q, %v), want succeeded with %d", r.State, r.Result, r.Reason, r.Failures, want)
	}
}

// claim takes a job as another process would.
func (s *scene) claim(lease time.Duration) *backends.Lease {
	s.Helper()
	leases, err := s.store.Backend.Claim(s.Context(), backends.ClaimRequest{
		Queue: "answers", Max: 1, Lease: lease, CanAnnounce: backends.Event | backends.WriteBack,
	})
	if err != nil {
		s.Fatal(err)
	}
	return leases[0]
}

// settle is another process's.
func (s *scene) settle(x backends.Settlement) error {
	s.Helper()
	errs, err := s.store.Backend.Settle(s.Context(), []backends.Settlement{x})
	return errors.Join(append(errs, err)...)
}

// problem waits until w's health shows a problem with this text, or has none that
// does.
func (s *scene) problem(w worker.Probed, text string, want bool) {
	s.Helper()
	h := w.Health()
	if got := slices.ContainsFunc(h.Problems, func(p string) bool { return strings.Contains(p, text) }); got != want {
		s.Errorf("after %v the problems are %q; %q among them: %v, want %v", since(), h.Problems, text, got, want)
	}
}

// since is how long the bubble has lived.
func since() time.Duration {
	return time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
}

// answer is a handler that doubles.
func answer(_ context.Context, job *queue.Job[ask]) (int, error) { return 2 * job.Args.N, nil }

var errSad = errors.New("sad")

// seen is a list that handlers write and tests read.
type seen[T any] struct {
	mu  sync.Mutex
	all []T
}

// add appends v, and returns how many there are.
func (s *seen[T]) add(v T) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, v)
	return len(s.all)
}

func (s *seen[T]) list() []T {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all)
}

func (s *seen[T]) len() int { return len(s.list()) }

// lines is a log that several may write.
type lines struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

// match fails unless err matches want (nil: is nil).
func match(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
}
