package sqlite

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/leat-go/leat/backends"
)

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

// hash is what a ref is found by. An index on 64 bits is a third of one on tenant and
// id, and what random ids cost is pages of it; two refs of one hash are told apart
// by their names.
func hash(ref backends.Ref) int64 {
	room := make([]byte, 0, 128)
	room = binary.AppendUvarint(room, uint64(len(ref.Tenant)))
	room = append(append(room, ref.Tenant...), ref.ID...)
	sum := sha256.Sum256(room)
	return int64(binary.BigEndian.Uint64(sum[:]))
}
