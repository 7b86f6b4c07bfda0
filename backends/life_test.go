package backends

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The clock of the tables.
const (
	now   = int64(1_000 * time.Second)
	past  = now - int64(time.Second)
	ahead = now + int64(time.Second)
	lease = 30 * time.Second
	until = now + int64(lease) // end of a lease taken now
	gen   = int64(7)           // generation of the lives below
)

// The lives that the tables start from; but changes a copy.
var (
	facts   = Facts{Now: now, MaxCrashes: 3}
	owing   = Facts{Now: now, MaxCrashes: 3, Owes: Event}
	waiting = Life{State: Waiting, Due: past, Place: past, Generation: gen}
	held    = Life{State: Waiting, Place: past, Generation: gen}
	running = Life{State: Running, Leased: true, Due: ahead, Place: past, Token: 1, Attempt: 1, Generation: gen}
	lapsed  = but(running, func(l *Life) { l.Due = past })
	// debt is a committed success whose holder is about to announce it.
	debt = Life{
		State: Succeeded, Leased: true, Due: ahead, Place: past, Token: 1, Attempt: 1, Generation: gen,
		Owes: Event | WriteBack, Last: Commit,
	}
	closed = Life{State: Succeeded, Place: past, Token: 1, Attempt: 1, Generation: gen, Last: Announced}
)

func but(l Life, change func(*Life)) Life {
	if change != nil {
		change(&l)
	}
	return l
}

func in(l Life, s State) Life { return but(l, func(l *Life) { l.State = s }) }

func wantLife(t *testing.T, before, got Life, change func(*Life)) {
	t.Helper()
	if diff := cmp.Diff(but(before, change), got); diff != "" {
		t.Errorf("life (-want +got):\n%s", diff)
	}
	if got != before && Legal(before, got) != nil {
		t.Errorf("%v to %v is not in the table of transitions", before.Phase(), got.Phase())
	}
}

type claimCase struct {
	name   string
	before Life
	facts  Facts
	can    Debt
	turn   Turn
	after  func(*Life) // nil = unchanged
}

func checkClaims(t *testing.T, cases []claimCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, turn := c.before.Claim(c.facts, lease, c.can)
			if turn != c.turn {
				t.Errorf("turn %v, want %v", turn, c.turn)
			}
			wantLife(t, c.before, got, c.after)
		})
	}
}

func run(attempt int32) func(*Life) {
	return func(l *Life) {
		l.State, l.Leased, l.Due, l.Last = Running, true, until, 0
		l.Token++
		l.Attempt = attempt
	}
}

// ended is an end that the store wrote: due is when it is to be announced.
func ended(s State, owes Debt) func(*Life) {
	return func(l *Life) {
		l.State, l.Leased, l.Cancelling, l.Crashes, l.Owes, l.Due = s, false, false, 0, owes, 0
		if owes != 0 {
			l.Due, l.Place = now, now
		}
	}
}

func TestRule_R4_ClaimCounts(t *testing.T) {
	checkClaims(t, []claimCase{
		{"a due job runs, token and attempt + 1", waiting, facts, 0, Run, run(1)},
		{"due this instant", but(waiting, func(l *Life) { l.Due = now }), facts, 0, Run, run(1)},
		{"not due yet", but(waiting, func(l *Life) { l.Due = ahead }), facts, 0, NotYet, nil},
		{"held for a batch", held, facts, 0, NotYet, nil},
		{"after a retry it goes on counting", but(waiting, func(l *Life) { l.Token, l.Attempt, l.Crashes, l.Last = 7, 2, 1, Retry }), facts, 0, Run, run(3)},
		{"leased to somebody", running, facts, 0, NotYet, nil},
		{"a lapsed lease is stolen and counts a crash", lapsed, facts, 0, Run, func(l *Life) {
			run(2)(l)
			l.Crashes = 1
		}},
		{"the last crash but one", but(lapsed, func(l *Life) { l.Crashes = 1 }), facts, 0, Run, func(l *Life) {
			run(2)(l)
			l.Crashes = 2
		}},
		{"a job that kills its process is dead after MaxCrashes", but(lapsed, func(l *Life) { l.Crashes = 2 }), facts, 0, Over, ended(Dead, 0)},
		{"and owes the event", but(lapsed, func(l *Life) { l.Crashes = 2 }), owing, Event, Over, ended(Dead, Event)},
		{"old crashes alone kill no waiting job", but(waiting, func(l *Life) { l.Crashes = 9 }), facts, 0, Run, run(1)},
		{"the most crashes that a policy may allow", but(lapsed, func(l *Life) { l.Crashes = math.MaxInt16 - 1 }), Facts{Now: now, MaxCrashes: math.MaxInt16}, 0, Over, ended(Dead, 0)},
	})
}

