package queue

import (
	"context"
	"fmt"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/internal/seam"
)

// Job is one job as a handler sees it. &Job[T]{Args: args} is a valid one for a
// test: its Progress goes nowhere.
type Job[T any] struct {
	Args T

	Tenant string
	ID     string // unguessable; the same at every attempt, so it makes side effects idempotent
	Kind   string
	Schema int // version of Args; at most the worker's

	Attempt int // from 1
	Crashes int // workers that this job has outlived

	// Token rises with every claim of the job: a resource that remembers the
	// highest it has seen can refuse a worker that was paused and has been replaced.
	Token      uint64
	Generation int64 // another after each redrive
	Order      int64 // of two jobs of one place (Supersede), the higher one is newer

	Priority  int
	Supersede string
	Resource  string
	Headers   map[string]string // read-only

	Created  time.Time
	Due      time.Time // when it became claimable
	Deadline time.Time // zero = none

	attempt *seam.Attempt
}

// Ref names the job.
func (j *Job[T]) Ref() Ref { return Ref{Tenant: j.Tenant, ID: j.ID} }

// Progress tells those who watch how far the job is, 0 to 100, and what it does.
// It only keeps the newest, which leaves with the next beat, so it may be called
// as often as one likes, from several goroutines. The percentage never falls.
func (j *Job[T]) Progress(percent float64, text string) {
	if j.attempt != nil {
		j.attempt.Report(backends.Progress{Percent: percent, Text: text})
	}
}

// leased makes the job of a lease.
func leased[T any](ctx context.Context, f *facts, a *seam.Attempt) (*Job[T], error) {
	l := a.Lease
	payload, err := f.openPayload(ctx, l.Job)
	if err != nil {
		return nil, fmt.Errorf("args: %w", err)
	}
	kind, schema := seam.Schema(l.Job.Kind)
	j := &Job[T]{
		Tenant: l.Job.Tenant, ID: l.Job.ID, Kind: kind, Schema: schema,
		Attempt: l.Attempt, Crashes: l.Crashes, Token: l.Token, Generation: l.Generation, Order: l.Order,
		Priority: int(l.Job.Priority), Supersede: l.Job.Supersede, Resource: l.Job.Resource, Headers: l.Job.Headers,
		Created: l.Created, Due: l.Due, Deadline: l.Deadline,
		attempt: a,
	}
	if err := f.codec.Decode(payload, &j.Args); err != nil {
		return nil, fmt.Errorf("args: %w: %w", seam.ErrUndecodable, err)
	}
	return j, nil
}
