package backendtest

import (
	"context"
	"strconv"
	"time"

	"github.com/leat-go/leat/backends"
)

// waitingForNew are n jobs of the new kind, in a queue that gives them up after
// five units, and when they came.
func (e *env) waitingForNew(n int) (jobs []backends.Job, came time.Time) {
	e.Helper()
	e.policy = &backends.Policy{UnknownAfter: 5 * e.unit}
	jobs, came = crowd(n, "zeta", ofNewKind), time.Now()
	e.enqueue(jobs...)
	return jobs, came
}

// givenUp expects that a worker which doesn't know the new kind gets j five units
// after somebody who does was there, and gives it up.
func (e *env) givenUp(j backends.Job, there time.Time) {
	e.Helper()
	l := e.claimBy(e.knowing(theKind))[0]
	e.expectJob(l, j)
	e.expectWait(there, 5)
	e.end(l, backends.Dead)
}

// knowerCases: whose jobs are given up depends on who was there to do them.
var knowerCases = []testCase{
	{
		"R10", "BusyWorkersKeepTheirBacklog", "where two kinds share a queue, a backlog of the one is thrown away by workers of the other",
		kinds,
		func(e *env) {
			e.waitingForNew(2)
			l := e.claimBy(e.knowing(newKind))[0]
			other := e.blocked(e.knowing(theKind))
			for range 6 {
				e.pass(2)
				e.expect(e.extend(l, 10*e.unit), nil)
				e.stillBlocked(other)
			}
		},
	},
	{
		"R10", "NoPatienceIsNoSpin", "a queue that gives up unknown jobs at once keeps its store busy for nothing",
		kinds,
		func(e *env) {
			e.policy = &backends.Policy{UnknownAfter: 1}
			strangers := []<-chan claimed{e.blocked(e.knowing(theKind)), e.blocked(e.request(1))}
			e.pass(3)
			e.enqueue(job("zeta", ofNewKind))
			e.expectWait(e.awaitLease(strangers[1]).Due, 0) // who knows all
			e.enqueue(job("zeta", ofNewKind))
			e.expectWait(e.awaitLease(strangers[0]).Due, 0)
		},
	},
	{
		"R10", "BacklogIsGivenUpWhenItsWorkersAreGone", "when the last worker of a kind is gone, its jobs wait for ever",
		kinds,
		func(e *env) {
			jobs, _ := e.waitingForNew(2)
			l := e.claimBy(e.knowing(newKind))[0]
			other := e.claiming(e.Context(), e.knowing(theKind))
			e.pass(3)
			gone := time.Now()
			e.expect(e.extend(l, 30*e.unit), nil)
			e.expectJob(e.awaitLease(other), jobs[1])
			e.expectWait(gone, 5)
		},
	},
	{
		"R10", "ClaimTellsThatSomebodyKnows", "workers with short jobs, who never extend a lease, are taken for dead",
		kinds,
		func(e *env) {
			for _, known := range [][]string{{theKind, newKind}, nil} {
				jobs, _ := e.waitingForNew(2)
				e.pass(3)
				claimed := time.Now()
				l := e.claimBy(e.knowing(known...))[0]
				e.expectJob(l, jobs[0])
				e.givenUp(jobs[1], claimed)
				e.commit(l)
			}
		},
	},
	{
		"R10", "SettlingTellsThatSomebodyKnows", "a worker that has just finished a long job is taken for dead",
		kinds,
		func(e *env) {
			for _, settle := range []backends.Settlement{
				{Verb: backends.Commit, Outcome: backends.Succeeded},
				{Verb: backends.Commit, Outcome: backends.Dead},
				{Verb: backends.Snooze, Delay: 60 * e.unit},
			} {
				jobs, _ := e.waitingForNew(2)
				settle.Lease = e.claimBy(e.knowing(newKind))[0]
				e.pass(3)
				settled := time.Now()
				e.mustSettle(settle)
				e.givenUp(jobs[1], settled)
			}
		},
	},
	{
		"R10", "WhoWaitsIsThere", "idle workers are taken for dead because they had nothing to claim",
		all(kinds, pauses),
		func(e *env) {
			for _, req := range []backends.ClaimRequest{e.knowing(newKind), e.knowing()} {
				e.pause(true)
				jobs, _ := e.waitingForNew(1)
				req.Policy = e.policy
				ctx, leave := context.WithCancel(e.Context())
				waiting := e.claiming(ctx, req)
				e.pass(7)
				gone := time.Now()
				leave()
				e.expect(await(e, waiting).err, context.Canceled)
				e.pause(false)
				e.givenUp(jobs[0], gone)
			}
		},
	},
	{
		"R10", "WhoWaitsGoesFirst", "jobs held up for an hour are thrown away, though somebody has waited for them all the time",
		all(kinds, pauses),
		func(e *env) {
			e.policy = &backends.Policy{UnknownAfter: 5 * e.unit}
			for i := range e.scale(20, 2) {
				j := job("zeta", func(j *backends.Job) { j.Kind = newKind + strconv.Itoa(i) })
				req := e.knowing(j.Kind)
				if i%2 == 1 {
					req = e.knowing()
				}
				e.pause(true)
				var waits <-chan claimed
				if i%4 == 0 || i%4 == 3 {
					waits = e.claiming(e.Context(), req)
				}
				e.enqueue(j)
				if waits == nil {
					waits = e.claiming(e.Context(), req)
				}
				e.pass(7)
				e.pause(false)
				e.claimNone(e.knowing(theKind))
				l := e.awaitLease(waits)
				e.expectJob(l, j)
				e.commit(l)
			}
		},
	},
	{
		"R10", "WhoCameBeforeTheJobCounts", "a job that others held up is thrown away, though somebody was there for it all the time",
		all(kinds, records),
		func(e *env) {
			e.policy = &backends.Policy{UnknownAfter: 5 * e.unit}
			before := e.start(20, inPlace(thePlace))
			j := e.overtake(trailing(thePlace), ofNewKind)
			e.pass(3)
			e.claimNone(e.knowing(newKind))
			there := time.Now()
			e.pass(3)
			e.commit(before)
			e.claimNone(e.knowing(theKind))
			e.givenUp(j, there)
		},
	},
	{
		"R10", "GivingUpTellsNothing", "jobs that nobody knows are given up one an hour, because whoever gives one up is taken for one who knows",
		kinds,
		func(e *env) {
			jobs, start := e.waitingForNew(3)
			for _, j := range jobs {
				l := e.claimBy(e.knowing(theKind))[0]
				e.expectJob(l, j)
				e.expect(e.extend(l, 10*e.unit), nil)
				e.end(l, backends.Dead)
			}
			e.expectWait(start, 5)
		},
	},
	{
		"R10", "GivingUpStopsWhenSomebodyKnows", "jobs that have waited long for a deploy are thrown away though it is there at last",
		kinds,
		func(e *env) {
			jobs, _ := e.waitingForNew(4)
			e.expectJob(e.claimBy(e.knowing(theKind))[0], jobs[0])
			deployed := time.Now()
			e.expectJob(e.claimBy(e.knowing(newKind))[0], jobs[1])
			e.claimNone(e.knowing(theKind))
			e.givenUp(jobs[2], deployed)
		},
	},
	{
		"R10", "LastWhoKnowsLeavesAJob", "a job waits beside idle workers for ever: they counted on one that is gone",
		kinds,
		func(e *env) {
			e.policy = &backends.Policy{UnknownAfter: 5 * e.unit}
			other, knows := e.blocked(e.knowing(theKind)), e.blocked(e.knowing(newKind))
			jobs, start := e.waitingForNew(2)
			e.expectJob(e.awaitLease(knows), jobs[0])
			e.expectJob(e.awaitLease(other), jobs[1])
			e.expectWait(start, 5)
		},
	},
	{
		"R10", "OtherQueueTellsNothing", "a job waits for ever because its kind is known in another queue",
		all(kinds, queues),
		func(e *env) {
			jobs, start := e.waitingForNew(1)
			e.pass(3)
			req := e.knowing(newKind)
			req.Queue = otherQueue
			e.claimNone(req)
			e.givenUp(jobs[0], start)
		},
	},
}
