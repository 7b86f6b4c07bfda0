package schedule

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/queue"
)

// fresh bounds the time between the read of the cell and the job that follows from
// it: far below what the queue keeps keys for (minRetention).
const fresh = time.Minute

// visit reads the cell and fires what is due. It returns the mark as it is then.
func (r *runner[T, R]) visit(ctx context.Context) (m mark, err error) {
	for more := true; more && err == nil; {
		m, more, err = r.visitOnce(ctx)
	}
	return m, err
}

// visitOnce fires one tick at most, so that each follows from a fresh read.
func (r *runner[T, R]) visitOnce(ctx context.Context) (m mark, more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, fresh)
	defer cancel()
	m, _, err = r.cell.read(ctx)
	if err != nil || m.Paused {
		return m, false, err
	}
	p := r.plan(m.Last, r.clock(), r.CatchUp, r.grace)
	switch {
	case p.newest.At.IsZero():
		return m, false, nil
	case len(p.fire) == 0:
		m, err = r.raise(ctx, p.newest, missed, backends.Ref{})
		return m, false, err
	}
	m, err = r.fire(ctx, p.fire[0], m)
	return m, len(p.fire) > 1, err
}

// fire enqueues the tick's job, then raises the last tick.
func (r *runner[T, R]) fire(ctx context.Context, t Tick, m mark) (mark, error) {
	if r.Overlap == Skip {
		busy, err := r.lives(ctx, backends.Ref{Tenant: m.Tenant, ID: m.Job})
		if err != nil {
			return m, err
		}
		if busy {
			return r.raise(ctx, t, skipped, backends.Ref{})
		}
	}
	args, err := r.args(ctx, t)
	if err != nil {
		return m, err
	}
	opts := slices.Concat([]queue.Option{queue.At(r.due(t))}, r.Options, []queue.Option{queue.Key(r.key(t))})
	ticket, err := r.Queue.Enqueue(ctx, args, opts...)
	switch {
	case err == nil, errors.Is(err, queue.ErrKeyReused): // by a node whose Args differ
		return r.raise(ctx, t, fired, ticket.Ref)
	case pointless(err) && (errors.Is(err, queue.ErrInvalid) || errors.Is(err, queue.ErrTooLarge)):
		r.log.ErrorContext(ctx, "leat: a tick has no job", "tick", t.Local, "error", err)
		return r.raise(ctx, t, failed, backends.Ref{})
	}
	return m, err
}

// lives reports whether the job has not ended.
func (r *runner[T, R]) lives(ctx context.Context, job backends.Ref) (bool, error) {
	if job.ID == "" {
		return false, nil
	}
	record, err := r.facts.queue.Backend.Lookup(ctx, job, 0)
	if errors.Is(err, backends.ErrNotFound) {
		return false, nil
	}
	return err == nil && !record.State.Ended(), err
}

// args calls Args. A panic is its error: it must not end the program.
func (s *Schedule[T, R]) args(ctx context.Context, t Tick) (args T, err error) {
	if s.Args == nil {
		return args, nil
	}
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("args: panic: %v", v)
		}
	}()
	if args, err = s.Args(ctx, t); err != nil {
		err = fmt.Errorf("args: %w", err)
	}
	return args, err
}

// fate is what became of a tick.
type fate uint8

const (
	fired fate = iota
	missed
	skipped
	failed
)

// raise writes that t is past, and what became of it and of those before. Who comes
// second finds it done. It is not given up because the program stops: the next one
// would have to enqueue again.
func (r *runner[T, R]) raise(ctx context.Context, t Tick, f fate, job backends.Ref) (mark, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWrite)
	defer cancel()
	return r.cell.change(ctx, func(m *mark) bool {
		if !m.Last.Before(t.At) {
			return false
		}
		m.Missed += r.between(m.Last, t.At, r.clock())
		switch f {
		case fired:
			m.Fired++
			m.Tenant, m.Job = job.Tenant, job.ID
		case missed:
			m.Missed++
		case skipped:
			m.Skipped++
		case failed:
			m.Failed++
		}
		m.Rhythm, m.Last, m.Local = r.String(), t.At.UTC(), t.Local
		return true
	})
}

const lastWrite = 5 * time.Second
