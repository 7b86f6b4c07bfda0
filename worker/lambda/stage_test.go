package lambda_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"go.uber.org/goleak"

	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/broker/sqs"
	"github.com/leat-go/leat/backends/broker/sqs/sqstest"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
	"github.com/leat-go/leat/worker/lambda"
	"github.com/leat-go/leat/worker/lambda/lambdatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type (
	job     = queue.Job[int]
	handler = worker.Handler[int, int]
)

// stage is a queue of the fake that triggers a function, in virtual time.
type stage struct {
	*testing.T
	server  *sqstest.Server
	url     string
	shelf   broker.Records // nil = without
	source  *lambdatest.Source
	limit   time.Duration // of the function
	bare    bool          // the function doesn't know its queue
	options sqs.Options
	change  func(*lambda.Handler, *worker.Worker[int, int])

	q     *queue.Queue[int, int] // of producers
	store *broker.Backend        // of those who look
	fn    *function              // the environment that is warm

	mu   sync.Mutex
	runs map[int]int // how often the job of a number began
}

// play sets the stage for one story: a queue whose messages are hidden for six times
// the function's 30 s, records, and a mapping that reports.
func play(t *testing.T, name string, story func(*stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{T: t, server: sqstest.New(), shelf: backendtest.NewShelf(), limit: 30 * time.Second, runs: map[int]int{}}
		s.url = s.server.Queue(name, map[string]string{"VisibilityTimeout": "180"})
		s.source = &lambdatest.Source{Client: s.server.Client(), Queue: s.url, Reports: true}
		story(s)
	})
}

func (s *stage) transport() *sqs.Transport {
	s.Helper()
	tr, err := sqs.New(s.Context(), s.server.Client(), s.url, s.options)
	if err != nil {
		s.Fatal(err)
	}
	return tr
}

func (s *stage) backend(t broker.Transport) *broker.Backend {
	b := broker.New(t, s.shelf, broker.Options{Logger: slog.New(slog.DiscardHandler)})
	s.Cleanup(func() { b.Close() })
	return b
}

// enqueue puts numbers into the queue; their tenant is their group.
func (s *stage) enqueue(tenant string, numbers ...int) (refs []queue.Ref) {
	s.Helper()
	if s.q == nil {
		s.store = s.backend(s.transport())
		s.q = queue.New[int, int](s.store, "jobs")
	}
	for _, n := range numbers {
		t, err := s.q.Enqueue(s.Context(), n, queue.Tenant(tenant))
		if err != nil {
			s.Fatal(err)
		}
		refs = append(refs, t.Ref)
	}
	return refs
}

// function is an environment of the function: what a cold start makes.
type function struct {
	*lambda.Handler
	worker *worker.Worker[int, int]
}

// cold starts an environment.
func (s *stage) cold(h handler) *function {
	s.Helper()
	trigger := lambda.NewTrigger(nil)
	if !s.bare {
		trigger = lambda.NewTrigger(s.transport())
	}
	q := queue.New[int, int](s.backend(trigger), "jobs")
	w := worker.New(q, func(ctx context.Context, j *job) (int, error) {
		s.mu.Lock()
		s.runs[j.Args]++
		s.mu.Unlock()
		return h(ctx, j)
	})
	w.Concurrency = 4
	w.Logger = slog.New(slog.DiscardHandler)
	fn := &function{lambda.New(trigger, w), w}
	fn.Report, fn.Logger = s.source.Reports, w.Logger
	if s.change != nil {
		s.change(fn.Handler, w)
	}
	s.fn = fn
	return fn
}

// event is the next of the queue.
func (s *stage) event() events.SQSEvent {
	s.Helper()
	e, err := s.source.Next(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	return e
}

// invocation is what one came to.
type invocation struct {
	event  events.SQSEvent
	failed []string // reported
	err    error
	took   time.Duration
}

// invoke brings the next event to the warm environment, and settles as Lambda does.
func (s *stage) invoke() invocation {
	s.Helper()
	e := s.event()
	return s.invokeWith(e)
}

func (s *stage) invokeWith(e events.SQSEvent) invocation {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), s.limit)
	defer cancel()
	begun := time.Now()
	out, err := s.fn.Invoke(ctx, e)
	took := time.Since(begun)
	if took >= s.limit {
		s.Errorf("the invocation took %v of %v", took, s.limit)
	}
	if bad := s.source.Settle(s.Context(), e, out, err); bad != nil {
		s.Fatal(bad)
	}
	return invocation{event: e, err: err, took: took, failed: failed(out)}
}

// ids are the messages of an event, those at these places.
func (in invocation) ids(at ...int) (ids []string) {
	for _, i := range at {
		ids = append(ids, in.event.Records[i].MessageId)
	}
	return ids
}

// reports holds what was reported against the messages at these places.
func (s *stage) reports(in invocation, at ...int) {
	s.Helper()
	want := in.ids(at...)
	if in.err != nil || !slices.Equal(in.failed, want) {
		s.Errorf("reported %v (%v), want %v", in.failed, in.err, want)
	}
}

// left is how many messages the queue holds.
func (s *stage) left(want int) {
	s.Helper()
	if n := s.server.Depth(s.url); n != want {
		s.Errorf("the queue holds %d messages, want %d", n, want)
	}
}

// record is that of a job.
func (s *stage) record(ref queue.Ref) *queue.Record {
	s.Helper()
	r, err := s.store.Lookup(s.Context(), ref, 0)
	if err != nil {
		s.Fatal(err)
	}
	return r
}

func (s *stage) is(ref queue.Ref, state queue.State, attempt int) {
	s.Helper()
	if r := s.record(ref); r.State != state || r.Attempt != attempt {
		s.Errorf("job is %v after attempt %d, want %v after %d (%s)", r.State, r.Attempt, state, attempt, r.Reason)
	}
}

func (s *stage) ran(n, want int) {
	s.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.runs[n] != want {
		s.Errorf("job %d began %d times, want %d", n, s.runs[n], want)
	}
}

// works is a handler that takes a second and succeeds.
func works(ctx context.Context, j *job) (int, error) {
	select {
	case <-time.After(time.Second):
		return j.Args * 10, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

var errBad = errors.New("bad")

func messages(bodies ...string) (all []broker.Message) {
	for _, b := range bodies {
		all = append(all, broker.Message{Body: []byte(b)})
	}
	return all
}
