package queue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

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
// ErrTooLarge, ErrInvalid. Nothing was created then. Enqueue itself repeats what
// failed otherwise, a few times and for the same job; after any other error the
// job may exist all the same, and the Ticket has its Ref to look.
func (q *Queue[T, R]) Enqueue(ctx context.Context, args T, opts ...Option) (Ticket, error) {
	f, err := q.ready()
	if err != nil {
		return Ticket{}, fmt.Errorf("queue: enqueue: %w", err)
	}
	ctx, end := f.watch.Send(ctx, 1)
	t, err := q.enqueue(ctx, f, args, opts)
	end(t.ID, err)
	if err != nil {
		return t, fmt.Errorf("queue: enqueue: %w", err)
	}
	return t, nil
}

func (q *Queue[T, R]) enqueue(ctx context.Context, f *facts, args T, opts []Option) (Ticket, error) {
	d, err := q.draft(ctx, f, args, opts)
	if err != nil {
		return Ticket{}, err
	}
	out := [1]Outcome{}
	q.send(ctx, f, []backends.Job{d.job}, out[:], d.wait)
	return out[0].Ticket, out[0].Err
}

// How often a call is repeated whose outcome is unknown, and how long it waits in
// between; and how long a producer waits for room before it looks again.
const (
	tries    = 4
	pause    = 25 * time.Millisecond
	roomLook = 20 * time.Millisecond
	roomMost = time.Second
)

// send passes jobs to the backend until each has an outcome. What is unknown is
// asked again, which changes nothing for jobs that are there.
func (q *Queue[T, R]) send(ctx context.Context, f *facts, jobs []backends.Job, out []Outcome, wait bool) {
	for i := range jobs {
		out[i].Ref = jobs[i].Ref
	}
	left := make([]int, len(jobs))
	for i := range left {
		left[i] = i
	}
	look := roomLook
	for n := 1; ; n++ {
		err := q.sendOnce(ctx, f, jobs, out, left)
		rest := pause << (2 * n)
		if err == nil {
			if left = unfinished(out, left, wait); len(left) == 0 {
				return
			}
			err = out[left[0]].Err
			if full(out, left) { // waiting is not failing
				n, look = 0, min(2*look, roomMost)
				rest = look
			}
		}
		if n >= tries || q.inView || ctx.Err() != nil || refusal(err) && n > 0 {
			giveUp(out, left, err)
			return
		}
		if ended := sleep(ctx, jitter(rest)); ended != nil {
			giveUp(out, left, fmt.Errorf("%w: %w", err, ended))
			return
		}
	}
}

// giveUp notes why those that are left have no better outcome.
func giveUp(out []Outcome, left []int, err error) {
	for _, i := range left {
		out[i].Err = err
	}
}

// sendOnce makes one call for the jobs that have no outcome yet.
func (q *Queue[T, R]) sendOnce(ctx context.Context, f *facts, jobs []backends.Job, out []Outcome, left []int) error {
	batch := jobs
	if len(left) < len(jobs) {
		batch = make([]backends.Job, len(left))
		for k, i := range left {
			batch[k] = jobs[i]
		}
	}
	got, err := q.backend.Enqueue(ctx, backends.EnqueueRequest{Queue: f.name, Policy: f.policy, Jobs: batch})
	if err != nil {
		return err
	}
	for k, e := range got {
		out[left[k]] = Outcome{Ticket{jobs[left[k]].Ref, e.Duplicate, e.Order}, e.Err}
	}
	return nil
}

// unfinished are those whose outcome is unknown, and those that wait for room.
func unfinished(out []Outcome, left []int, wait bool) []int {
	var again []int
	for _, i := range left {
		switch err := out[i].Err; {
		case err == nil:
		case wait && errors.Is(err, ErrBacklogFull), !refusal(err):
			again = append(again, i)
		}
	}
	return again
}

func full(out []Outcome, left []int) bool {
	for _, i := range left {
		if errors.Is(out[i].Err, ErrBacklogFull) {
			return true
		}
	}
	return false
}

// refusal reports whether err says for sure that nothing was created.
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

// sleep waits for d, or returns the error of a context that ends first.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// jitter spreads callers that failed together.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d/2+1) }
