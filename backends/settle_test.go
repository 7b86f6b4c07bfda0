package backends

import (
	"testing"
	"time"
)

const delay = 5 * time.Second

// settle is a settlement by the holder of token 1 of this life; a commit succeeds unless it
// says otherwise.
func settle(v Verb, change func(*Settlement)) *Settlement {
	s := &Settlement{Lease: &Lease{Job: &Job{}, Token: 1, Generation: gen}, Verb: v}
	switch v {
	case Commit:
		s.Outcome = Succeeded
	case Retry, Snooze:
		s.Delay = delay
	}
	if change != nil {
		change(s)
	}
	return s
}

func commitAs(outcome State, owes Debt) *Settlement {
	return settle(Commit, func(s *Settlement) { s.Outcome, s.Owes = outcome, owes })
}

var everyVerb = []Verb{Commit, Retry, Snooze, Release, Announced}

type settleCase struct {
	name   string
	before Life
	facts  Facts
	do     *Settlement
	err    error
	after  func(*Life)
}

func checkSettles(t *testing.T, cases []settleCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.before.Settle(c.facts, c.do)
			if err != c.err {
				t.Errorf("error %v, want %v", err, c.err)
			}
			wantLife(t, c.before, got, c.after)
		})
	}
}

// brought is an end that the holder brought by v; with debts it keeps the lease.
func brought(v Verb, s State, owes Debt) func(*Life) {
	return func(l *Life) {
		l.State, l.Last, l.Owes, l.Cancelling, l.Crashes = s, v, owes, false, 0
		if owes == 0 {
			l.Due, l.Leased = 0, false
		}
	}
}

// marked is an end by a mark: what gave the job back keeps no lease.
func marked(v Verb, end func(*Life)) func(*Life) {
	return func(l *Life) {
		end(l)
		l.Last, l.Marked = v, true
	}
}

func back(v Verb, attempt int32, due int64) func(*Life) {
	return func(l *Life) {
		l.State, l.Leased, l.Last, l.Attempt, l.Due, l.Place = Waiting, false, v, attempt, due, due
	}
}

var (
	cancelling = but(running, func(l *Life) { l.Cancelling = true })
	newer      = but(running, func(l *Life) { l.Overtaken = ByNewer })
	trailed    = but(running, func(l *Life) { l.Overtaken = ByTrailing })
)

func TestRule_R6_Commit(t *testing.T) {
	both := Event | WriteBack
	announcing := Facts{Now: now, MaxCrashes: 3, Owes: both}
	long := but(running, func(l *Life) { l.Due = until })
	short := but(running, func(l *Life) { l.Due = now + int64(KeptLease)/2 })
	keptLease := func(l *Life) {
		brought(Commit, Succeeded, Event)(l)
		l.Due = now + int64(KeptLease)
	}
	checkSettles(t, []settleCase{
		{"nothing owed closes", running, facts, commitAs(Succeeded, 0), nil, brought(Commit, Succeeded, 0)},
		{"the queue's event keeps the lease", running, owing, commitAs(Succeeded, 0), nil, brought(Commit, Succeeded, Event)},
		{"the worker's write-back too", running, facts, commitAs(Succeeded, WriteBack), nil, brought(Commit, Succeeded, WriteBack)},
		{"both", running, owing, commitAs(Succeeded, WriteBack), nil, brought(Commit, Succeeded, both)},
		{"dead owes no write-back", running, owing, commitAs(Dead, both), nil, brought(Commit, Dead, Event)},
		{"cancelled by the worker", running, facts, commitAs(Cancelled, WriteBack), nil, brought(Commit, Cancelled, 0)},
		{"superseded by the worker", running, facts, commitAs(Superseded, 0), nil, brought(Commit, Superseded, 0)},
		{"expired by the worker", running, owing, commitAs(Expired, 0), nil, brought(Commit, Expired, Event)},
		{
			"a passed deadline refuses no commit", lapsed,
			Facts{Now: now, Deadline: past, MaxCrashes: 3},
			commitAs(Succeeded, 0), nil, brought(Commit, Succeeded, 0),
		},
		{"the queue owes no write-back", running, announcing, commitAs(Succeeded, 0), nil, brought(Commit, Succeeded, Event)},
		{"what is left of the lease stays", long, owing, commitAs(Succeeded, 0), nil, brought(Commit, Succeeded, Event)},
		{"a little more than that is KeptLease", short, owing, commitAs(Succeeded, 0), nil, keptLease},
		{"so is what is left of a lapsed one", lapsed, owing, commitAs(Succeeded, 0), nil, keptLease},
		{"crashes are reset", but(running, func(l *Life) { l.Crashes = 2 }), owing, commitAs(Succeeded, 0), nil, brought(Commit, Succeeded, Event)},
	})
}

