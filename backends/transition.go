package backends

// Phase is a state with what matters for the arrows: whether an end still owes.
type Phase uint8

// The phases. Absent is no record at all.
const (
	Absent Phase = iota
	InWait
	InRun
	Owing
	Closed
)

func (p Phase) String() string {
	return name(p, "absent", "waiting", "running", "owing", "closed")
}

// Phase returns where l is.
func (l Life) Phase() Phase {
	switch {
	case l.State == 0:
		return Absent
	case l.State == Waiting:
		return InWait
	case l.State == Running:
		return InRun
	case l.Due != 0:
		return Owing
	}
	return Closed
}

// Transition is one arrow, and what it may do to the counters.
type Transition struct {
	From, To Phase
	Token    uint64 // added, exactly
	Attempt  Change
	Redrive  bool // generation + 1, everything starts anew
	Why      string
}

// Change is what an arrow does to the attempt.
type Change uint8

// The changes.
const (
	Same       Change = iota
	Up                // + 1
	SameOrDown        // unchanged, or - 1: "as before the claim" (snooze, release)
	Zero
)

// Transitions is the one table of legal arrows, for every store and every
// model. What it doesn't have is refused with ErrIllegal.
var Transitions = []Transition{
	{Absent, InWait, 0, Zero, false, "enqueue"},
	{InWait, InWait, 0, Same, false, "count-down of a hold"},
	{InWait, InRun, 1, Up, false, "claim"},
	{InWait, Owing, 0, Same, false, "cancel, supersede, expire of a waiting job"},
	{InWait, Closed, 0, Same, false, "the same, with nothing owed"},
	{InRun, InRun, 0, Same, false, "extend; a mark to cancel or to stop"},
	{InRun, InRun, 1, Up, false, "steal after the lease"},
	{InRun, InWait, 0, SameOrDown, false, "retry, snooze, release"},
	{InRun, Owing, 0, Same, false, "commit, or an end by a mark, by crashes, by deadline"},
	{InRun, Closed, 0, Same, false, "the same, with nothing owed"},
	{Owing, Owing, 0, Same, false, "extend, announce retry, release"},
	{Owing, Owing, 1, Same, false, "claim for announcing, first or after a lapsed lease"},
	{Owing, Closed, 0, Same, false, "announced, or the debt given up"},
	{Closed, Closed, 0, Same, false, "counted by its batch"},
	{Closed, InWait, 0, Zero, true, "redrive"},
}

// Legal refuses a step that no arrow of the table allows. Stores call it before
// they write.
func Legal(before, after Life) error {
	from, to := before.Phase(), after.Phase()
	for i := range Transitions {
		if t := &Transitions[i]; t.From == from && t.To == to && t.allows(before, after) {
			return nil
		}
	}
	return ErrIllegal
}

// allows judges a step from t.From to t.To.
func (t *Transition) allows(b, a Life) bool {
	if a.Token != b.Token+t.Token {
		return false
	}
	if b.State == Waiting && a.State == Succeeded { // any end but this one
		return false
	}
	if b.State.Ended() && a.State != b.State && !(t.Redrive && b.State.Redrivable()) {
		return false
	}
	if t.From != Absent && a.Generation != b.Generation+t.lives() {
		return false
	}
	return t.Attempt.allows(b.Attempt, a.Attempt)
}

// lives is what the arrow adds to the generation.
func (t *Transition) lives() int64 {
	if t.Redrive {
		return 1
	}
	return 0
}

func (c Change) allows(before, after int32) bool {
	switch c {
	case Up:
		return after == before+1
	case SameOrDown:
		return after == before || after == before-1
	case Zero:
		return after == 0
	}
	return after == before
}
