package sqlite

import "github.com/leat-go/leat/backends"

// The small facts of a life share one column, leat_jobs.flags.
const (
	flagLeased = 1 << iota
	flagCancelling
	flagCounted
	flagMarked
	flagStranger

	shiftOvertaken = 8  // 2 bits
	shiftOwes      = 10 // 2 bits
	shiftDropped   = 12 // 2 bits
	shiftLast      = 14 // 3 bits
)

func (r *row) flags() int64 {
	l := &r.life
	f := int64(l.Overtaken)<<shiftOvertaken | int64(l.Owes)<<shiftOwes | int64(l.Dropped)<<shiftDropped | int64(l.Last)<<shiftLast
	if l.Leased {
		f |= flagLeased
	}
	if l.Cancelling {
		f |= flagCancelling
	}
	if l.Counted {
		f |= flagCounted
	}
	if l.Marked {
		f |= flagMarked
	}
	if r.stranger {
		f |= flagStranger
	}
	return f
}

func (r *row) unflag(f int64) {
	l := &r.life
	l.Leased, l.Cancelling, l.Counted, l.Marked = f&flagLeased != 0, f&flagCancelling != 0, f&flagCounted != 0, f&flagMarked != 0
	r.stranger = f&flagStranger != 0
	l.Overtaken = backends.Overtaken(f >> shiftOvertaken & 3)
	l.Owes, l.Dropped = backends.Debt(f>>shiftOwes&3), backends.Debt(f>>shiftDropped&3)
	l.Last = backends.Verb(f >> shiftLast & 7)
}
