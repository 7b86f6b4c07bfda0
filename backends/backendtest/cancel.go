package backendtest

import (
	"github.com/leat-go/leat/backends"
)

var cancelCases = []testCase{
	{
		"R10", "CancelEndsAWaitingJob", "a cancelled job runs all the same",
		records,
		func(e *env) {
			jobs := []backends.Job{job("zeta"), job("zeta", dueIn(e.unit)), e.collation("zeta", 0)}
			e.enqueue(jobs...)
			e.mustCancel(refsOf(jobs)...)
			for _, j := range jobs {
				if r := e.expectState(j.Ref, backends.Cancelled); r.Ended.IsZero() || r.Cancelling {
					e.Fatalf("record says %+v", r)
				}
			}
			e.pass(1.5)
			e.claimNone(e.request(1))
		},
	},
	{
		"R10", "CancelMarksARunningJob", "an optimiser runs on for an hour after the user pressed cancel",
		records,
		func(e *env) {
			l := e.start(3)
			e.mustCancel(l.Job.Ref)
			e.mustCancel(l.Job.Ref) // pressed twice
			if r := e.expectState(l.Job.Ref, backends.Running); !r.Cancelling {
				e.Fatalf("record doesn't say that it is being cancelled")
			}
			e.expect(e.extend(l, e.span(10)), backends.ErrCancelled)
			e.pass(4)
			e.claimNone(e.request(1)) // the lease was renewed, so that the handler has time to stop
			e.expect(e.extend(l, e.span(10)), backends.ErrCancelled)
		},
	},
	{
		"R10", "CancelTellsWhatItCouldNot", "an operator takes a job for cancelled that isn't, or learns of another tenant's jobs",
		records,
		func(e *env) {
			done := e.ended(backends.Succeeded, "zeta")
			waiting := job("zeta")
			e.enqueue(waiting)
			foreign := backends.Ref{Tenant: "eta", ID: waiting.ID}
			refs := []backends.Ref{done, job("zeta").Ref, foreign, waiting.Ref, waiting.Ref} // twice: it is cancelled
			errs, err := e.operator().Cancel(e.Context(), refs)
			e.expect(err, nil)
			for i, want := range []error{backends.ErrEnded, backends.ErrNotFound, backends.ErrNotFound, nil, nil} {
				e.expect(errs[i], want)
			}
			e.expectState(done, backends.Succeeded)
		},
	},
	{
		"R6", "CancelledWhileWaitingOwesItsEvent", "whoever waits for the event of a cancelled job waits for ever",
		records,
		func(e *env) {
			e.policy = &backends.Policy{Owes: backends.Event}
			j := job("zeta", dueIn(e.span(100)))
			e.enqueue(j)
			blocked := e.blocked(e.announcing(1))
			e.mustCancel(j.Ref)
			l := e.wakes(blocked)
			if l.Outcome == nil || l.Outcome.State != backends.Cancelled || l.Outcome.Owes != backends.Event {
				e.Fatalf("lease has outcome %+v, want cancelled with an event owed", l.Outcome)
			}
			e.mustSettle(announced(l))
			e.claimNone(e.announcing(1))
		},
	},
	{
		"R10", "CancelOfAnEndedJobThatOwesIsRefused", "a cancel after the end takes back an event or a result",
		records,
		func(e *env) {
			l := e.owing(backends.Event, 10)
			e.expect(e.cancel(l.Job.Ref), backends.ErrEnded)
			e.mustSettle(announced(l))
			e.expectState(l.Job.Ref, backends.Succeeded)
		},
	},
}

// cancelThenCases: after a cancel, whatever a running job does next ends it as
// cancelled.
func cancelThenCases() []testCase {
	steps := []struct {
		name string
		step func(e *env, l *backends.Lease)
	}{
		{"Commit", func(e *env, l *backends.Lease) {
			e.expect(e.settleAs(l, backends.Commit), backends.ErrCancelled)
			e.expect(e.settleAs(l, backends.Commit), backends.ErrCancelled) // the reply was lost
		}},
		{"CommitOfDead", func(e *env, l *backends.Lease) {
			e.expect(e.settle(commitAs(l, backends.Dead)), backends.ErrCancelled)
		}},
		{"CommitOfCancelled", func(e *env, l *backends.Lease) { e.end(l, backends.Cancelled) }},
		{"Retry", func(e *env, l *backends.Lease) {
			e.expect(e.settleAs(l, backends.Retry), backends.ErrCancelled)
			e.expect(e.settleAs(l, backends.Retry), backends.ErrCancelled)
		}},
		{"Snooze", func(e *env, l *backends.Lease) {
			e.expect(e.settleAs(l, backends.Snooze), backends.ErrCancelled)
		}},
		{"Release", func(e *env, l *backends.Lease) {
			e.expect(e.settleAs(l, backends.Release), backends.ErrCancelled)
		}},
		{"Lapse", func(e *env, _ *backends.Lease) {
			e.pass(10.5)
			e.claimNone(e.request(1))
		}},
	}
	var cases []testCase
	for _, s := range steps {
		cases = append(cases, testCase{
			"R10", "CancelThen" + s.name + "EndsCancelled", "a job that was cancelled comes back, or its result counts",
			records,
			func(e *env) {
				l := e.start(10)
				e.mustCancel(l.Job.Ref)
				s.step(e, l)
				if r := e.expectState(l.Job.Ref, backends.Cancelled); r.Result != nil || r.Cancelling {
					e.Fatalf("record says %+v", r)
				}
				e.pass(1.5)
				e.claimNone(e.request(1))
			},
		})
	}
	return cases
}
