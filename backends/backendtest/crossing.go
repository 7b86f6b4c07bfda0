package backendtest

import (
	"slices"
	"strconv"

	"github.com/leat-go/leat/backends"
)

// urgent gives a job a priority.
func urgent(p int32) func(*backends.Job) {
	return func(j *backends.Job) { j.Priority = p }
}

var priorityCases = []testCase{
	{
		"R11", "PriorityOrdersInsideATenant", "an urgent job waits behind its own tenant's nightly ones",
		all(isFair, hasPriority),
		func(e *env) {
			var want []string
			for _, p := range []int32{0, 5, -3, 9, 5} {
				j := job("zeta", urgent(p))
				e.enqueue(j)
				want = append(want, strconv.Itoa(int(p)))
			}
			var got []string
			for _, l := range e.claimTotal(e.request(2), len(want)) {
				got = append(got, strconv.Itoa(int(l.Job.Priority)))
			}
			if want := []string{"9", "5", "5", "0", "-3"}; !slices.Equal(got, want) {
				e.Fatalf("claimed by priority %v, want %v", got, want)
			}
		},
	},
	{
		"R11", "UrgentFloodTakesNoTurnOfOthers", "whoever calls all its jobs urgent delays everybody else",
		all(isFair, hasPriority),
		func(e *env) {
			e.enqueue(crowd(50, flood, urgent(100))...)
			e.enqueue(crowd(10, "zeta")...)
			for _, n := range []int{1, 5} {
				e.expectShare(e.claimTotal(e.request(n), 10), "zeta", 5, 1)
			}
		},
	},
}

// named gives a job a kind.
func named(kind string) func(*backends.Job) {
	return func(j *backends.Job) { j.Kind = kind }
}

// crossCases: rounds across kinds, and across jobs and announcements.
var crossCases = []testCase{
	{
		"R11", "RoundHoldsAcrossKinds", "a flood of one kind delays another tenant's jobs of another kind",
		all(isFair, kinds),
		func(e *env) {
			e.enqueue(crowd(50, flood, named("report"))...)
			for _, t := range []string{"zeta", "eta"} {
				e.enqueue(crowd(10, t, named("optimise"))...)
			}
			req := e.request(1)
			req.Kinds = []string{"report", "optimise"}
			got := e.claimTotal(req, 3)
			e.expectAll(got, []string{flood, "zeta", "eta"})
			got = e.claimTotal(req, 21)
			e.expectShare(got, flood, 7, 1)
			e.expectShare(got, "zeta", 7, 1)
		},
	},
	{
		"R11", "TwoKindsAreNotTwoShares", "a tenant doubles its share by using two kinds",
		all(isFair, kinds),
		func(e *env) {
			e.enqueue(crowd(40, flood, named("report"))...)
			e.enqueue(crowd(40, flood, named("optimise"))...)
			e.enqueue(crowd(40, "zeta", named("optimise"))...)
			for _, n := range []int{1, 6} {
				req := e.request(n)
				req.Kinds = []string{"report", "optimise"}
				e.expectShare(e.claimTotal(req, 20), flood, 10, 1)
			}
			e.expectShare(e.claimTotal(e.request(3), 20), flood, 10, 2) // by a worker that knows all
		},
	},
	{
		"R11", "WeightHoldsAcrossKinds", "a partner who pays for three shares gets one, as its jobs are of another kind",
		all(isFair, kinds),
		func(e *env) {
			e.policy = &backends.Policy{Tenants: map[string]backends.Tenancy{"zeta": {Weight: 3}}}
			e.enqueue(crowd(80, "zeta", named("report"))...)
			e.enqueue(crowd(80, "eta", named("optimise"))...)
			for _, n := range []int{1, 8} {
				e.expectShare(e.claimTotal(e.request(n), 40), "zeta", 30, 3)
			}
		},
	},
	{
		"R11", "IdleTimeGivesNoCreditAcrossKinds", "a kind that nobody asked for all night shuts the others out in the morning",
		all(isFair, kinds),
		func(e *env) {
			e.enqueue(job("theta", named("report")))
			e.commit(e.claim())
			for _, t := range []string{"zeta", "eta"} {
				e.enqueue(crowd(100, t)...)
			}
			e.claimTotal(e.request(1), 90)
			e.enqueue(crowd(60, "theta", named("report"))...)
			got := e.claimTotal(e.request(1), 30)
			e.expectShare(got, "theta", 10, 1)
			e.expectShare(got[:9], "theta", 3, 1)
		},
	},
	{
		"R11", "UnknownKindsHoldNobodyUp", "jobs that wait for the next deploy block those behind them",
		all(isFair, kinds),
		func(e *env) {
			e.enqueue(crowd(50, flood, named("of-the-next-version"))...)
			mine := job(flood)
			e.enqueue(mine, job("zeta"))
			req := e.request(5)
			req.Kinds = []string{theKind}
			got := e.claimRest(req)
			if len(got) != 2 || !has(got, mine.Ref) {
				e.Fatalf("claimed %d jobs of the known kind, want 2", len(got))
			}
		},
	},
	{
		"R11", "AnnouncementsDelayNoJob", "the events of one tenant's flood delay another tenant's jobs",
		all(isFair, records),
		func(e *env) {
			e.owingFlood(100)
			e.enqueue(job("zeta"))
			e.expectAll(e.claimTotal(e.announcing(1), 4), []string{"zeta"})
		},
	},
	{
		"R11", "AnnouncementsDelayNoAnnouncement", "the events of one tenant's flood delay another tenant's event",
		all(isFair, records),
		func(e *env) {
			e.owingFlood(100)
			e.enqueue(crowd(2, "zeta", inPlace(thePlace), dueIn(e.span(1000)))...)
			got := e.claimTotal(e.announcing(1), 4)
			e.expectAll(got, []string{"zeta"})
		},
	},
	{
		"R11", "JobsDelayNoAnnouncement", "a flood of jobs holds back the event of one that has ended",
		all(isFair, records),
		func(e *env) {
			e.policy = &backends.Policy{Owes: backends.Event}
			e.enqueue(crowd(100, flood)...)
			e.enqueue(crowd(2, "zeta", inPlace(thePlace), dueIn(e.span(1000)))...)
			e.expectAll(e.claimTotal(e.announcing(1), 4), []string{"zeta"})
		},
	},
}

// owingFlood makes n ended jobs of the flood that owe their event: each was
// superseded by the next.
func (e *env) owingFlood(n int) {
	e.Helper()
	e.policy = &backends.Policy{Owes: backends.Event}
	e.enqueue(crowd(n+1, flood, inPlace(thePlace), dueIn(e.span(1000)))...)
}
