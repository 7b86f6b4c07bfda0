package backends

import "time"

// Life is the part of a record that the rules move, and its methods are the
// rules: pure functions from one Life to the next, the same for every store.
// A store loads a Life, asks, and writes the answer if the record is still the
// one it loaded: one conditional write. What a store must hold itself before it
// asks for a claim: kinds, caps, pause, and the wait of a trailing job. A broker
// that gets the message of its own holder again sets Due to now and asks; it
// keeps what else it needs around the Life.
//
//	            ┌──────────────── retry, snooze, release ───────────────┐
//	            ▼                                                       │
//	enqueue ▶ waiting ── claim: token+1, attempt+1 ──▶ running ─────────┤
//	            │  ▲                                    │  ▲ steal:     │
//	            │  │ redrive: generation+1              │  └ token+1,   │
//	cancel,     │  │ (dead, cancelled)                  │    crashes+1  │
//	supersede,  ▼  │                                    ▼ commit        │
//	expire   ┌─────┴───────────────── ended ───────────────────────┐    │
//	         │ owing: due is set ── announced ──▶ closed: no due   │◀───┘
//	         │   ▲ └ claim for announcing: token+1                 │ an end by a mark
//	         │   └── retry, release                                │
//	         └─────────────────────────────────────────────────────┘
//
// Due has one meaning in every state: the moment from which a claim may take
// the job. It is the start of a waiting job, the end of the lease of a running
// one, and the next announcement of an ended one; 0 = never (held, closed). So
// one index on it serves schedule, retry, rescue and announce. Times are Unix
// nanoseconds of the store's clock.
type Life struct {
	State      State
	Leased     bool      // somebody holds the newest token
	Cancelling bool      // running, and to end cancelled at its next step
	Counted    bool      // its first end was counted by its batch
	Overtaken  Overtaken // the store fills it in, from what it knows of the place
	Owes       Debt      // unpaid announcements of an ended job
	Dropped    Debt      // given up
	Last       Verb      // what ended the newest lease, so that a repeat is answered as the first; 0 while nothing did
	Marked     bool      // and it met a mark: the store wrote that end instead

	Crashes int16
	Attempt int32

	Generation int64
	Token      uint64
	Due        int64
	Place      int64 // the due it waited with, which orders the line; a release gives it back
}

// Overtaken says whether a newer job holds this job's place (R13).
type Overtaken uint8

const (
	// Newest: none does.
	Newest Overtaken = iota
	// ByNewer: this job stops where it stands.
	ByNewer
	// ByTrailing: a running job may finish, but not run again.
	ByTrailing
)

// Facts are what a decision needs beside the Life.
type Facts struct {
	Now        int64
	Deadline   int64 // 0 = none
	Owes       Debt  // Policy.Owes
	MaxCrashes int16
}

// KeptLease is what is left of a lease, at least, when its holder commits and
// has something to announce.
const KeptLease = time.Second

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

// Born is a new job that may be claimed at due; a held one has none yet. Its
// generation starts at the time of birth, in milliseconds: where an id is used
// again after its record has gone, leases and events of the first life must not
// fit the second.
func Born(now, due int64, held bool) Life {
	l := Life{State: Waiting, Generation: now / 1e6, Due: due, Place: due}
	if held {
		l.Due = 0
	}
	return l
}

// Held reports whether it waits for members of its batch.
func (l Life) Held() bool { return l.State == Waiting && l.Due == 0 }

// Lapsed reports whether a lease ran out and nobody took it over yet.
func (l Life) Lapsed(now int64) bool { return l.Leased && l.Due != 0 && l.Due <= now }

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

// Extend renews a lease. The error may be a mark (ErrCancelled, ErrSuperseded):
// then it was renewed all the same.
func (l Life) Extend(f Facts, lease *Lease, d time.Duration) (Life, error) {
	if l.stale(lease) || !l.Leased {
		return l, ErrLost
	}
	l.Due = f.Now + int64(d)
	return l, l.mark()
}

// stale reports whether a newer claim exists, or another life.
func (l Life) stale(lease *Lease) bool {
	return lease.Token != l.Token || lease.Generation != l.Generation
}

// mark is what a running job's holder must be told.
func (l Life) mark() error {
	switch {
	case l.State != Running:
		return nil
	case l.Cancelling:
		return ErrCancelled
	case l.Overtaken == ByNewer:
		return ErrSuperseded
	}
	return nil
}

// Settle ends or keeps the lease as s says. An error with another Life means
// that this Life is to be written all the same: a mark took effect.
func (l Life) Settle(f Facts, s *Settlement) (Life, error) {
	switch {
	case l.stale(s.Lease):
		return l, ErrLost
	case l.repeats(s.Verb):
		return l, l.verdict(s)
	case !l.Leased:
		return l, ErrLost
	case l.State.Ended():
		return l.settleOwed(f, s)
	case s.Verb == Announced:
		return l, ErrNotReady
	case s.Verb == Commit:
		return l.commit(f, s)
	}
	return l.giveBack(f, s)
}

// repeats reports whether this lease was ended by that verb already.
func (l Life) repeats(v Verb) bool {
	return l.Last == v && (v == Commit || !l.Leased)
}

// verdict is the answer that the first of two equal settlements got.
func (l Life) verdict(s *Settlement) error {
	switch {
	case s.Verb == Commit && s.Outcome == l.State:
		return nil
	case l.Marked && l.State == Cancelled:
		return ErrCancelled
	case l.Marked:
		return ErrSuperseded
	case s.Verb == Commit:
		return ErrLost
	}
	return nil
}

