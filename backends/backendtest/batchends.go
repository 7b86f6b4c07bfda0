package backendtest

import "github.com/leat-go/leat/backends"

// Every way in which a member's first end comes about, whoever writes it.

type memberEnd struct {
	name   string
	failed int
	edit   func(*env, *backends.Job)
	end    func(*env, backends.Job)
}

var memberEnds = []memberEnd{
	{"ByCommit", 0, nil, func(e *env, _ backends.Job) { e.commit(e.claim()) }},
	{"ByCommitThatOwes", 0, nil, func(e *env, _ backends.Job) {
		s := commitAs(e.claim(), backends.Succeeded)
		s.Owes = backends.Event
		e.mustSettle(s)
	}},
	{"DeadByCommit", 1, nil, func(e *env, _ backends.Job) { e.end(e.claim(), backends.Dead) }},
	{"ExpiredByCommit", 1, nil, func(e *env, _ backends.Job) { e.end(e.claim(), backends.Expired) }},
	{"CancelledByCommit", 1, nil, func(e *env, _ backends.Job) { e.end(e.claim(), backends.Cancelled) }},
	{"CancelledWhileWaiting", 1, nil, func(e *env, m backends.Job) { e.mustCancel(m.Ref) }},
	{"CancelledAtRetry", 1, nil, func(e *env, m backends.Job) {
		l := e.claim()
		e.mustCancel(m.Ref)
		e.expect(e.settleAs(l, backends.Retry), backends.ErrCancelled)
	}},
	{"CancelledAtSteal", 1, nil, func(e *env, m backends.Job) {
		e.claimFor(1)
		e.mustCancel(m.Ref)
		e.pass(1.5)
	}},
	{"SupersededWhileWaiting", 1, placed, func(e *env, _ backends.Job) {
		e.enqueue(job("zeta", inPlace("page-7"), dueIn(e.span(100))))
	}},
	{"SupersededWhileRunning", 1, placed, func(e *env, _ backends.Job) {
		l := e.claim()
		e.enqueue(job("zeta", inPlace("page-7"), dueIn(e.span(100))))
		e.expect(e.settleAs(l, backends.Commit), backends.ErrSuperseded)
	}},
	{"ExpiredWhileWaiting", 1, deadline, func(e *env, _ backends.Job) { e.pass(2.5) }},
	{"ExpiredAtSteal", 1, deadline, func(e *env, _ backends.Job) {
		e.claimFor(1)
		e.pass(2.5)
	}},
	{"DeadByCrashes", 1, nil, func(e *env, _ backends.Job) {
		for range 2 {
			e.crash()
		}
	}},
}

func placed(_ *env, j *backends.Job) { j.Supersede = "page-7" }

func deadline(e *env, j *backends.Job) { j.Expiry = e.span(2) }

// memberEndCases hold the count-down against each of them: after it, and not
// before, the collation job is there for the next claim.
func memberEndCases() []testCase {
	var cases []testCase
	for _, m := range memberEnds {
		cases = append(cases, testCase{
			"R14", "MemberEndCounts" + m.name, "a slice that ended in this way is waited for ever",
			records,
			m.run,
		})
	}
	return cases
}

func (m memberEnd) run(e *env) {
	e.policy = &backends.Policy{MaxCrashes: 2}
	c := e.collation("zeta", -1)
	e.enqueue(c)
	member := job("zeta", memberOf(c))
	if m.edit != nil {
		m.edit(e, &member)
	}
	e.enqueue(member)
	e.seal(c)
	e.expectProgress(c, backends.BatchProgress{Members: 1, Hold: 1, Sealed: true})
	m.end(e, member)
	e.claimThe(c.Ref) // which writes the ends that are for a claim to write
	e.expectProgress(c, backends.BatchProgress{Members: 1, Ended: 1, Failed: m.failed, Sealed: true})
}
