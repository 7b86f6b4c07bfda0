package lambda

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	awslambda "github.com/aws/aws-lambda-go/lambda"

	"github.com/leat-go/leat/backends/broker/inbox"
	"github.com/leat-go/leat/internal/seam"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// Worker is a *worker.Worker or a *worker.Mux.
type Worker interface {
	worker.Runner
	RunStint(ctx context.Context, _ seam.Key, s seam.Stint) error
}

// Handler runs a worker on the events of an SQS trigger. Set its fields before the
// first event. Make it with [New].
//
// Of the worker's own fields Concurrency, Lease, Beat, RunLimit, Backoff and
// AfterSuccess count; the invocation stands for Grace, Kill and Margin.
type Handler struct {
	// Report says that the event source mapping has the function response type
	// ReportBatchItemFailures: then Lambda deletes what isn't reported.
	//
	// false settles strictly: the successes are deleted here, by the Trigger's queue,
	// and if any message must stay Invoke fails, so that Lambda keeps the rest. That is
	// right with any mapping, and so the default: a mapping without that response type
	// deletes the failures too, whatever is reported, and an event doesn't tell which
	// one sent it. It costs a request per ten messages, and a failed message counts as
	// an error of the function.
	Report bool

	// Mappings, if set, finds out: it is asked at the first event of a queue, and
	// takes the place of Report. While it fails, the events are settled strictly.
	Mappings Mappings

	// Margin is how long before the invocation's deadline nothing new is started; 0 =
	// a tenth of the time that there is at its start, at most 10 s. Half of it is for
	// the handlers that run: then their contexts end, a quarter later what has
	// returned is written for the last time.
	Margin time.Duration

	Logger *slog.Logger // nil = slog.Default

	trigger *Trigger
	worker  Worker

	mu      sync.Mutex
	reports map[string]bool // by queue, as Mappings told
}

// New returns a Handler. The worker's queue must be on a Backend on that trigger.
func New(t *Trigger, w Worker) *Handler { return &Handler{trigger: t, worker: w} }

// Start hands the process to Lambda's runtime. It doesn't return.
func Start(h *Handler) { awslambda.Start(h.Invoke) }

// Invoke runs the jobs of an event, as many at a time as the worker has slots, until
// each is settled or the deadline of ctx is near. When it returns nothing of the event
// is running or held, but for handlers that never returned.
//
// With Report the answer names exactly the messages that must come again. Without,
// the error is a [*StayError] if there are any. Other errors say that nothing could
// be done at all, and every message comes again. Invocations may run side by side.
func (h *Handler) Invoke(ctx context.Context, e events.SQSEvent) (events.SQSEventResponse, error) {
	var none events.SQSEventResponse
	if len(e.Records) == 0 {
		return none, nil
	}
	if err := h.check(e.Records); err != nil {
		return none, fmt.Errorf("lambda: %w", err)
	}
	stint, err := h.stint(ctx, time.Now())
	if err != nil {
		return none, fmt.Errorf("lambda: %w", err)
	}
	report := h.doesReport(ctx, e.Records[0].EventSourceARN)
	run, stop := context.WithCancel(ctx)
	defer stop()
	b := h.trigger.batch(e.Records, !report, stop)
	stint.Idle, stint.Empty = lostAfter, b.Empty
	err = h.worker.RunStint(b.Into(run), seam.Key{}, stint)
	return h.answer(ctx, b.Close(), report, err)
}

// lostAfter is how long an invocation waits for messages that it lost to another one,
// which was brought them as well: nobody will settle those here.
const lostAfter = 2 * time.Second

// check refuses an event that can't be answered.
func (h *Handler) check(records []events.SQSMessage) error {
	bad := func(reason string) error { return &queue.InvalidError{Field: "event", Reason: reason} }
	if h.trigger == nil || h.worker == nil {
		return &queue.InvalidError{Field: "Handler", Reason: "was not made with New"}
	}
	for i := range records {
		switch r := &records[i]; {
		case r.MessageId == "":
			return bad("has a message without an id; is it one of SQS?")
		case r.EventSourceARN != records[0].EventSourceARN:
			return bad("is of two queues")
		case h.trigger.queue != nil && h.trigger.queue.ARN() != "" && r.EventSourceARN != h.trigger.queue.ARN():
			return bad("is of " + r.EventSourceARN + ", where the trigger's queue is " + h.trigger.queue.ARN())
		}
	}
	return nil
}

// stint is the time that the invocation has.
func (h *Handler) stint(ctx context.Context, now time.Time) (seam.Stint, error) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return seam.Stint{Kill: worker.DefaultKill, Last: time.Second}, nil
	}
	return seam.NewStint(now, deadline, h.Margin)
}

// answer tells Lambda what must come again, and makes it come.
func (h *Handler) answer(ctx context.Context, r inbox.Result, report bool, err error) (events.SQSEventResponse, error) {
	var out events.SQSEventResponse
	var stuck *worker.StuckError
	if err != nil && !errors.As(err, &stuck) {
		return out, fmt.Errorf("lambda: %w", err) // what was done is found in its records, as it comes again
	}
	if stuck != nil {
		h.logger().ErrorContext(ctx, "lambda: handlers have not returned; their jobs come again, beside them", "jobs", len(stuck.Jobs))
	}
	if !r.Asked {
		return out, fmt.Errorf("lambda: %w", &queue.InvalidError{Field: "Worker", Reason: "has a queue that isn't on the handler's trigger"})
	}
	var stay []string
	for _, m := range r.Messages {
		if m.Fate != inbox.Done {
			stay = append(stay, m.ID)
		}
	}
	if trouble := errors.Join(r.Trouble, h.giveBack(ctx, r)); trouble != nil {
		h.logger().WarnContext(ctx, "lambda: the queue refused something; what must come again comes when its visibility timeout is over", "error", trouble)
	}
	switch {
	case len(stay) == 0:
		return out, nil
	case !report:
		return out, &StayError{Messages: stay}
	}
	for _, id := range stay {
		out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: id})
	}
	return out, nil
}

// giveBack takes half of what is left of the invocation's time, and no more.
func (h *Handler) giveBack(ctx context.Context, r inbox.Result) error {
	left := 2 * time.Second
	if d, ok := ctx.Deadline(); ok {
		left = min(left, time.Until(d))
	}
	ctx, cancel := context.WithTimeout(ctx, left/2)
	defer cancel()
	return h.trigger.GiveBack(ctx, r)
}

func (h *Handler) logger() *slog.Logger {
	if h.Logger != nil {
		return h.Logger
	}
	return slog.Default()
}

// StayError says which messages of an event must come again, where the function may
// not say so in its answer: it makes Lambda keep all that was not deleted.
type StayError struct{ Messages []string }

func (e *StayError) Error() string {
	return fmt.Sprintf("lambda: %d messages must come again; the others are deleted", len(e.Messages))
}
