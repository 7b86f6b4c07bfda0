package backends

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
