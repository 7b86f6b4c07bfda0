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
