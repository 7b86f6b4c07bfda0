package seam

import (
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