func TestRule_R7_ClaimAfterTheEndAnnounces(t *testing.T) {
	idle := but(debt, func(l *Life) { l.Leased, l.Due, l.Last = false, past, Retry })
	gone := but(debt, func(l *Life) { l.Due = past })
	announce := func(crashes int16) func(*Life) {
		return func(l *Life) {
			l.Token++
			l.Leased, l.Due, l.Crashes, l.Last, l.Marked = true, until, crashes, 0, false
		}
	}
	checkClaims(t, []claimCase{
		{"closed", closed, facts, Event | WriteBack, NotYet, nil},
		{"its holder announces", debt, facts, Event | WriteBack, NotYet, nil},
		{"announced again later", but(idle, func(l *Life) { l.Due = ahead }), facts, Event | WriteBack, NotYet, nil},
		{"due, by one who can pay all", idle, facts, Event | WriteBack, Announce, announce(0)},
		{"not by one who can pay a part", idle, facts, Event, NotYet, nil},
		{"not by one who can pay nothing", idle, facts, 0, NotYet, nil},
		{"a lapsed announcement is a crash", gone, facts, Event | WriteBack, Announce, announce(1)},
		{"but not to one who can't take it", gone, facts, Event, NotYet, nil},
		{"crashes without a lapsed lease give nothing up", but(idle, func(l *Life) { l.Crashes = 9 }), facts, Event | WriteBack, Announce, announce(9)},
		{"a mark was met by an earlier lease", but(in(idle, Cancelled), func(l *Life) { l.Owes, l.Marked = Event, true }), facts, Event, Announce, announce(0)},
		{
			"announcing that kills is given up, the outcome stays", but(gone, func(l *Life) { l.Crashes = 2 }), facts, Event | WriteBack, GaveUp,
			func(l *Life) { l.Crashes, l.Dropped, l.Owes, l.Leased, l.Due = 3, Event|WriteBack, 0, false, 0 },
		},
		{
			"what was given up before stays so", but(gone, func(l *Life) { l.Crashes, l.Owes, l.Dropped = 2, Event, WriteBack }), facts, Event, GaveUp,
			func(l *Life) { l.Crashes, l.Dropped, l.Owes, l.Leased, l.Due = 3, Event|WriteBack, 0, false, 0 },
		},
	})
}

func TestRule_R13_ClaimOfAnOvertakenJob(t *testing.T) {
	newer := func(l *Life) { l.Overtaken = ByNewer }
	trailing := func(l *Life) { l.Overtaken = ByTrailing }
	checkClaims(t, []claimCase{
		{"waiting, as after a redrive", but(waiting, newer), facts, 0, Over, ended(Superseded, 0)},
		{"waiting, overtaken by a trailing job", but(waiting, trailing), owing, 0, Over, ended(Superseded, Event)},
		{"a lapsed run is not stolen", but(lapsed, newer), facts, 0, Over, ended(Superseded, 0)},
		{"unless the newer job is trailing", but(lapsed, trailing), facts, 0, Run, func(l *Life) {
			run(2)(l)
			l.Crashes = 1
		}},
		{"which ends with the crashes all the same", but(lapsed, func(l *Life) { l.Overtaken, l.Crashes = ByTrailing, 2 }), facts, 0, Over, ended(Dead, 0)},
	})
}

