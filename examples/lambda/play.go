package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/broker"
	_ "github.com/leat-go/leat/backends/broker/docrecords/memrecords" // opens memrecords://
	"github.com/leat-go/leat/backends/broker/sqs"
	"github.com/leat-go/leat/backends/broker/sqs/sqstest"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
	"github.com/leat-go/leat/worker/lambda"
	"github.com/leat-go/leat/worker/lambda/lambdatest"
)

// environments is how many copies of the function there are.
const environments = 3

// account is SQS, records and Lambda, in the process.
type account struct {
	server  *sqstest.Server
	url     string
	records broker.Records

	mu     sync.Mutex
	report report
	claims map[queue.Ref]map[uint64]bool // that recorded a success, of each job
}

// report is what came of the events.
type report struct {
	Jobs        int     `json:"jobs"`
	Invocations int     `json:"invocations"`
	Messages    int     `json:"messages"`
	Reported    int     `json:"reported"` // as to come again
	Twice       int     `json:"twice"`    // events that Lambda brought two times
	Lost        int     `json:"lost"`
	Duplicated  int     `json:"duplicated"`
	Seconds     float64 `json:"seconds"`
}

// play enqueues so many what-ifs, and has them answered by a function that is
// shaken: its first attempts fail now and then, and every tenth event comes twice.
func play(ctx context.Context, jobs int) (report, error) {
	begun := time.Now()
	slog.SetLogLoggerLevel(slog.LevelError)
	records, err := broker.OpenRecords(ctx, "memrecords://")
	if err != nil {
		return report{}, err
	}
	defer records.Close()
	a := &account{server: sqstest.New(), records: records, claims: map[queue.Ref]map[uint64]bool{}}
	a.url = a.server.Queue("whatif", map[string]string{"VisibilityTimeout": "30"})
	tr, err := a.transport(ctx)
	if err != nil {
		return report{}, err
	}
	store := broker.New(tr, records, broker.Options{})
	q := queue.New[Settings, Plan](store, queueName)
	defer q.Close()
	refs, err := ask(ctx, q, jobs)
	if err != nil {
		return report{}, err
	}
	if err := a.invokeAll(ctx); err != nil {
		return report{}, err
	}
	return a.sumUp(ctx, store, refs, time.Since(begun))
}

func (a *account) transport(ctx context.Context) (*sqs.Transport, error) {
	return sqs.New(ctx, a.server.Client(), a.url, sqs.Options{})
}

// ask is the portal.
func ask(ctx context.Context, q *queue.Queue[Settings, Plan], n int) (refs []queue.Ref, err error) {
	var items []queue.Item[Settings]
	for i := range n {
		items = append(items, queue.With(Settings{
			SKU: fmt.Sprintf("sku-%03d", i), ServiceLevel: 0.9 + float64(i%10)/110, LeadWeeks: 2, Demand: []float64{3, 8, 5, float64(i % 13)},
		}, queue.Tenant(fmt.Sprintf("partner-%d", i%7))))
	}
	out, err := q.EnqueueAll(ctx, items)
	if err != nil {
		return nil, err
	}
	for _, o := range out {
		refs, err = append(refs, o.Ref), errors.Join(err, o.Err)
	}
	return refs, err
}

// invokeAll is Lambda: environments that each take one event after the other.
func (a *account) invokeAll(ctx context.Context) error {
	errs := make([]error, environments)
	var all sync.WaitGroup
	for i := range environments {
		all.Go(func() { errs[i] = a.environment(ctx) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func (a *account) environment(ctx context.Context) error {
	tr, err := a.transport(ctx)
	if err != nil {
		return err
	}
	h, closes := a.shaken(tr)
	defer closes()
	mapping := lambdatest.Source{Client: a.server.Client(), Queue: a.url, Reports: true, Wait: 1}
	for a.server.Depth(a.url) > 0 && ctx.Err() == nil {
		e, err := mapping.Next(ctx)
		if err != nil {
			return err
		}
		if len(e.Records) == 0 {
			continue
		}
		for range a.times() {
			within, cancel := context.WithTimeout(ctx, 10*time.Second)
			answer, err := h.Invoke(within, e)
			cancel()
			a.count(len(e.Records), len(answer.BatchItemFailures))
			if err := mapping.Settle(ctx, e, answer, err); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// times is how often an event comes: at least once.
func (a *account) times() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if (a.report.Invocations+1)%10 != 0 {
		return 1
	}
	a.report.Twice++
	return 2
}

func (a *account) count(messages, reported int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.report.Invocations++
	a.report.Messages += messages
	a.report.Reported += reported
}

// shaken is the function, whose jobs fail now and then, and which tells whose success
// was recorded.
func (a *account) shaken(tr *sqs.Transport) (h *lambda.Handler, closes func() error) {
	trigger := lambda.NewTrigger(tr)
	q := queue.New[Settings, Plan](broker.New(trigger, a.records, broker.Options{}), queueName)
	w := worker.New(q, func(ctx context.Context, job *queue.Job[Settings]) (Plan, error) {
		if job.Attempt == 1 {
			switch job.Order % 11 {
			case 0:
				panic("the optimiser's first try")
			case 1:
				return Plan{}, errors.New("no licence left")
			}
		}
		return optimise(ctx, job)
	})
	w.Backoff = func(int) time.Duration { return time.Second }
	w.AfterSuccess = func(_ context.Context, job *queue.Job[Settings], _ Plan) error {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.claims[job.Ref()] == nil {
			a.claims[job.Ref()] = map[uint64]bool{}
		}
		a.claims[job.Ref()][job.Token] = true
		return nil
	}
	h = lambda.New(trigger, w)
	h.Report = true
	return h, q.Close
}

// sumUp holds the records against what was asked.
func (a *account) sumUp(ctx context.Context, store backends.Backend, refs []queue.Ref, took time.Duration) (report, error) {
	r := a.report
	r.Jobs, r.Seconds = len(refs), took.Seconds()
	for _, ref := range refs {
		rec, err := store.Lookup(ctx, ref, 0)
		if err != nil {
			return r, err
		}
		if rec.State != queue.Succeeded || len(a.claims[ref]) == 0 {
			r.Lost++
		}
		if len(a.claims[ref]) > 1 {
			r.Duplicated++
		}
	}
	return r, nil
}

func (r report) print(out io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(out).Encode(r)
	}
	_, err := fmt.Fprintf(out, `%d what-ifs, %d invocations in %d environments, %d events came twice
%d messages, of which %d were reported: they came again, and no others
lost %d, duplicated %d, in %.1f s
`, r.Jobs, r.Invocations, environments, r.Twice, r.Messages, r.Reported, r.Lost, r.Duplicated, r.Seconds)
	return err
}
