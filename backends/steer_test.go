package backends

import (
	"testing"
	"time"
)

// What others than the holder do to a job: cancel, supersede, expire, redrive,
// count it, count down its hold.

// late is f when the deadline has just passed.
func late(f Facts) Facts {
	f.Deadline = now
	return f
}

func TestRule_R6_Cancel(t *testing.T) {
	mark := func(l *Life) { l.Cancelling = true }
	for _, c := range []struct {
		name   string
		before Life
		facts  Facts
		err    error
		after  func(*Life)
	}{
		{"waiting", waiting, facts, nil, ended(Cancelled, 0)},
		{"waiting, of a queue that announces", waiting, owing, nil, ended(Cancelled, Event)},
		{"scheduled: announced now, not then", but(waiting, func(l *Life) { l.Due = ahead }), owing, nil, ended(Cancelled, Event)},
		{"held", held, facts, nil, ended(Cancelled, 0)},
		{"held, of a queue that announces", held, owing, nil, ended(Cancelled, Event)},
		{"running is marked", running, owing, nil, mark},
		{"twice", but(running, mark), facts, nil, nil},
		{"lapsed is marked for its next claim", lapsed, facts, nil, mark},
		{"announcing", debt, facts, ErrEnded, nil},
		{"closed", closed, facts, ErrEnded, nil},
		{"cancelled before", in(closed, Cancelled), owing, nil, nil},
		{"cancelled before, still to be announced", but(in(debt, Cancelled), func(l *Life) { l.Owes = Event }), facts, nil, nil},
		{"superseded", in(closed, Superseded), facts, ErrEnded, nil},
		{"waiting past the deadline: it expired before", waiting, late(facts), ErrEnded, ended(Expired, 0)},
		{"scheduled past it, of a queue that announces", but(waiting, func(l *Life) { l.Due = ahead }), late(owing), ErrEnded, ended(Expired, Event)},
		{"held past it", held, late(facts), ErrEnded, ended(Expired, 0)},
		{"an instant before it", waiting, Facts{Now: now, Deadline: now + 1}, nil, ended(Cancelled, 0)},
		{"running past it is marked", running, late(facts), nil, mark},
		{"cancelled before, past it", in(closed, Cancelled), late(facts), nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.before.Cancel(c.facts)
			if err != c.err {
				t.Errorf("error %v, want %v", err, c.err)
			}
			wantLife(t, c.before, got, c.after)
		})
	}
}

func TestRule_R13_Supersede(t *testing.T) {
	over := func(o Overtaken, end func(*Life)) func(*Life) {
		return func(l *Life) {
			l.Overtaken = o
			if end != nil {
				end(l)
			}
		}
	}
	for _, c := range []struct {
		name     string
		before   Life
		trailing bool
		facts    Facts
		after    func(*Life)
	}{
		{"waiting", waiting, false, facts, over(ByNewer, ended(Superseded, 0))},
		{"waiting, by a trailing job", waiting, true, owing, over(ByTrailing, ended(Superseded, Event))},
		{"held", held, false, owing, over(ByNewer, ended(Superseded, Event))},
		{"running", running, false, owing, over(ByNewer, nil)},
		{"running, by a trailing job", running, true, facts, over(ByTrailing, nil)},
		{"the newest decides: first trailing, then not", but(running, over(ByTrailing, nil)), false, facts, over(ByNewer, nil)},
		{"the newest decides: trailing last", but(running, over(ByNewer, nil)), true, facts, over(ByTrailing, nil)},
		{"announcing", debt, false, facts, nil},
		{"closed", closed, true, facts, nil},
		{"waiting past the deadline: it expired before", waiting, false, late(owing), ended(Expired, Event)},
		{"held past it, by a trailing job", held, true, late(facts), ended(Expired, 0)},
		{"running past it", running, false, late(facts), over(ByNewer, nil)},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantLife(t, c.before, c.before.Supersede(c.facts, c.trailing), c.after)
		})
	}
}

func TestRule_R8_Expire(t *testing.T) {
	for _, c := range []struct {
		name   string
		before Life
		facts  Facts
		after  func(*Life)
	}{
		{"no deadline", waiting, facts, nil},
		{"an instant before", waiting, Facts{Now: now, Deadline: now + 1}, nil},
		{"at the deadline", waiting, late(facts), ended(Expired, 0)},
		{"of a queue that announces", waiting, late(owing), ended(Expired, Event)},
		{"held", held, late(owing), ended(Expired, Event)},
		{"scheduled for later", but(waiting, func(l *Life) { l.Due = ahead }), late(owing), ended(Expired, Event)},
		{"running is left to its holder", running, late(facts), nil},
		{"lapsed is left to the claim that takes it", lapsed, late(facts), nil},
		{"announcing", debt, late(facts), nil},
		{"closed", closed, late(facts), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, did := c.before.Expire(c.facts)
			if did != (c.after != nil) {
				t.Errorf("expired: %v", did)
			}
			wantLife(t, c.before, got, c.after)
		})
	}
}

