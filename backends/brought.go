package backends

import (
	"slices"
	"time"
)

// Brought is what a settlement leaves in the record beside the next Life. The zero
// Brought leaves it as it is.
type Brought struct {
	Failure *Failure // to be kept with the others: see KeepFailure
	Result  []byte
	Stored  string
	Reason  string
}

// Brings says what of s counts when it has turned one Life into the other: the error of an
// attempt always, as it did run; result and reason only if the end is the one that
// s asked for, and not a mark's. An ended job's record is written no more.
func (s *Settlement) Brings(from, to Life, now int64) (b Brought) {
	if from.State != Running || from == to {
		return b
	}
	if s.Error != "" {
		b.Failure = &Failure{Attempt: int(from.Attempt), At: time.Unix(0, now), Text: Capped(s.Error)}
	}
	switch {
	case s.Verb != Commit || to.State != s.Outcome:
	case s.Outcome == Succeeded:
		b.Result, b.Stored = s.Result, s.Stored
	default:
		b.Reason = Capped(s.Reason)
	}
	return b
}

// KeepFailure adds one to those of a record: the first is kept, and the newest. It returns
// a slice of its own, as snapshots may have the other.
func KeepFailure(all []Failure, f Failure) []Failure {
	all = slices.Clone(all)
	if len(all) >= MaxFailures {
		all = slices.Delete(all, 1, 2)
	}
	return append(all, f)
}
