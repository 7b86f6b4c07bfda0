package worker

import (
	"sync"
	"time"
)

// The defaults of an AIMD.
const (
	DefaultDecrease = 0.75
	DefaultHold     = 10
	DefaultPause    = time.Second
)

// AIMD is a [Limiter] that settles below what others can bear, by what their throttling
// tells: handlers that return [RetryAfter]. Use a pointer; set the fields before Run.
//
//	w.Concurrency = 40                // never more
//	w.Limiter = &worker.AIMD{Min: 2}  // never less
//
// It begins at Min, doubles with every round (as many successes as the limit, while it is
// made use of) until something is throttled, and then falls to three quarters, once for
// all that were under way when it fell. From there it adds one a round, and stays for
// Hold rounds one below where it was throttled, so that attempts are not wasted on
// finding out what was known. A round that goes well there says that the limit has moved.
// At Min there is only time to give: each throttled attempt there pauses the pool.
//
// A handler that failed otherwise, was cancelled or timed out, says nothing. Workers that
// share what throttles them come to share it about evenly. It is safe for concurrent use.
type AIMD struct {
	Min int // 0 = 1
	Max int // 0 = the pool's Concurrency

	// Start is the first limit; 0 = Min. Where a job takes minutes a round does too:
	// begin higher.
	Start int

	Decrease float64       // what is left of the limit; 0 = 0.75
	Hold     int           // rounds below where it was throttled; 0 = 10
	Pause    time.Duration // at Min: of what RetryAfter asks for, at most so much; 0 = 1 s, negative = none

	mu sync.Mutex
	at aimd
}

// Limit is where it stands.
func (l *AIMD) Limit() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at = l.at.begun(l.terms())
	return l.at.limit
}

// Ended takes an outcome in.
func (l *AIMD) Ended(o Outcome) (pause time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.terms()
	l.at, pause = l.at.begun(t).next(o, t)
	return pause
}

// terms are the fields, with defaults, and held to what makes sense.
func (l *AIMD) terms() aimdTerms {
	t := aimdTerms{min: max(1, l.Min), most: max(0, l.Max), start: l.Start, decrease: l.Decrease, hold: l.Hold, pause: l.Pause}
	if t.most > 0 {
		t.most = max(t.most, t.min)
	}
	if !(t.decrease > 0 && t.decrease < 1) { // NaN, too
		t.decrease = DefaultDecrease
	}
	if t.hold <= 0 {
		t.hold = DefaultHold
	}
	orDefault(&t.pause, DefaultPause)
	return t
}

type aimdTerms struct {
	min, most, start int // most 0 = Concurrency
	decrease         float64
	hold             int
	pause            time.Duration
}

// aimd is how the limit stands, as a value: what comes next is a function of it.
type aimd struct {
	limit   int       // 0 = not begun
	ceiling int       // where it was throttled last; 0 = not known
	good    int       // successes of this round
	held    int       // rounds one below the ceiling
	fell    time.Time // when it fell last; zero = never: it still doubles
}

func (s aimd) begun(t aimdTerms) aimd {
	if s.limit == 0 {
		s.limit = max(t.min, t.start)
		if t.most > 0 {
			s.limit = min(s.limit, t.most)
		}
	}
	return s
}

// next is how it stands after an outcome, and for how long nothing is to begin.
func (s aimd) next(o Outcome, t aimdTerms) (aimd, time.Duration) {
	if t.most == 0 {
		t.most = max(t.min, o.Concurrency)
	}
	s.limit = min(s.limit, t.most)
	switch {
	case !s.fell.IsZero() && !o.Begun.After(s.fell): // it was under way: it says what is known
	case o.Throttled && s.limit == t.min:
		return aimd{limit: s.limit, ceiling: s.limit + 1, fell: o.Begun.Add(o.Took)}, max(0, min(o.After, t.pause))
	case o.Throttled:
		return s.fall(o, t), 0
	case o.Err == nil && 4*o.Running >= 3*s.limit: // else the limit isn't what bounds it
		if s.good++; s.good >= s.limit {
			return s.rise(t), 0
		}
	}
	return s, 0
}

// fall is the multiplicative decrease.
func (s aimd) fall(o Outcome, t aimdTerms) aimd {
	return aimd{
		limit:   max(t.min, min(s.limit-1, int(float64(s.limit)*t.decrease))),
		ceiling: s.limit,
		fell:    o.Begun.Add(o.Took),
	}
}

// rise is what follows a round of successes.
func (s aimd) rise(t aimdTerms) aimd {
	s.good = 0
	switch {
	case s.fell.IsZero():
		s.limit *= 2
	case s.limit == s.ceiling-1 && s.held+1 < t.hold:
		s.held++
	case s.limit >= s.ceiling: // it has moved
		s.ceiling = 0
		s.limit++
	default:
		s.held = 0
		s.limit++
	}
	s.limit = min(s.limit, t.most)
	return s
}
