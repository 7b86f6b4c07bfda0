package seam

import (
	"fmt"
	"time"

	"github.com/leat-go/leat/backends"
)

// Stint bounds one run of a worker that is carried by something shorter than a
// process: the invocation of a function, a request. The zero value has no bounds.
//
//	begin ──────────────────────── End − Grace ───── End ──── + Kill ── + Last
//	  claims, handlers start          nothing starts   contexts   what has    over
//	                                                   end        returned is
//	                                                              written
type Stint struct {
	// End is when the contexts of handlers end; zero = with the run's own context,
	// and Grace. Nothing is claimed from Grace before it.
	End         time.Time
	Grace, Kill time.Duration
	Last        time.Duration // for the last writes

	// Whole is until when a handler has begun that had, at End, as long as any
	// stint will give it: its attempt has failed. One that began later is released.
	Whole time.Time

	// Idle ends the run when nothing was there to do for so long, and Empty, if there
	// is one, says that nothing will be; 0 = never.
	Idle  time.Duration
	Empty func() bool

	// Settled is told of each settlement and how the store answered; nil = nobody.
	// It is called under a lock.
	Settled func(s backends.Settlement, err error)
}

const (
	mostMargin  = 10 * time.Second
	marginShare = 10 // one in so many
	wholeShare  = 10
)

// NewStint divides the time until a deadline; margin is that of its end, 0 = a tenth
// of the time, at most 10 s. The error is a *backends.InvalidError if that leaves none.
//
//	now ─────────┬──────────────── − margin ───── − margin/2 ─── − margin/4 ── − margin/8 ── deadline
//	 began here: │ had it all        nothing        contexts        what has      the answer
//	             a tenth             starts         end             returned
//	                                                                is written
func NewStint(now, deadline time.Time, margin time.Duration) (Stint, error) {
	left := deadline.Sub(now)
	switch {
	case margin < 0:
		return Stint{}, &backends.InvalidError{Field: "Margin", Reason: "must not be negative"}
	case margin == 0:
		margin = min(mostMargin, left/marginShare)
	}
	if left <= margin {
		return Stint{}, &backends.InvalidError{
			Field: "Margin", Reason: fmt.Sprintf("%v, where there are %v: no time to work", margin, left),
		}
	}
	end := deadline.Add(-margin / 2)
	return Stint{
		End: end, Grace: margin / 2, Kill: margin / 4, Last: margin / 8,
		Whole: now.Add(end.Sub(now) / wholeShare),
	}, nil
}