func TestRule_R13_MarksTakeEffectAtTheNextStep(t *testing.T) {
	checkSettles(t, []settleCase{
		{"commit of a cancelled job: the result is dropped", cancelling, facts, commitAs(Succeeded, WriteBack), ErrCancelled, marked(Commit, brought(Commit, Cancelled, 0))},
		{"its lease is kept for the event", cancelling, owing, commitAs(Succeeded, WriteBack), ErrCancelled, marked(Commit, brought(Commit, Cancelled, Event))},
		{"at least for KeptLease", but(cancelling, func(l *Life) { l.Due = past }), owing, commitAs(Succeeded, 0), ErrCancelled, func(l *Life) {
			marked(Commit, brought(Commit, Cancelled, Event))(l)
			l.Due = now + int64(KeptLease)
		}},
		{"a commit that agrees", cancelling, facts, commitAs(Cancelled, 0), nil, brought(Commit, Cancelled, 0)},
		{"retry of a cancelled job", cancelling, owing, settle(Retry, nil), ErrCancelled, marked(Retry, ended(Cancelled, Event))},
		{"snooze", cancelling, facts, settle(Snooze, nil), ErrCancelled, marked(Snooze, ended(Cancelled, 0))},
		{"release", cancelling, facts, settle(Release, nil), ErrCancelled, marked(Release, ended(Cancelled, 0))},

		{"commit of an overtaken job", newer, owing, commitAs(Succeeded, WriteBack), ErrSuperseded, marked(Commit, brought(Commit, Superseded, Event))},
		{"its death too", newer, facts, commitAs(Dead, 0), ErrSuperseded, marked(Commit, brought(Commit, Superseded, 0))},
		{"a commit that agrees to it", newer, facts, commitAs(Superseded, 0), nil, brought(Commit, Superseded, 0)},
		{"retry", newer, facts, settle(Retry, nil), ErrSuperseded, marked(Retry, ended(Superseded, 0))},
		{"snooze", newer, owing, settle(Snooze, nil), ErrSuperseded, marked(Snooze, ended(Superseded, Event))},
		{"release", newer, facts, settle(Release, nil), ErrSuperseded, marked(Release, ended(Superseded, 0))},

		{"a trailing job lets it finish", trailed, owing, commitAs(Succeeded, WriteBack), nil, brought(Commit, Succeeded, Event|WriteBack)},
		{"or fail", trailed, facts, commitAs(Dead, 0), nil, brought(Commit, Dead, 0)},
		{"but not run again: retry", trailed, facts, settle(Retry, nil), ErrSuperseded, marked(Retry, ended(Superseded, 0))},
		{"snooze", trailed, facts, settle(Snooze, nil), ErrSuperseded, marked(Snooze, ended(Superseded, 0))},
		{"release", trailed, owing, settle(Release, nil), ErrSuperseded, marked(Release, ended(Superseded, Event))},

		{
			"cancel wins over supersede", but(newer, func(l *Life) { l.Cancelling = true }), facts,
			settle(Retry, nil), ErrCancelled, marked(Retry, ended(Cancelled, 0)),
		},
		{
			"in a commit too", but(newer, func(l *Life) { l.Cancelling = true }), facts,
			commitAs(Superseded, 0), ErrCancelled, marked(Commit, brought(Commit, Cancelled, 0)),
		},
	})
}

