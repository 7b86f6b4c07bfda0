package backends

import (
	"math/rand/v2"
	"slices"
	"time"
)

// everyLife yields every life that the rules can bring about, but for the size
// of its numbers.
func everyLife(yield func(Life) bool) {
	for state := Waiting; state <= Expired; state++ {
		for _, last := range []Verb{0, Commit, Retry, Snooze, Release, Announced} {
			for over := Newest; over <= ByTrailing; over++ {
				for owes := range Event | WriteBack + 1 {
					l := Life{
						State: state, Last: last, Overtaken: over, Owes: owes,
						Attempt: 2, Generation: 1, Token: 3, Place: past,
					}
					if !everyFlag(l, yield) {
						return
					}
				}
			}
		}
	}
}

func everyFlag(l Life, yield func(Life) bool) bool {
	for flags := range 16 {
		l.Leased, l.Cancelling, l.Counted, l.Marked = flags&1 != 0, flags&2 != 0, flags&4 != 0, flags&8 != 0
		for _, l.Due = range []int64{0, past, ahead} {
			for _, l.Crashes = range []int16{0, 2} {
				for _, l.Dropped = range []Debt{0, Event} {
					if unsound(l) == "" && !yield(l) {
						return false
					}
				}
			}
		}
	}
	return true
}

// unsound says what is wrong with a life that no rule can bring about.
func unsound(l Life) string {
	ended := l.State.Ended()
	switch {
	case l.State < Waiting || l.State > Expired:
		return "no state"
	case (l.Owes != 0) != (ended && l.Due != 0):
		return "an end owes something if and only if it has a due"
	case WriteBack.In(l.Owes|l.Dropped) && l.State != Succeeded:
		return "only succeeded owes a write-back"
	case l.Dropped != 0 && l.Phase() != Closed:
		return "what was given up is no more to be done"
	case l.State == Waiting && l.Leased, l.State == Running && !l.Leased:
		return "running is leased, waiting is not"
	case l.Leased && (l.Due == 0 || l.Token == 0):
		return "a lease has a token and an end"
	case l.Leased && l.Last != 0 && !(ended && l.Last == Commit):
		return "a lease that was settled"
	case l.Marked && (l.Last == 0 || l.Last == Announced || l.State != Cancelled && l.State != Superseded):
		return "a mark ends the job at a settlement"
	case l.Cancelling && l.State != Running:
		return "only a running job is to be cancelled"
	case l.State == Waiting && (l.Last == Commit || l.Last == Announced):
		return "waits after an end"
	case l.Attempt < 0 || l.Crashes < 0:
		return "negative count"
	}
	return ""
}

var someFacts = []Facts{
	facts, owing,
	{Now: now, Deadline: past, MaxCrashes: 3},
	{Now: now, Deadline: past, MaxCrashes: 3, Owes: Event | WriteBack}, // of which a queue owes the event
}

// everyLease is that of the newest holder, of those before and to come, and of
// the same token in the lives before and to come.
func everyLease(l Life) []*Lease {
	return []*Lease{
		{Token: l.Token, Generation: l.Generation},
		{Token: l.Token - 1, Generation: l.Generation},
		{Token: l.Token + 1, Generation: l.Generation},
		{Token: l.Token, Generation: l.Generation - 1},
		{Token: l.Token, Generation: l.Generation + 1},
	}
}

// everySettlement is every verb with every part of the debt, by everyLease.
func everySettlement(l Life) []*Settlement {
	var all []*Settlement
	for _, by := range everyLease(l) {
		for owes := range Event | WriteBack + 1 {
			for outcome := Succeeded; outcome <= Expired; outcome++ {
				all = append(all, &Settlement{Lease: by, Verb: Commit, Outcome: outcome, Owes: owes})
			}
			all = append(all,
				&Settlement{Lease: by, Verb: Retry, Owes: owes, Delay: delay},
				&Settlement{Lease: by, Verb: Snooze, Owes: owes, Delay: delay},
				&Settlement{Lease: by, Verb: Release, Owes: owes},
				&Settlement{Lease: by, Verb: Announced, Owes: owes})
		}
	}
	return all
}

// step is one thing that can happen to a life.
type step struct {
	what  string
	by    *Lease // nil = nobody's
	facts Facts
	after Life
}

// everyStep takes every step from l, one by one.
func everyStep(l Life, f Facts) []step {
	all := steer(l, f)
	for can := range Event | WriteBack + 1 {
		after, _ := l.Claim(f, lease, can)
		all = append(all, step{"claim", nil, f, after})
	}
	for _, by := range everyLease(l) {
		after, _ := l.Extend(f, by, lease)
		all = append(all, step{"extend", by, f, after})
	}
	for _, s := range everySettlement(l) {
		after, _ := l.Settle(f, s)
		all = append(all, step{s.Verb.String(), s.Lease, f, after})
	}
	for _, generation := range []int64{l.Generation, l.Generation - 1} {
		for _, held := range []bool{false, true} {
			after, _ := l.Redrive(f, generation, held)
			all = append(all, step{"redrive", nil, f, after})
		}
	}
	return all
}

// steer takes the steps of others, but for those that begin a lease or a life.
func steer(l Life, f Facts) []step {
	cancelled, _ := l.Cancel(f)
	expired, _ := l.Expire(f)
	counted, _ := l.Count()
	return []step{
		{"cancel", nil, f, cancelled},
		{"supersede", nil, f, l.Supersede(f, false)},
		{"trail", nil, f, l.Supersede(f, true)},
		{"expire", nil, f, expired},
		{"unhold", nil, f, l.Unhold(f)},
		{"count", nil, f, counted},
	}
}

var everyWhat = []string{
	"claim", "claim", "claim", "extend", "commit", "retry", "snooze", "release", "announced",
	"cancel", "supersede", "trail", "expire", "unhold", "redrive", "count",
}

// walk goes through n random steps of one job, with time passing, and shows each.
func walk(seed uint64, n int, see func(before Life, s step)) {
	r := rand.New(rand.NewPCG(seed, 1))
	clock, deadline := now, int64(0)
	if r.IntN(2) == 0 {
		deadline = now + r.Int64N(int64(2*time.Minute))
	}
	born := step{what: "enqueue", after: Born(now, now+r.Int64N(2)*int64(delay), r.IntN(4) == 0)}
	see(Life{}, born)
	l := born.after
	for range n {
		clock += r.Int64N(int64(lease))
		f := Facts{Now: clock, Deadline: deadline, MaxCrashes: 3, Owes: Debt(r.IntN(4))}
		what := everyWhat[r.IntN(len(everyWhat))]
		steps := slices.DeleteFunc(everyStep(l, f), func(s step) bool { return s.what != what })
		if len(steps) == 0 {
			continue
		}
		s := steps[r.IntN(len(steps))]
		see(l, s)
		if s.after.Generation != l.Generation && deadline != 0 { // renewed by the store
			deadline = clock + r.Int64N(int64(2*time.Minute))
		}
		l = s.after
	}
}

// finish claims l until it rests, by holders that settle or die.
func finish(l Life, f Facts, settle bool) Life {
	l = l.Unhold(f)
	for range 10 {
		f.Now = max(f.Now, l.Due)
		next, turn := l.Claim(f, lease, Event|WriteBack)
		l = next
		s := &Settlement{Lease: &Lease{Token: l.Token, Generation: l.Generation}, Verb: Announced}
		switch {
		case !settle:
		case turn == Run:
			s.Verb, s.Outcome, s.Owes = Commit, Succeeded, WriteBack
			fallthrough
		case turn == Announce:
			l, _ = l.Settle(f, s)
		}
	}
	return l
}
