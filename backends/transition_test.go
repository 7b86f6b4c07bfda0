package backends

import (
	"slices"
	"testing"
)

// checkStep holds one step against the table and the rules.
func checkStep(t *testing.T, b Life, s step) {
	t.Helper()
	fail := func(why string) { t.Errorf("%s: %s\n  %+v\n  %+v", s.what, why, b, s.after) }
	a := s.after
	if a == b {
		return
	}
	if err := Legal(b, a); err != nil {
		fail(err.Error())
	}
	if why := unsound(a); why != "" {
		fail(why)
	}
	if s.by != nil && (s.by.Token != b.Token || s.by.Generation != b.Generation) {
		fail("a stale lease changed something (R5)")
	}
	if a.Token < b.Token {
		fail("the token went back (R4)")
	}
	if b.State.Ended() && a.State != b.State && s.what != "redrive" {
		fail("an end changed")
	}
	if b.Counted && !a.Counted {
		fail("would be counted again (R14)")
	}
	if a.Counted && !b.Counted && !b.State.Ended() {
		fail("counted before its end (R14)")
	}
	if a.Owes&^b.Owes != 0 && b.State.Ended() {
		fail("a debt grew after the end")
	}
	if (b.Dropped&^a.Dropped != 0) != (b.Dropped != 0 && s.what == "redrive") {
		fail("a dropped debt was forgotten, or kept for another life")
	}
	if a.Dropped != b.Dropped && s.what != "redrive" && !b.Lapsed(s.facts.Now) {
		fail("a debt was dropped, but no lease lapsed")
	}
	if !b.State.Ended() && a.State.Ended() && a.Leased && a.Due < s.facts.Now+int64(KeptLease) {
		fail("committed, with no time to announce")
	}
	if _, late := b.Expire(s.facts); late && a.State != Waiting && a.State != Expired {
		fail("another end after its deadline")
	}
	if b.State == Waiting && a.State == Succeeded {
		fail("succeeded without a run")
	}
}

func TestLife_EveryStepIsLegal(t *testing.T) {
	lives := 0
	for l := range everyLife {
		lives++
		for _, f := range someFacts {
			for _, s := range everyStep(l, f) {
				checkStep(t, l, s)
			}
		}
		if t.Failed() {
			return // the first life says it
		}
	}
	if lives < 500 {
		t.Errorf("only %d lives", lives)
	}
}

func TestLife_RandomWalks(t *testing.T) {
	for seed := range uint64(500) {
		walk(seed, 60, func(b Life, s step) { checkStep(t, b, s) })
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// Whatever happened to a job, claims and honest holders bring it to a closed end.
func TestLife_NoLifeIsStuck(t *testing.T) {
	for l := range everyLife {
		for _, f := range someFacts {
			if left := finish(l, f, true); left.Phase() != Closed {
				t.Fatalf("%+v\nends as\n%+v", l, left)
			}
		}
	}
}

// A job whose every holder dies comes to rest too (R4).
func TestRule_R4_AJobThatKillsEveryProcessComesToRest(t *testing.T) {
	for l := range everyLife {
		for _, f := range someFacts {
			if left := finish(l, f, false); left.Phase() != Closed {
				t.Fatalf("%+v\nends as\n%+v", l, left)
			}
		}
	}
}

// The teeth: no arrow can be taken out of the table unnoticed.
func TestTransitions_EveryArrowIsWalked(t *testing.T) {
	type pair struct{ before, after Life }
	var seen []pair
	for seed := range uint64(300) {
		walk(seed, 60, func(b Life, s step) {
			if b != s.after {
				seen = append(seen, pair{b, s.after})
			}
		})
	}
	whole := Transitions
	defer func() { Transitions = whole }()
	for i, arrow := range whole {
		Transitions = slices.Delete(slices.Clone(whole), i, i+1)
		if !slices.ContainsFunc(seen, func(p pair) bool { return Legal(p.before, p.after) == ErrIllegal }) {
			t.Errorf("%v to %v (%s): no step needs it", arrow.From, arrow.To, arrow.Why)
		}
	}
}

func TestTransitions_RefusesWhatNoRuleAllows(t *testing.T) {
	dead := in(closed, Dead)
	redriven := but(waiting, func(l *Life) { l.Token, l.Generation = 1, gen+1 })
	for _, c := range []struct {
		name          string
		before, after Life
	}{
		{"nothing to nothing", Life{}, Life{}},
		{"born running", Life{}, running},
		{"born with a token", Life{}, but(waiting, func(l *Life) { l.Token = 1 })},
		{"born with an attempt", Life{}, but(waiting, func(l *Life) { l.Attempt = 1 })},
		{"vanished", waiting, Life{}},
		{"claimed without a token", waiting, but(running, func(l *Life) { l.Token = 0 })},
		{"claimed with two tokens", waiting, but(running, func(l *Life) { l.Token = 2 })},
		{"claimed uncounted", waiting, but(running, func(l *Life) { l.Attempt = 0 })},
		{"claimed into another life", waiting, but(running, func(l *Life) { l.Generation++ })},
		{"stolen uncounted", running, but(running, func(l *Life) { l.Token = 2 })},
		{"token back", but(running, func(l *Life) { l.Token = 2 }), running},
		{"attempt up without a claim", running, but(running, func(l *Life) { l.Attempt = 2 })},
		{"given back two attempts", but(running, func(l *Life) { l.Attempt = 3 }), but(waiting, func(l *Life) { l.Token = 1; l.Attempt = 1 })},
		{"given back with a token", running, but(waiting, func(l *Life) { l.Token = 2; l.Attempt = 1 })},
		{"waiting to succeeded", waiting, in(but(waiting, func(l *Life) { l.Due = 0 }), Succeeded)},
		{"waiting to succeeded, owing", waiting, in(but(waiting, func(l *Life) { l.Owes = Event }), Succeeded)},
		{"another end", closed, dead},
		{"another end while owing", debt, in(debt, Superseded)},
		{"owing again", closed, but(closed, func(l *Life) { l.Due = now; l.Owes = Event })},
		{"ended runs again", debt, but(running, func(l *Life) { l.Token = 2; l.Attempt = 2 })},
		{"redrive while owing", in(debt, Dead), redriven},
		{"redrive of a success", closed, redriven},
		{"redrive of an expired job", in(closed, Expired), redriven},
		{"redrive of a superseded job", in(closed, Superseded), redriven},
		{"redrive in the same life", dead, but(redriven, func(l *Life) { l.Generation = gen })},
		{"redrive into the life after the next", dead, but(redriven, func(l *Life) { l.Generation++ })},
		{"redrive with attempts", dead, but(redriven, func(l *Life) { l.Attempt = 1 })},
		{"redrive with a new token", dead, but(redriven, func(l *Life) { l.Token = 2 })},
		{"redrive straight to running", dead, but(running, func(l *Life) { l.Generation++; l.Token = 2 })},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := Legal(c.before, c.after); err != ErrIllegal {
				t.Error(err)
			}
		})
	}
}