func TestRule_R8_ClaimMeetsDeadlineAndMark(t *testing.T) {
	late := Facts{Now: now, Deadline: now, MaxCrashes: 3}
	checkClaims(t, []claimCase{
		{"waiting past the deadline", waiting, late, 0, Over, ended(Expired, 0)},
		{"which wins over supersede while it waits", but(waiting, func(l *Life) { l.Overtaken = ByNewer }), late, 0, Over, ended(Expired, 0)},
		{"over a trailing job too", but(waiting, func(l *Life) { l.Overtaken = ByTrailing }), late, 0, Over, ended(Expired, 0)},
		{"an instant before it", waiting, Facts{Now: now, Deadline: now + 1, MaxCrashes: 3}, 0, Run, run(1)},
		{"stolen past the deadline", lapsed, late, 0, Over, ended(Expired, 0)},
		{"running past the deadline is the holder's", running, late, 0, NotYet, nil},
		{"cancelled while running, then lapsed", but(lapsed, func(l *Life) { l.Cancelling = true }), owing, 0, Over, ended(Cancelled, Event)},
		{"cancel wins over supersede, crashes and deadline", but(lapsed, func(l *Life) {
			l.Cancelling, l.Overtaken, l.Crashes = true, ByNewer, 2
		}), late, 0, Over, ended(Cancelled, 0)},
		{"supersede wins over crashes and deadline while it runs", but(lapsed, func(l *Life) { l.Overtaken, l.Crashes = ByNewer, 2 }), late, 0, Over, ended(Superseded, 0)},
		{"crashes win over the deadline", but(lapsed, func(l *Life) { l.Crashes = 2 }), late, 0, Over, ended(Dead, 0)},
	})
}

func TestRule_R5_Extend(t *testing.T) {
	renew := func(l *Life) { l.Due = until }
	for _, c := range []struct {
		name   string
		before Life
		token  uint64
		err    error
		after  func(*Life)
	}{
		{"renewed", running, 1, nil, renew},
		{"the token of the life before", but(running, func(l *Life) { l.Generation++ }), 1, ErrLost, nil},
		{"of the life to come", but(running, func(l *Life) { l.Generation-- }), 1, ErrLost, nil},
		{"a lapsed lease that nobody took", lapsed, 1, nil, renew},
		{"a stale token", but(running, func(l *Life) { l.Token = 2 }), 1, ErrLost, nil},
		{"a token of the future", running, 2, ErrLost, nil},
		{"settled", but(waiting, func(l *Life) { l.Token, l.Last = 1, Retry }), 1, ErrLost, nil},
		{"never claimed", waiting, 0, ErrLost, nil},
		{"closed", closed, 1, ErrLost, nil},
		{"marked to be cancelled", but(running, func(l *Life) { l.Cancelling = true }), 1, ErrCancelled, renew},
		{"overtaken", but(running, func(l *Life) { l.Overtaken = ByNewer }), 1, ErrSuperseded, renew},
		{"cancel wins", but(running, func(l *Life) { l.Cancelling, l.Overtaken = true, ByNewer }), 1, ErrCancelled, renew},
		{"overtaken by a trailing job it may finish", but(running, func(l *Life) { l.Overtaken = ByTrailing }), 1, nil, renew},
		{"while announcing", debt, 1, nil, renew},
		{"while announcing that it was superseded", but(in(debt, Superseded), func(l *Life) { l.Overtaken, l.Owes = ByNewer, Event }), 1, nil, renew},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.before.Extend(facts, &Lease{Token: c.token, Generation: gen}, lease)
			if err != c.err {
				t.Errorf("error %v, want %v", err, c.err)
			}
			wantLife(t, c.before, got, c.after)
		})
	}
}

func TestLife_BornHeldAndLapsed(t *testing.T) {
	const birth = gen*1e6 + 999_999 // the last moment of that millisecond
	for _, c := range []struct {
		name string
		got  Life
		want Life
	}{
		{"due now", Born(birth, birth, false), Life{State: Waiting, Generation: gen, Due: birth, Place: birth}},
		{"due before", Born(now, past, false), but(waiting, func(l *Life) { l.Generation = 1_000_000 })},
		{"due later", Born(birth, ahead, false), but(waiting, func(l *Life) { l.Due, l.Place = ahead, ahead })},
		{"held", Born(birth, past, true), held},
	} {
		if c.got != c.want {
			t.Errorf("born %s: %+v, want %+v", c.name, c.got, c.want)
		}
	}
	for _, c := range []struct {
		name         string
		life         Life
		held, lapsed bool
	}{
		{"waiting", waiting, false, false},
		{"held", held, true, false},
		{"running", running, false, false},
		{"lapsed", lapsed, false, true},
		{"lapsed this instant", but(running, func(l *Life) { l.Due = now }), false, true},
		{"announcing", debt, false, false},
		{"lapsed while announcing", but(debt, func(l *Life) { l.Due = past }), false, true},
		{"closed", closed, false, false},
	} {
		if c.life.Held() != c.held || c.life.Lapsed(now) != c.lapsed {
			t.Errorf("%s: held %v, lapsed %v", c.name, c.life.Held(), c.life.Lapsed(now))
		}
	}
}
