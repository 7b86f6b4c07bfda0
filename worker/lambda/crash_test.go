package lambda_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/broker/sqs"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
	"github.com/leat-go/leat/worker/lambda"
)

var errGone = errors.New("the process is gone")

// process is one that can be gone: from then on nothing of it reaches anybody.
type process struct {
	broker.Records
	http http.RoundTripper

	left atomic.Int64 // calls until it is gone; far above = it lives
	die  context.CancelFunc
}

const forEver = 1 << 40

func (p *process) calls() error {
	left := p.left.Add(-1)
	if left < 0 {
		p.die()
		return errGone
	}
	return nil
}

func (p *process) Get(ctx context.Context, key string, hint backends.Version) ([]byte, backends.Version, error) {
	if err := p.calls(); err != nil {
		return nil, "", err
	}
	return p.Records.Get(ctx, key, hint)
}

func (p *process) Put(ctx context.Context, key string, v []byte, prev backends.Version, expire time.Time) (backends.Version, error) {
	if err := p.calls(); err != nil {
		return "", err
	}
	return p.Records.Put(ctx, key, v, prev, expire)
}

func (p *process) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := p.calls(); err != nil {
		return nil, err
	}
	return p.http.RoundTrip(r)
}

// mortal starts an environment in a process that will be gone after so many calls to
// the queue and the records.
func (s *stage) mortal(calls int64, w func(*queue.Queue[int, int]) *worker.Worker[int, int]) (*function, *process) {
	s.Helper()
	p := &process{Records: s.shelf, http: s.server, die: func() {}}
	p.left.Store(forEver)
	o := s.server.Client().Options()
	o.HTTPClient = &http.Client{Transport: p}
	tr, err := sqs.New(s.Context(), awssqs.New(o), s.url, sqs.Options{})
	for err != nil { // the server may be one that fails
		tr, err = sqs.New(s.Context(), awssqs.New(o), s.url, sqs.Options{})
	}
	trigger := lambda.NewTrigger(tr)
	b := broker.New(trigger, p, broker.Options{Logger: slog.New(slog.DiscardHandler)})
	s.Cleanup(func() { b.Close() })
	fn := &function{worker: w(queue.New[int, int](b, "jobs"))}
	fn.worker.Logger = slog.New(slog.DiscardHandler)
	fn.Handler = lambda.New(trigger, fn.worker)
	fn.Report, fn.Logger = s.source.Reports, fn.worker.Logger
	p.left.Store(calls)
	return fn, p
}

// crash invokes, and reports whether the process outlived it.
func (p *process) crash(s *stage, fn *function, e events.SQSEvent, limit time.Duration) (out events.SQSEventResponse, err error, alive bool) {
	ctx, cancel := context.WithTimeout(s.Context(), limit)
	defer cancel()
	p.die = cancel
	out, err = fn.Invoke(ctx, e)
	return out, err, p.left.Load() > 0
}

// R4: a function that dies with its job has crashed; the same message takes the job
// over at once, and after MaxCrashes the job is a dead letter.
func TestRule_R4_CrashesCountAndEnd(t *testing.T) {
	play(t, "jobs", func(s *stage) {
		s.source.Wait = 1
		ref := s.enqueue("a", 1)[0]
		kill := func(*job) {}
		with := func(q *queue.Queue[int, int]) *worker.Worker[int, int] {
			return worker.New(q, func(ctx context.Context, j *job) (int, error) {
				kill(j)
				return 0, errBad
			})
		}
		crashes := 0
		for range 1000 {
			fn, p := s.mortal(forEver, with)
			kill = func(*job) { p.left.Store(0); crashes++ }
			e := s.event()
			out, err, alive := p.crash(s, fn, e, s.limit)
			if !alive {
				continue
			}
			if bad := s.source.Settle(s.Context(), e, out, err); bad != nil {
				s.Fatal(bad)
			}
		}
		if r := s.record(ref); r.State != queue.Dead || r.Reason != backends.ReasonCrashed || crashes != 3 {
			s.Errorf("%v (%s) after %d crashes", r.State, r.Reason, crashes)
		}
		s.left(0)
	})
}

// Lambda delivers at least once: of two that run one event at a time one is fenced
// out, and reports what isn't its own.
func TestRule_R5_DuplicateEventIsFenced(t *testing.T) {
	play(t, "jobs", func(s *stage) {
		ref := s.enqueue("a", 4)[0]
		first, second := s.cold(slow(10*time.Second)), s.cold(slow(10*time.Second))
		e := s.event()
		ended := make(chan invocation)
		go func() {
			ctx, cancel := context.WithTimeout(s.Context(), s.limit)
			defer cancel()
			begun := time.Now()
			out, err := first.Invoke(ctx, e)
			ended <- invocation{event: e, err: err, failed: failed(out), took: time.Since(begun)}
		}()
		time.Sleep(5 * time.Second)
		s.fn = second
		in := s.invokeWith(e)
		s.reports(in)
		lost := <-ended
		s.reports(lost, 0)
		if lost.took > 12*time.Second { // a beat, and the look whether anything is left
			s.Errorf("whoever lost its only job waited for %v", lost.took)
		}
		if r := s.record(ref); r.State != queue.Succeeded || r.Token != 2 {
			s.Errorf("%v, token %d", r.State, r.Token)
		}
		if in.took > 11*time.Second {
			s.Errorf("took %v", in.took)
		}
	})
}

func failed(out events.SQSEventResponse) (ids []string) {
	for _, f := range out.BatchItemFailures {
		ids = append(ids, f.ItemIdentifier)
	}
	return ids
}
