package backendtest

import "github.com/leat-go/leat/backends"

// The limit that these cases watch is the backlog, as it is seen at once; the
// others travel in the same Policy.

// room counts how many of n new jobs the queue takes under p.
func (e *env) room(n int, p *backends.Policy) int {
	e.Helper()
	e.policy = p
	taken := 0
	for _, out := range e.tryEnqueue(crowd(n, "zeta")...) {
		if out.Err == nil {
			taken++
		} else {
			e.expect(out.Err, backends.ErrBacklogFull)
		}
	}
	return taken
}

// expectRoom expects that the queue takes so many of ten new jobs under p.
func (e *env) expectRoom(p *backends.Policy, want int) {
	e.Helper()
	if got := e.room(10, p); got != want {
		e.Fatalf("took %d of 10 new jobs, want %d", got, want)
	}
}

func backlogOf(version, n int) *backends.Policy {
	return &backends.Policy{Version: version, Backlog: n}
}

var policyCases = []testCase{
	{
		"R12", "NewestPolicyWins", "during a deploy the old binary undoes the limits of the new one",
		countsBacklog,
		func(e *env) {
			e.expectRoom(backlogOf(1, 2), 2)
			e.expectRoom(backlogOf(2, 5), 3)
			e.expectRoom(backlogOf(1, 9), 0)
			e.expectRoom(backlogOf(3, 6), 1)
		},
	},
	{
		"R12", "NewPolicyMayLower", "a limit can be raised but never lowered",
		countsBacklog,
		func(e *env) {
			e.expectRoom(backlogOf(1, 5), 5)
			e.expectRoom(backlogOf(2, 3), 0)
			for _, l := range e.claimMany(3) {
				e.commit(l)
			}
			e.expectRoom(backlogOf(2, 3), 1)
		},
	},
	{
		"R12", "EqualPolicyVersionKeepsTheStored", "two binaries with the same version number fight over the limits",
		countsBacklog,
		func(e *env) {
			e.expectRoom(backlogOf(1, 2), 2)
			e.expectRoom(backlogOf(1, 9), 0)
			e.expectRoom(backlogOf(1, 2), 0)
		},
	},
	{
		"R12", "NoPolicyMeansTheStored", "a tool that brings no policy lifts all limits",
		countsBacklog,
		func(e *env) {
			e.expectRoom(backlogOf(1, 2), 2)
			e.expectRoom(nil, 0)
		},
	},
	{
		"R12", "NoPolicyAtFirstIsNotOne", "a tool that came before the first binary fixes the defaults for ever",
		countsBacklog,
		func(e *env) {
			e.expectRoom(nil, 10)
			e.expectRoom(backlogOf(0, 11), 1)
		},
	},
	{
		"R12", "PolicyComesWithAClaim", "limits of the workers' binary hold only once a producer knows them",
		countsBacklog,
		func(e *env) {
			e.policy = backlogOf(1, 2)
			e.claimNone(e.request(1))
			e.expectRoom(nil, 2)
		},
	},
	{
		"R12", "PolicyIsPerQueue", "one queue's limits hold for another",
		all(countsBacklog, queues),
		func(e *env) {
			e.expectRoom(backlogOf(7, 2), 2)
			e.policy = backlogOf(1, 3)
			e.enqueueIn(otherQueue, crowd(3, "zeta")...)
		},
	},
	{
		"R4", "NewPolicyHoldsForOldJobs", "a raised limit of crashes doesn't save the jobs that are there",
		records,
		func(e *env) {
			e.policy = &backends.Policy{Version: 1, MaxCrashes: 1}
			e.enqueue(job("zeta"))
			e.policy = &backends.Policy{Version: 2, MaxCrashes: 2}
			e.crash()
			if l := e.claim(); l.Crashes != 1 {
				e.Fatalf("crashes %d, want 1", l.Crashes)
			}
		},
	},
	{
		"R12", "PolicyOutlivesTheProcess", "a restarted tool finds the queue without limits",
		all(countsBacklog, isShared),
		func(e *env) {
			e.expectRoom(backlogOf(2, 2), 2)
			defer e.elsewhere()()
			e.expectRoom(backlogOf(1, 9), 0)
			e.expectRoom(nil, 0)
		},
	},
}
