package queue

import (
	"context"

	"github.com/leat-go/leat/backends"
)

// Complete commits a job's success inside the view that q is bound to, so that the
// handler's own writes and the outcome are one transaction. The handler then
// returns worker.Settled; what the job owes (ready event, write-back) leaves as
// always, once the transaction has committed.
//
//	err := q.On(postgres.Tx(tx)).Complete(ctx, job, plan)
//	if err == nil {
//		err = tx.Commit()
//	}
//	if err != nil {
//		return plan, err
//	}
//	return plan, worker.Settled
//
// ErrLost, ErrCancelled and ErrSuperseded say that the job is no longer this
// worker's to complete: roll back.
func (q *Queue[T, R]) Complete(ctx context.Context, job *Job[T], result R) error {
	return wrap("complete", q.complete(ctx, job, result))
}

func (q *Queue[T, R]) complete(ctx context.Context, job *Job[T], result R) error {
	f, err := q.ready()
	if err != nil {
		return err
	}
	if job == nil || job.attempt == nil {
		return &InvalidError{Field: "Job", Reason: "is not one that a worker gave to its handler"}
	}
	encoded, err := f.encodeResult(result)
	if err != nil {
		return &encodeError{"result", err}
	}
	lease := job.attempt.Lease
	inline, stored, err := f.packResult(ctx, lease, encoded)
	if err != nil {
		return err
	}
	return only(q.backend.Settle(ctx, []backends.Settlement{{
		Lease: lease, Verb: backends.Commit, Outcome: backends.Succeeded,
		Result: inline, Stored: stored, Owes: job.attempt.Owes,
	}}))
}

// only is what became of the one item of a call.
func only(each []error, err error) error {
	if err == nil && len(each) > 0 {
		return each[0]
	}
	return err
}