func TestRule_R9_GiveBack(t *testing.T) {
	third := but(running, func(l *Life) { l.Attempt, l.Crashes = 3, 1 })
	then := now + int64(delay)
	checkSettles(t, []settleCase{
		{"retry uses the attempt up", third, facts, settle(Retry, nil), nil, back(Retry, 3, then)},
		{"retry at once", third, facts, settle(Retry, func(s *Settlement) { s.Delay = 0 }), nil, back(Retry, 3, now)},
		{"snooze doesn't", third, facts, settle(Snooze, nil), nil, back(Snooze, 2, then)},
		{"release keeps the old place", third, facts, settle(Release, nil), nil, back(Release, 2, past)},
		{"of a lapsed lease that nobody took", lapsed, facts, settle(Release, nil), nil, back(Release, 0, past)},
		{"announced is no verb of a running job", running, facts, settle(Announced, nil), ErrNotReady, nil},
	})
}

func TestRule_R5_StaleTokenCannotSettle(t *testing.T) {
	stolen := but(running, func(l *Life) { l.Token, l.Attempt = 2, 2 })
	var cases []settleCase
	for _, life := range []Life{stolen, but(debt, func(l *Life) { l.Token = 2 }), but(waiting, func(l *Life) { l.Token = 2 })} {
		for _, v := range everyVerb {
			cases = append(cases, settleCase{life.State.String() + ", " + v.String(), life, owing, settle(v, nil), ErrLost, nil})
		}
	}
	for _, life := range []Life{running, debt, but(waiting, func(l *Life) { l.Token, l.Last = 1, Retry }), closed} {
		for _, v := range everyVerb {
			name := "the token of another life, " + life.Phase().String() + ", " + v.String()
			cases = append(cases,
				settleCase{name, but(life, func(l *Life) { l.Generation++ }), owing, settle(v, nil), ErrLost, nil},
				settleCase{name, but(life, func(l *Life) { l.Generation-- }), owing, settle(v, nil), ErrLost, nil})
		}
	}
	checkSettles(t, append(cases,
		settleCase{"a token of the future", running, facts, settle(Commit, func(s *Settlement) { s.Lease.Token = 2 }), ErrLost, nil},
		settleCase{"settled otherwise: retry, then commit", but(waiting, func(l *Life) { l.Token, l.Last = 1, Retry }), facts, settle(Commit, nil), ErrLost, nil},
		settleCase{"commit, then retry of what owes nothing", but(closed, func(l *Life) { l.Last = Commit }), facts, settle(Retry, nil), ErrLost, nil},
		settleCase{"announced, then commit", closed, facts, settle(Commit, nil), ErrLost, nil},
		settleCase{"commit, then another outcome", debt, facts, commitAs(Dead, 0), ErrLost, nil},
	))
}

// After a lost reply the caller asks again: the same Life, the same answer, for
// every life, holder and verb, however late, and whatever others than a claim
// or a redrive did meanwhile.
func TestRule_R5_ARepeatAnswersAsTheFirst(t *testing.T) {
	type kind struct {
		verb  Verb
		phase Phase
		what  string
	}
	told := map[kind]bool{} // one example of each says it
	for l := range everyLife {
		for _, f := range someFacts {
			for _, s := range everySettlement(l) {
				first, err := l.Settle(f, s)
				later := f
				later.Now += int64(time.Hour)
				meanwhile := []step{{what: "nothing", after: first}}
				if first != l {
					meanwhile = append(meanwhile, steer(first, later)...)
				}
				for _, others := range meanwhile {
					second, again := others.after.Settle(later, s)
					k := kind{s.Verb, l.Phase(), others.what}
					if (again != err || second != others.after) && !told[k] {
						told[k] = true
						t.Errorf("%v of\n  %+v\nanswers %v\n  %+v\nafter %s %v\n  %+v", s.Verb, l, err, first, others.what, again, second)
					}
				}
			}
		}
	}
}
