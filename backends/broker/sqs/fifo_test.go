package sqs_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/broker/sqs"
	"github.com/leat-go/leat/backends/broker/sqs/sqstest"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// line is a FIFO queue as users have it: the group is the tenant. Its jobs are words.
type line struct {
	*testing.T
	server *sqstest.Server
	url    string
	q      *queue.Queue[string, queue.None]

	mu   sync.Mutex
	seen []string // "a1 begins", in the order in which it happened
}

func inLine(t *testing.T, story func(l *line)) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{T: t, server: sqstest.New()}
		l.server.Latency = 5 * time.Millisecond
		l.url = l.server.Queue("jobs.fifo", nil)
		b := broker.New(open(t, l.server, l.url, sqs.Options{EarlyAck: true}), backendtest.NewShelf(), broker.Options{Logger: slog.New(slog.DiscardHandler)})
		defer b.Close()
		l.q = queue.New[string, queue.None](b, "jobs")
		story(l)
	})
}

func (l *line) enqueue(tenant, word string, o ...queue.Option) queue.Ticket {
	l.Helper()
	t, err := l.q.Enqueue(l.Context(), word, append(o, queue.Tenant(tenant))...)
	if err != nil {
		l.Fatal(err)
	}
	return t
}

func (l *line) note(word, what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen = append(l.seen, word+" "+what)
}

// of are what was seen of one group, in order.
func (l *line) of(group string) (got []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.seen {
		if strings.HasPrefix(s, group) {
			got = append(got, s)
		}
	}
	return got
}

// work runs a worker with more slots than jobs until the story's end.
func (l *line) work(handle func(*queue.Job[string]) error) (stop func()) {
	w := worker.New(l.q, worker.NoResult(func(_ context.Context, j *queue.Job[string]) error {
		l.note(j.Args, "begins")
		time.Sleep(time.Second)
		err := handle(j)
		l.note(j.Args, "ends")
		return err
	}))
	w.Concurrency, w.Logger = 16, slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithCancel(l.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			l.Error(err)
		}
	}
}

func well(*queue.Job[string]) error { return nil }

// turns are the jobs of a group, one after the other.
func turns(words ...string) (want []string) {
	for _, w := range words {
		want = append(want, w+" begins", w+" ends")
	}
	return want
}

func (l *line) expect(group string, want []string) {
	l.Helper()
	if diff := cmp.Diff(want, l.of(group)); diff != "" {
		l.Errorf("group %s: want -, got +\n%s", group, diff)
	}
}

// Inside a group jobs run one after the other, in the order in which they were enqueued,
// however many slots are free; groups run side by side.
func TestFIFOGroupsRunInOrderAndSideBySide(t *testing.T) {
	inLine(t, func(l *line) {
		var a, b []string
		for i := range 12 {
			a, b = append(a, fmt.Sprint("a", i)), append(b, fmt.Sprint("b", i))
			l.enqueue("alpha", a[i])
			l.enqueue("beta", b[i])
		}
		defer l.work(well)()
		time.Sleep(16 * time.Second)
		l.expect("a", turns(a...))
		l.expect("b", turns(b...))
		l.mu.Lock()
		defer l.mu.Unlock()
		if at := slices.Index(l.seen, "b0 begins"); at < 0 || at > slices.Index(l.seen, "a1 begins") {
			t.Errorf("the groups waited for each other: %q", l.seen)
		}
	})
}

// A retry stands in front of its group until it is due, and the others of the group wait
// behind it; other groups don't. A dead letter lets them go on.
func TestFIFORetryHoldsItsGroup(t *testing.T) {
	inLine(t, func(l *line) {
		l.q.MaxAttempts = 3
		defer l.work(func(j *queue.Job[string]) error {
			if j.Args == "a0" {
				return worker.RetryAfter(time.Minute, errors.New("not yet"))
			}
			return nil
		})()
		for _, word := range []string{"a0", "a1", "a2"} {
			l.enqueue("alpha", word)
		}
		l.enqueue("beta", "b0")
		time.Sleep(50 * time.Second)
		l.expect("a", turns("a0"))
		l.expect("b", turns("b0"))
		l.enqueue("beta", "b1")
		time.Sleep(30 * time.Second)
		l.expect("a", turns("a0", "a0"))
		l.expect("b", turns("b0", "b1"))
		time.Sleep(2 * time.Minute)
		l.expect("a", turns("a0", "a0", "a0", "a1", "a2"))
	})
}

// A snoozed job, and one that was enqueued for later, do the same: FIFO has no delay.
func TestFIFODelayHoldsItsGroup(t *testing.T) {
	inLine(t, func(l *line) {
		snoozed := false
		defer l.work(func(j *queue.Job[string]) error {
			if j.Args == "b0" && !snoozed {
				snoozed = true
				return worker.Snooze(time.Minute)
			}
			return nil
		})()
		l.enqueue("alpha", "a0", queue.Delay(time.Minute))
		l.enqueue("alpha", "a1")
		l.enqueue("beta", "b0")
		l.enqueue("beta", "b1")
		time.Sleep(55 * time.Second)
		l.expect("a", nil)
		l.expect("b", turns("b0"))
		time.Sleep(time.Minute)
		l.expect("a", turns("a0", "a1"))
		l.expect("b", turns("b0", "b0", "b1"))
	})
}

// A worker that dies in the middle of a job holds its group until the lease is over; then
// that job is the first again.
func TestFIFOCrashKeepsTheOrder(t *testing.T) {
	inLine(t, func(l *line) {
		for _, word := range []string{"a0", "a1"} {
			l.enqueue("alpha", word)
		}
		lost := open(l.T, l.server, l.url, sqs.Options{}) // receives, and is never heard of again
		if ds, err := lost.Receive(l.Context(), 10, time.Minute); err != nil || len(ds) != 1 {
			t.Fatalf("%d messages, error %v", len(ds), err)
		}
		lost.Close()
		defer l.work(well)()
		time.Sleep(50 * time.Second)
		l.expect("a", nil)
		time.Sleep(15 * time.Second)
		l.expect("a", turns("a0", "a1"))
	})
}

// What is the same twice runs once: SQS drops the repeated message for five minutes, our
// key the repeated job for as long as the record lives; both together at once.
func TestFIFODropsRepeats(t *testing.T) {
	inLine(t, func(l *line) {
		stop := l.work(well)
		first := l.enqueue("alpha", "a0", queue.Key("order 1"))
		for range 3 {
			if again := l.enqueue("alpha", "a0", queue.Key("order 1")); again.Ref != first.Ref || !again.Duplicate {
				t.Errorf("a repeated key: %+v, want %+v", again, first)
			}
		}
		time.Sleep(time.Hour) // SQS has forgotten
		if again := l.enqueue("alpha", "a0", queue.Key("order 1")); !again.Duplicate {
			t.Errorf("an hour later: %+v", again)
		}
		time.Sleep(time.Minute)
		stop()
		l.expect("a", turns("a0"))
		if n := l.server.Depth(l.url); n != 0 {
			t.Errorf("%d messages are left", n)
		}
	})
}
