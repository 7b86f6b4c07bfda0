package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/leat-go/leat/backends"
)

// Ticket is what a producer gets for a job: enough to find it again.
type Ticket struct {
	Ref
	Duplicate bool  // the key was seen before: the job is the first one's
	Order     int64 // of two jobs of one place (Supersede), the higher one is newer
}

// Enqueue creates a job. When it returns without error the job is as durable as
// the backend, and will end in one of the five ways.
//
// Errors that callers branch on: ErrBacklogFull (come again later), ErrKeyReused,
// ErrTooLarge, ErrInvalid. Nothing was created then. What the store left unknown
// Enqueue asks again by itself, a few times and for the same job (not inside a
// View); after any other error the job may exist all the same. Then the Ticket has
// its Ref to look; a Ticket without one is of a job that was never sent.
func (q *Queue[T, R]) Enqueue(ctx context.Context, args T, opts ...Option) (Ticket, error) {
	f, err := q.ready()
	if err != nil {
		return Ticket{}, wrap("enqueue", err)
	}
	ctx, sending := f.watch.Send(ctx, 1)
	t, err := q.enqueue(ctx, f, args, opts)
	sending.End(ctx, t.ID, err)
	return t, wrap("enqueue", err)
}

func (q *Queue[T, R]) enqueue(ctx context.Context, f *facts, args T, opts []Option) (Ticket, error) {
	jobs := make([]backends.Job, 1)
	wait, err := q.draft(ctx, f, &jobs[0], args, opts)
	if err != nil {
		return Ticket{}, err
	}
	out := make([]Outcome, 1)
	q.send(ctx, f, jobs, out, wait)
	return out[0].Ticket, out[0].Err
}

// send passes jobs to the backend until each has an outcome. What is unknown is
// asked again, which changes nothing for jobs that are there.
func (q *Queue[T, R]) send(ctx context.Context, f *facts, jobs []backends.Job, out []Outcome, wait bool) {
	left := make([]int, len(jobs))
	for i := range left {
		left[i] = i
		out[i].Ref = jobs[i].Ref
	}
	failures, look := 0, firstLook
	for {
		q.sendOnce(ctx, f, jobs, out, left)
		unknown, full := unfinished(out, left, wait)
		rest := look
		switch {
		case len(unknown) == 0: // waiting is not failing
			failures, look = 0, min(2*look, lastLook)
		default:
			if failures++; failures >= tries {
				unknown = nil
			}
			rest = pause(failures)
		}
		left = append(unknown, full...)
		slices.Sort(left) // the order among jobs is the caller's
		if len(left) == 0 || q.inView {
			return
		}
		if ended := sleep(ctx, rest); ended != nil {
			for _, i := range left {
				out[i].Err = alsoEnded(out[i].Err, ended)
			}
			return
		}
	}
}

// sendOnce makes one call for the jobs that have no outcome yet.
func (q *Queue[T, R]) sendOnce(ctx context.Context, f *facts, jobs []backends.Job, out []Outcome, left []int) {
	batch := jobs
	if len(left) < len(jobs) {
		batch = make([]backends.Job, len(left))
		for k, i := range left {
			batch[k] = jobs[i]
		}
	}
	got, err := q.backend.Enqueue(ctx, backends.EnqueueRequest{Queue: f.name, Policy: f.policy, Jobs: batch})
	if err == nil && len(got) != len(batch) {
		err = fmt.Errorf("%s answered for %d of %d jobs", f.features.Name, len(got), len(batch))
	}
	for k, i := range left {
		if err != nil {
			out[i].Err = err
			continue
		}
		e := got[k]
		// A job without a key that was there before is our own, of a call whose
		// reply was lost.
		out[i] = Outcome{Ticket{jobs[i].Ref, e.Duplicate && jobs[i].Fingerprint != 0, e.Order}, e.Err}
	}
}

// unfinished are the jobs whose outcome is unknown, and those that wait for room.
func unfinished(out []Outcome, left []int, wait bool) (unknown, full []int) {
	for _, i := range left {
		switch err := out[i].Err; {
		case err == nil:
		case errors.Is(err, ErrBacklogFull) && wait:
			full = append(full, i)
		case !refusal(err):
			unknown = append(unknown, i)
		}
	}
	return unknown, full
}

// refusal reports whether err says for sure that nothing was created, or that
// asking again is pointless.
func refusal(err error) bool {
	for _, sure := range [...]error{
		ErrInvalid, ErrTooLarge, ErrKeyReused, ErrBacklogFull, ErrEnded, ErrNotFound,
		backends.ErrSealed, errors.ErrUnsupported, ErrClosed,
	} {
		if errors.Is(err, sure) {
			return true
		}
	}
	return false
}
