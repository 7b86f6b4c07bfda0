package backends

import "time"

// KeptLease is what is left of a lease, at least, when its holder commits and
// has something to announce.
const KeptLease = time.Second

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
