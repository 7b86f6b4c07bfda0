package queue

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/leat-go/leat/backends"
)

// Filter selects jobs of a queue, of all its kinds. The zero State is any; a
// tenant is named, or AnyTenant says that all are meant.
type Filter struct {
	State     State
	Tenant    string
	AnyTenant bool
}

// Stats counts the queue.
func (q *Queue[T, R]) Stats(ctx context.Context) (Stats, error) {
	op, err := q.operator()
	if err != nil {
		return Stats{}, wrap("stats", err)
	}
	s, err := op.Stats(ctx, q.name)
	return s, wrap("stats", err)
}

// Jobs lists the jobs that match, oldest first. What changes state meanwhile may
// be missed, or seen twice. It ends after the first error.
func (q *Queue[T, R]) Jobs(ctx context.Context, match Filter) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		op, err := q.operator()
		req := backends.ListRequest{Queue: q.name, State: match.State, Tenant: match.Tenant, AnyTenant: match.AnyTenant}
		for err == nil {
			var page backends.Page
			if page, err = op.List(ctx, req); err != nil {
				break
			}
			for _, r := range page.Records {
				if !yield(r, nil) {
					return
				}
			}
			if req.Cursor = page.Cursor; req.Cursor == "" {
				return
			}
		}
		yield(nil, wrap("jobs", err))
	}
}

// DeadLetters lists the jobs of all tenants that were given up, of all kinds.
// [Queue.Args] decodes what they were asked, Failures says what went wrong.
func (q *Queue[T, R]) DeadLetters(ctx context.Context) iter.Seq2[*Record, error] {
	return q.Jobs(ctx, Filter{State: Dead, AnyTenant: true})
}

// Args decodes the args of a record, where the backend keeps them
// (Features.KeepsPayload; all do for dead letters). A record of another kind, or
// of a newer Schema, is ErrInvalid: ask the [View] of that kind.
func (q *Queue[T, R]) Args(ctx context.Context, r *Record) (T, error) {
	args, err := q.args(ctx, r)
	return args, wrap("args", err)
}

func (q *Queue[T, R]) args(ctx context.Context, r *Record) (args T, err error) {
	f, err := q.ready()
	switch {
	case err != nil:
		return args, err
	case r == nil || r.Job == nil:
		return args, errNoRecord
	case !slices.Contains(f.kinds, r.Job.Kind):
		return args, &InvalidError{Field: "Record", Reason: fmt.Sprintf("is of kind %q, not of %q", r.Job.Kind, f.kind)}
	case !f.features.KeepsPayload && r.State != Dead && len(r.Job.Payload) == 0 && r.Job.Headers[storedHeader] == "":
		return args, unsupported("args of a job that isn't dead", f)
	}
	payload, err := f.openPayload(ctx, r.Job)
	if err != nil {
		return args, err
	}
	return args, f.codec.Decode(payload, &args)
}

var errNoRecord = &InvalidError{Field: "Record", Reason: "is missing"}

// Cancel ends a waiting job, and tells a running one to stop: its handler's
// context ends within a beat, and whatever it returns, the job ends cancelled.
// Repeated, it is nil. ErrNotFound; ErrEnded if it ended otherwise before.
func (q *Queue[T, R]) Cancel(ctx context.Context, ref Ref) error {
	op, err := q.operator()
	if err != nil {
		return wrap("cancel", err)
	}
	if err := only(op.Cancel(ctx, []Ref{ref})); err != nil {
		return wrap("cancel", fmt.Errorf("job %s: %w", ref.ID, err))
	}
	return nil
}

// Redrive gives dead or cancelled jobs another life, as they were listed. It may
// be repeated, after a crash too: what was redriven before is not redriven again.
// The error joins what went wrong with each, every one naming its job; the others
// are redriven. ErrNotReady: the job waits or runs, or its ready event hasn't left
// yet, which is soon: repeat the call.
func (q *Queue[T, R]) Redrive(ctx context.Context, letters ...*Record) error {
	op, err := q.operator()
	if err != nil {
		return wrap("redrive", err)
	}
	items := make([]backends.Redrive, len(letters))
	for i, r := range letters {
		if r == nil || r.Job == nil {
			return wrap("redrive", errNoRecord)
		}
		items[i] = backends.Redrive{Ref: r.Job.Ref, Generation: r.Generation}
	}
	var failed []error
	for some := range slices.Chunk(items, backends.MaxPage) {
		errs, err := op.Redrive(ctx, some)
		for i, e := range errs {
			if e != nil {
				failed = append(failed, fmt.Errorf("job %s: %w", some[i].Ref.ID, e))
			}
		}
		if err != nil {
			failed = append(failed, err)
			break
		}
	}
	return wrap("redrive", errors.Join(failed...))
}

// Purge removes the records of waiting or ended jobs that match, with what they
// still owe, until none is left or ctx ends, and returns how many. State must be
// given.
func (q *Queue[T, R]) Purge(ctx context.Context, match Filter) (int, error) {
	op, err := q.operator()
	if err != nil {
		return 0, wrap("purge", err)
	}
	total := 0
	for {
		n, err := op.Purge(ctx, backends.PurgeRequest{
			Queue: q.name, State: match.State, Tenant: match.Tenant, AnyTenant: match.AnyTenant,
		})
		total += n
		if err != nil || n == 0 {
			return total, wrap("purge", err)
		}
	}
}

// Pause stops the claims of the queue; what runs goes on. Resume ends the pause.
func (q *Queue[T, R]) Pause(ctx context.Context) error {
	return wrap("pause", q.setPause(ctx, true))
}

// Resume lets claims go on.
func (q *Queue[T, R]) Resume(ctx context.Context) error {
	return wrap("resume", q.setPause(ctx, false))
}

func (q *Queue[T, R]) setPause(ctx context.Context, paused bool) error {
	op, err := q.operator()
	if err != nil {
		return err
	}
	return op.Pause(ctx, q.name, paused)
}

func (q *Queue[T, R]) operator() (backends.Operator, error) {
	f, err := q.ready()
	if err != nil {
		return nil, err
	}
	op, ok := backends.As[backends.Operator](q.backend)
	if !ok {
		return nil, unsupported("this verb", f)
	}
	return op, nil
}

func wrap(verb string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("queue: %s: %w", verb, err)
}
