package backends

import "testing"

// What the holder of an ended job may do: announce all, a part, or later.

func TestRule_R6_SettleAnEndedJob(t *testing.T) {
	both := Event | WriteBack
	free := func(v Verb, due int64, owes Debt) func(*Life) {
		return func(l *Life) {
			l.Leased, l.Last, l.Marked, l.Due, l.Place, l.Owes = false, v, false, due, due, owes
		}
	}
	paid := func(v Verb) func(*Life) {
		return func(l *Life) { l.Last, l.Marked, l.Owes, l.Due, l.Leased = v, false, 0, 0, false }
	}
	naming := func(v Verb, owes Debt) *Settlement {
		return settle(v, func(s *Settlement) { s.Owes = owes })
	}
	again := but(debt, func(l *Life) { l.Last = 0 }) // claimed for announcing
	dead := but(in(again, Dead), func(l *Life) { l.Owes, l.Crashes = Event, 1 })
	met := but(in(debt, Cancelled), func(l *Life) { l.Owes, l.Marked = Event, true }) // a mark, at its commit
	then := now + int64(delay)
	checkSettles(t, []settleCase{
		{"announced closes", debt, facts, settle(Announced, nil), nil, paid(Announced)},
		{"a later claim too, and crashes stay", dead, facts, settle(Announced, nil), nil, paid(Announced)},
		{"all by name", debt, facts, naming(Announced, both), nil, paid(Announced)},
		{"more than it owed", dead, facts, naming(Announced, both), nil, paid(Announced)},
		{"the event has left, the rest is due at once", debt, facts, naming(Announced, Event), nil, free(Announced, now, WriteBack)},
		{"the write-back has", again, facts, naming(Announced, WriteBack), nil, free(Announced, now, Event)},
		{"what it never owed has", dead, facts, naming(Announced, WriteBack), nil, free(Announced, now, Event)},

		{"retry: again then", debt, facts, settle(Retry, nil), nil, free(Retry, then, both)},
		{"retry: the write-back stays", debt, facts, naming(Retry, WriteBack), nil, free(Retry, then, WriteBack)},
		{"retry: no debt grows", dead, facts, naming(Retry, both), nil, free(Retry, then, Event)},
		{"snooze is a retry", again, facts, settle(Snooze, nil), nil, free(Snooze, then, both)},
		{"snooze: the event stays", again, facts, naming(Snooze, Event), nil, free(Snooze, then, Event)},
		{"release: again now", again, facts, settle(Release, nil), nil, free(Release, now, both)},
		{"release: the write-back stays", again, facts, naming(Release, WriteBack), nil, free(Release, now, WriteBack)},
		{"release: both stay", again, facts, naming(Release, both), nil, free(Release, now, both)},

		{"after a mark: announced", met, facts, settle(Announced, nil), nil, paid(Announced)},
		{"after a mark: retry is no news of it", met, facts, settle(Retry, nil), nil, free(Retry, then, Event)},
		{"the queue's own debts are not owed again", debt, owing, naming(Announced, Event), nil, free(Announced, now, WriteBack)},
		{"a second outcome", again, facts, commitAs(Succeeded, 0), ErrEnded, nil},
		{"after it was lost to another", but(again, func(l *Life) { l.Token = 2 }), facts, settle(Announced, nil), ErrLost, nil},
	})
}

// A debt that isn't there can't be the part that is left: an ended job with a
// due but no debt would be claimed for nothing, and never purged or redriven.
func TestRule_R6_NamingAStrangeDebtLeavesNoDueWithoutDebt(t *testing.T) {
	dead := but(in(debt, Dead), func(l *Life) { l.Owes = Event })
	for _, v := range []Verb{Retry, Snooze, Release} {
		got, err := dead.Settle(facts, settle(v, func(s *Settlement) { s.Owes = WriteBack }))
		if err != nil {
			t.Errorf("%v: %v", v, err)
		}
		if got.Phase() != Closed || got.Owes != 0 || got.Leased {
			t.Errorf("%v: due %d while it owes %v", v, got.Due, got.Owes)
		}
	}
}

// The answer to a repeat tells what that settlement met, not what others did
// since.
func TestRule_R5_ARepeatAfterOthers(t *testing.T) {
	gaveBack := but(waiting, func(l *Life) { l.Token, l.Last = 1, Retry })
	marked := func(s State, last Verb) Life {
		return but(in(closed, s), func(l *Life) { l.Last, l.Marked = last, true })
	}
	cancelled, _ := gaveBack.Cancel(facts)
	checkSettles(t, []settleCase{
		{"retry, then cancelled", cancelled, facts, settle(Retry, nil), nil, nil},
		{"retry, then superseded", gaveBack.Supersede(owing, false), owing, settle(Retry, nil), nil, nil},
		{"retry that met a cancel", marked(Cancelled, Retry), facts, settle(Retry, nil), ErrCancelled, nil},
		{"release that met a newer job", marked(Superseded, Release), facts, settle(Release, nil), ErrSuperseded, nil},
		{"commit that met a cancel", marked(Cancelled, Commit), facts, settle(Commit, nil), ErrCancelled, nil},
		{"commit that met a newer job", marked(Superseded, Commit), facts, commitAs(Dead, 0), ErrSuperseded, nil},
		{"commit of that very end", but(in(closed, Superseded), func(l *Life) { l.Last = Commit }), facts, commitAs(Superseded, 0), nil, nil},
		{"commit of that end, then of another", but(in(closed, Cancelled), func(l *Life) { l.Last = Commit }), facts, settle(Commit, nil), ErrLost, nil},
	})
}