func (l Life) commit(f Facts, s *Settlement) (Life, error) {
	outcome, owes := s.Outcome, s.Owes
	switch l.mark() {
	case ErrCancelled:
		outcome = Cancelled
	case ErrSuperseded:
		outcome = Superseded
	}
	if outcome != Succeeded {
		owes &^= WriteBack
	}
	l = l.endHeld(outcome, f, owes)
	l.Last, l.Marked = Commit, outcome != s.Outcome
	return l, l.verdict(s)
}

// giveBack is retry, snooze and release of a running job.
func (l Life) giveBack(f Facts, s *Settlement) (Life, error) {
	end := State(0)
	switch {
	case l.Cancelling:
		end = Cancelled
	case l.Overtaken != Newest:
		end = Superseded
	}
	if end != 0 {
		l = l.end(end, f)
		l.Last, l.Marked = s.Verb, true
		return l, l.verdict(s)
	}
	l.State, l.Leased, l.Last = Waiting, false, s.Verb
	if s.Verb != Retry {
		l.Attempt--
	}
	if s.Verb != Release {
		l.Place = f.Now + int64(s.Delay)
	}
	l.Due = l.Place
	return l, nil
}

// settleOwed is what may happen to a lease of an ended job. What isn't paid is
// due again after the delay.
func (l Life) settleOwed(f Facts, s *Settlement) (Life, error) {
	paid := s.Owes
	switch s.Verb {
	case Commit:
		return l, ErrEnded
	case Announced:
		if paid == 0 {
			paid = l.Owes
		}
	default:
		if s.Owes != 0 {
			paid = ^s.Owes
		}
	}
	l.Owes &^= paid
	l = l.oweFrom(f.Now + int64(s.Delay))
	l.Last, l.Marked = s.Verb, false
	return l, nil
}

// Cancel ends a waiting job and marks a running one. Repeated, it is well.
func (l Life) Cancel(f Facts) (Life, error) {
	if ended, late := l.Expire(f); late {
		return ended, ErrEnded
	}
	switch l.State {
	case Waiting:
		return l.end(Cancelled, f), nil
	case Running:
		l.Cancelling = true
		return l, nil
	case Cancelled:
		return l, nil
	}
	return l, ErrEnded
}

// Supersede tells a job that a newer one took its place.
func (l Life) Supersede(f Facts, trailing bool) Life {
	if l, late := l.Expire(f); late || l.State.Ended() {
		return l
	}
	l.Overtaken = ByNewer
	if trailing {
		l.Overtaken = ByTrailing
	}
	if l.State == Waiting {
		return l.end(Superseded, f)
	}
	return l
}

// Expire ends a waiting job whose deadline has passed; others are left to their
// holder, or to the claim that takes them over.
func (l Life) Expire(f Facts) (Life, bool) {
	if l.State != Waiting || f.Deadline == 0 || f.Deadline > f.Now {
		return l, false
	}
	return l.end(Expired, f), true
}

// GiveUp ends a job whose message the broker has put aside, as it was delivered
// too often; false = it had ended. The caller has made sure that nobody runs it.
func (l Life) GiveUp(f Facts) (Life, bool) {
	if l.State.Ended() {
		return l, false
	}
	end := l.overdue(f)
	if end == 0 {
		end = Dead
	}
	return l.end(end, f), true
}

// Redrive gives an ended job another life. The Life is unchanged when the
// generation shows that it was done before. A collation job whose members have
// not all ended is held again. The store renews the deadline.
func (l Life) Redrive(f Facts, generation int64, held bool) (Life, error) {
	switch {
	case generation != l.Generation:
		return l, nil
	case l.State.Ended() && !l.State.Redrivable():
		return l, ErrEnded
	case !l.State.Ended() || l.Due != 0:
		return l, ErrNotReady
	}
	next := Born(f.Now, f.Now, held)
	next.Generation, next.Token = l.Generation+1, l.Token
	next.Counted, next.Overtaken = l.Counted, l.Overtaken
	return next, nil
}

// Count notes that a member's first end was counted by its batch; false if it
// had been, or has not ended.
func (l Life) Count() (Life, bool) {
	first := l.State.Ended() && !l.Counted
	l.Counted = l.Counted || first
	return l, first
}

// Unhold makes a held job claimable, not before its place in time.
func (l Life) Unhold(f Facts) Life {
	if l.Held() {
		l.Place = max(l.Place, f.Now)
		l.Due = l.Place
	}
	return l
}

func (l Life) lease(f Facts, d time.Duration) Life {
	l.Token++
	l.Due = f.Now + int64(d)
	l.Leased, l.Last, l.Marked = true, 0, false
	return l
}

// end is an end that the store writes: nobody holds the job.
func (l Life) end(s State, f Facts) Life {
	l = l.endHeld(s, f, 0)
	return l.oweFrom(f.Now)
}

// oweFrom frees a lease whose debt is due at a time; without a debt it is closed.
func (l Life) oweFrom(due int64) Life {
	if l.Owes == 0 {
		return l.close()
	}
	l.Leased, l.Due, l.Place = false, due, due
	return l
}

// endHeld is an end that the holder brought: the lease stays while it owes.
func (l Life) endHeld(s State, f Facts, owes Debt) Life {
	l.State, l.Crashes, l.Cancelling = s, 0, false
	l.Owes = owes | f.Owes&Event
	if l.Owes == 0 {
		return l.close()
	}
	l.Due = max(l.Due, f.Now+int64(KeptLease))
	return l
}

func (l Life) close() Life {
	l.Owes, l.Due, l.Leased = 0, 0, false
	return l
}
