package backends

import "time"

// Turn is what came of a claim.
type Turn uint8

const (
	// NotYet: nothing to do; the Life is unchanged.
	NotYet Turn = iota
	// Run: leased to the handler.
	Run
	// Announce: ended before; leased for announcing only.
	Announce
	// Over: the claim wrote an end instead. What it owes is due now.
	Over
	// GaveUp: announcing crashed too often; the debt was dropped.
	GaveUp
)

// Claim takes a job that is due, for a lease of d, by somebody who can announce
// can. A lapsed lease counts as a crash (R4).
func (l Life) Claim(f Facts, d time.Duration, can Debt) (Life, Turn) {
	if l.Due == 0 || l.Due > f.Now {
		return l, NotYet
	}
	if l.State.Ended() {
		return l.claimOwed(f, d, can)
	}
	if l.State == Running {
		l.Crashes++
	}
	if end := l.overdue(f); end != 0 {
		return l.end(end, f), Over
	}
	l.State = Running
	l.Attempt++
	return l.lease(f, d), Run
}

func (l Life) claimOwed(f Facts, d time.Duration, can Debt) (Life, Turn) {
	if !l.Owes.In(can) {
		return l, NotYet
	}
	if l.Leased {
		l.Crashes++
		if l.Crashes >= f.MaxCrashes {
			l.Dropped |= l.Owes
			return l.close(), GaveUp
		}
	}
	return l.lease(f, d), Announce
}

// overdue is the end that a due job meets in place of a run; 0 = none.
func (l Life) overdue(f Facts) State {
	late := f.Deadline != 0 && f.Deadline <= f.Now
	switch {
	case l.Cancelling:
		return Cancelled
	case late && l.State == Waiting: // as Lookup has shown since the deadline
		return Expired
	case l.Overtaken != Newest && (l.State == Waiting || l.Overtaken == ByNewer):
		return Superseded
	case l.State == Running && l.Crashes >= f.MaxCrashes:
		return Dead
	case late:
		return Expired
	}
	return 0
}