func TestRule_R10_Redrive(t *testing.T) {
	dead := Life{
		State: Dead, Place: past, Token: 9, Attempt: 5, Generation: gen, Counted: true,
		Dropped: Event, Overtaken: ByNewer, Last: Commit, Crashes: 3,
	}
	anew := func(l *Life) {
		l.State, l.Due, l.Place, l.Attempt, l.Crashes, l.Last, l.Dropped, l.Marked = Waiting, now, now, 0, 0, 0, 0, false
		l.Generation++
	}
	heldAnew := func(l *Life) {
		anew(l)
		l.Due = 0
	}
	owes := func(l *Life) { l.Owes, l.Due = Event, ahead }
	for _, c := range []struct {
		name       string
		before     Life
		generation int64
		held       bool
		err        error
		after      func(*Life)
	}{
		{"dead: the token goes on rising, counted stays, dropped debts don't", dead, gen, false, nil, anew},
		{"cancelled by a mark", but(in(dead, Cancelled), func(l *Life) { l.Marked = true }), gen, false, nil, anew},
		{"uncounted, overtaken by a trailing job", but(dead, func(l *Life) { l.Counted, l.Overtaken = false, ByTrailing }), gen, false, nil, anew},
		{"members are still to end", dead, gen, true, nil, heldAnew},
		{"a second time", but(dead, func(l *Life) { l.Generation++ }), gen + 1, false, nil, anew},
		{"succeeded", in(dead, Succeeded), gen, false, ErrEnded, nil},
		{"superseded", in(dead, Superseded), gen, false, ErrEnded, nil},
		{"expired", in(dead, Expired), gen, true, ErrEnded, nil},
		{"succeeded, still to be announced: no use to wait", debt, gen, false, ErrEnded, nil},
		{"expired, still to be announced", but(in(dead, Expired), owes), gen, false, ErrEnded, nil},
		{"dead, still to be announced", but(dead, owes), gen, false, ErrNotReady, nil},
		{"cancelled, still to be announced", but(in(dead, Cancelled), owes), gen, true, ErrNotReady, nil},
		{"done before", dead, gen - 1, false, nil, nil},
		{"done before, and running again", running, gen - 1, true, nil, nil},
		{"done before, and succeeded", closed, gen - 1, false, nil, nil},
		{"waiting", waiting, gen, false, ErrNotReady, nil},
		{"held", held, gen, false, ErrNotReady, nil},
		{"running", running, gen, false, ErrNotReady, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.before.Redrive(facts, c.generation, c.held)
			if err != c.err {
				t.Errorf("error %v, want %v", err, c.err)
			}
			wantLife(t, c.before, got, c.after)
		})
	}
}

// wantLost checks that the holder of a lease can do nothing to l.
func wantLost(t *testing.T, l Life, old *Lease) {
	t.Helper()
	for _, v := range everyVerb {
		s := settle(v, func(s *Settlement) { s.Lease = old })
		if got, err := l.Settle(facts, s); err != ErrLost || got != l {
			t.Errorf("%v: %v, %+v", v, err, got)
		}
	}
	if got, err := l.Extend(facts, old, lease); err != ErrLost || got != l {
		t.Errorf("extend: %v, %+v", err, got)
	}
}

// A zombie of the life before holds the newest token; it must not touch the new one.
func TestRule_R5_RedriveLeavesTheOldHolderLost(t *testing.T) {
	zombie := but(lapsed, func(l *Life) { l.Crashes = 2 })
	l, turn := zombie.Claim(facts, lease, 0)
	if turn != Over || l.State != Dead {
		t.Fatalf("claim: %v, %v", turn, l.State)
	}
	l, err := l.Redrive(facts, gen, false)
	if err != nil {
		t.Fatal(err)
	}
	wantLost(t, l, &Lease{Token: zombie.Token, Generation: zombie.Generation})
}

// The id is used again after its record has gone: tokens start anew, so only the
// generation tells the two lives apart.
func TestRule_R5_ASecondBirthLeavesTheOldHolderLost(t *testing.T) {
	first, _ := Born(now, now, false).Claim(facts, lease, 0)
	later := facts
	later.Now += int64(time.Millisecond)
	second, _ := Born(later.Now, later.Now, false).Claim(later, lease, 0)
	if first.Token != second.Token {
		t.Fatalf("tokens %d, %d", first.Token, second.Token)
	}
	wantLost(t, second, &Lease{Token: first.Token, Generation: first.Generation})
}

func TestRule_R14_Count(t *testing.T) {
	count := func(l *Life) { l.Counted = true }
	for _, c := range []struct {
		name   string
		before Life
		after  func(*Life) // nil = not counted
	}{
		{"closed", closed, count},
		{"owing, before it is announced", debt, count},
		{"any end", in(closed, Expired), count},
		{"counted before", but(closed, count), nil},
		{"waiting", waiting, nil},
		{"running", running, nil},
		{"redriven", but(waiting, count), nil},
		{"ended again after a redrive", but(in(closed, Dead), func(l *Life) { l.Counted = true; l.Generation++ }), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, first := c.before.Count()
			if first != (c.after != nil) {
				t.Errorf("first end: %v", first)
			}
			wantLife(t, c.before, got, c.after)
		})
	}
}

func TestRule_R14_Unhold(t *testing.T) {
	for _, c := range []struct {
		name   string
		before Life
		after  func(*Life)
	}{
		{"held, its time has come", held, func(l *Life) { l.Due, l.Place = now, now }},
		{"held, not before its place in time", but(held, func(l *Life) { l.Place = ahead }), func(l *Life) { l.Due = ahead }},
		{"not held", waiting, nil},
		{"running", running, nil},
		{"closed", closed, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantLife(t, c.before, c.before.Unhold(facts), c.after)
		})
	}
}
