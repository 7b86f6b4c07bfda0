// Package lookout is where the callers of one process wait for records to change, and
// share the reads that this takes.
//
//	seat := post.Join(key)                    // before the first read, so that nothing is missed
//	defer seat.Leave()
//	r, err := read(ctx, key)                  // a newcomer reads by itself
//	for err == nil && !enough(r) {
//		r, err = seat.Next(ctx, r)        // those who wait get the same answer
//	}
//
// One of those who wait for a record has the lead: it rests until somebody tells of a
// change, or until it is time to look again, reads, and has all others have the answer.
// Then, or when it leaves, the lead goes to another. So there is one read a change
// however many wait, no timer but the leader's, and no goroutine of its own:
//
//	join ─▶ read ─▶ wait for the answer ◀───────── lead ─▶ rest ─▶ read ─▶ answer all
//	                        └── the lead is free ──▶ ▲                 │ its caller has left:
//	                                                 └── another reads ┘
package lookout

import (
	"context"
	"math"
	"sync"
	"time"
)

// Post is where callers wait for records, by key. R is what a read gives: callers share
// it, and must not change it. Set the fields first, and don't copy it; all methods are
// safe for concurrent use.
type Post[K comparable, R any] struct {
	// Read reads the record of a key for all who wait for it. An error is everybody's,
	// but for one of the context, which is that of a single caller.
	Read func(ctx context.Context, key K) (R, error)

	// Mark is by what an answer is told from others.
	Mark func(R) Mark

	// Poll is how long after a read the next one is due if nobody tells of a change, by
	// the time for which there has been none; nil = never.
	Poll func(quiet time.Duration) time.Duration

	// Closed ends all waiting with backends.ErrClosed.
	Closed <-chan struct{}

	mu      sync.Mutex
	watched map[K]*watched[K, R]
}

// Mark says which state of a record an answer shows.
type Mark struct {
	Row     int64     // a number by which Glance asks for it; 0 = none
	Version uint64    // rises with each change
	Until   time.Time // when it changes by itself; zero = it doesn't
}

// watched is a record that somebody waits for.
type watched[K comparable, R any] struct {
	key     K
	waiting int
	told    chan struct{} // buffered: it may have changed
	led     bool          // somebody has the lead, or it lies in the channel
	lead    chan struct{} // buffered; nil = nobody waits for the lead
	now     *round[R]     // the one that newcomers join
	owed    *round[R]     // the one that is being read for; nil = none

	read    time.Time // when the last read for all was
	changed time.Time // when somebody last saw a change
	version uint64    // the last that somebody saw
	row     int64
	found   uint64 // the version that a glance found since the last read for all began
}

// gone is the version of what a glance didn't find: it differs from all that is known.
const gone = math.MaxUint64

// round is those who get the same answer.
type round[R any] struct {
	least  uint64        // version that one of them knows; gone = nobody has said
	done   chan struct{} // closed when it is over; nil = nobody waits for it
	next   *round[R]     // set when it is over
	answer R
	err    error
}

func (r *round[R]) over() bool { return r.next != nil }

func newRound[R any]() *round[R] { return &round[R]{least: gone} }

// Seat is one caller's.
type Seat[K comparable, R any] struct {
	post  *Post[K, R]
	at    *watched[K, R]
	in    *round[R]
	until time.Time
}

// Join takes a seat: what is told from now on reaches it. The caller must leave it.
func (p *Post[K, R]) Join(key K) Seat[K, R] {
	p.mu.Lock()
	defer p.mu.Unlock()
	x := p.watched[key]
	if x == nil {
		if p.watched == nil {
			p.watched = map[K]*watched[K, R]{}
		}
		now := time.Now()
		x = &watched[K, R]{key: key, told: make(chan struct{}, 1), now: newRound[R](), read: now, changed: now}
		p.watched[key] = x
	}
	x.waiting++
	return Seat[K, R]{post: p, at: x, in: x.now}
}

// Leave gives the seat back.
func (s *Seat[K, R]) Leave() {
	s.post.mu.Lock()
	defer s.post.mu.Unlock()
	if s.at.waiting--; s.at.waiting == 0 {
		delete(s.post.watched, s.at.key)
	}
}

// Tell says that records may have changed.
func (p *Post[K, R]) Tell(keys ...K) {
	if len(keys) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.watched) == 0 {
		return
	}
	for _, k := range keys {
		if x := p.watched[k]; x != nil {
			x.tell()
		}
	}
}

// TellAll says that any may have.
func (p *Post[K, R]) TellAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, x := range p.watched {
		x.tell()
	}
}

func (x *watched[K, R]) tell() {
	select {
	case x.told <- struct{}{}:
	default:
	}
}
