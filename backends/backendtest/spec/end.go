package spec

import (
	"time"

	"github.com/leat-go/leat/backends"
)

// end writes an end that the store brings: nobody holds the job, and what it
// owes is due at once (R6). A waiting job whose deadline has passed has expired,
// whatever came first.
func (s *Store) end(now time.Time, j *job, state backends.State) {
	if s.late(j, now) {
		state = backends.Expired
	}
	s.finish(now, j, state, 0)
	s.oweFrom(now, j)
}

// late reports whether j waits past its deadline.
func (s *Store) late(j *job, now time.Time) bool {
	return j.state == backends.Waiting && passed(j.deadline, now)
}

// oweFrom frees the lease of an ended job; what it owes is due at a time.
func (s *Store) oweFrom(due time.Time, j *job) {
	j.leased = false
	if j.owes == 0 {
		s.close(j)
		return
	}
	j.due, j.place = due, due
}

// finish writes an end; its holder keeps the lease while something is owed.
func (s *Store) finish(now time.Time, j *job, state backends.State, owes backends.Debt) {
	j.touch()
	j.state, j.ended, j.cancelling, j.crashes = state, now, false, 0
	if state != backends.Succeeded {
		owes &^= backends.WriteBack
	}
	j.owes = owes | s.policyOf(j).Owes
	if state == backends.Superseded && s.overtaken(j) != newest {
		j.supersededBy = s.places[j.at()].ID
	}
	switch kept := now.Add(backends.KeptLease); {
	case j.owes == 0:
		s.close(j)
	case j.due.Before(kept): // its holder needs the time to announce
		j.due = kept
	}
	s.count(now, j)
}

// close ends an ended job for good: nothing is owed any more.
func (s *Store) close(j *job) {
	j.touch()
	j.rank = s.step
	j.owes, j.due, j.leased = 0, time.Time{}, false
}

// Ripe names the jobs that a store may change on its own by now.
func (s *Store) Ripe(now time.Time) []backends.Ref {
	var refs []backends.Ref
	for _, j := range s.jobs {
		if j.wild || len(s.ripe(j, now)) > 0 || s.spent(j, now) || s.mayBeGone(j, now) {
			refs = append(refs, j.Ref)
		}
	}
	return refs
}

// ripe lists the ends that the clock, and a claim that comes by, may bring.
func (s *Store) ripe(j *job, now time.Time) (ends []backends.State) {
	due, late := passed(j.due, now), passed(j.deadline, now)
	switch {
	case s.late(j, now):
		ends = append(ends, backends.Expired)
	case j.state == backends.Waiting && due && s.overtaken(j) != newest:
		ends = append(ends, backends.Superseded)
	case j.state != backends.Running || !due:
	case j.cancelling: // it wins over all others
		ends = append(ends, backends.Cancelled)
	case s.overtaken(j) == stops:
		ends = append(ends, backends.Superseded)
	default:
		if j.crashes+1 >= s.policyOf(j).MaxCrashes {
			ends = append(ends, backends.Dead)
		}
		if late {
			ends = append(ends, backends.Expired)
		}
	}
	return ends
}

// spent reports whether j's announcements have killed so many processes that
// its debt may be dropped (R4).
func (s *Store) spent(j *job, now time.Time) bool {
	return j.owes != 0 && j.leased && passed(j.due, now) && j.crashes+1 >= s.policyOf(j).MaxCrashes
}

// mayBeGone reports whether the record's retention is over.
func (s *Store) mayBeGone(j *job, now time.Time) bool {
	if !j.state.Ended() || j.owes != 0 && !s.spent(j, now) {
		return false
	}
	p := s.policyOf(j)
	return passed(j.ended.Add(p.Keeps(j.state)), now) || s.crowded(now, j, p.Keep)
}

// crowded reports whether as many records as the queue keeps are newer than j's,
// by their end or by their last announcement: the contract doesn't say which. A
// ripe job may have ended.
func (s *Store) crowded(now time.Time, j *job, keep int) bool {
	if keep == 0 || j.state == backends.Dead {
		return false
	}
	newer := 0
	for _, o := range s.jobs {
		if o == j || o.queue != j.queue || o.state == backends.Dead {
			continue
		}
		perhaps := o.wild || s.spent(o, now) || len(s.ripe(o, now)) > 0
		if perhaps || o.state.Ended() && (!o.ended.Before(j.ended) || o.rank >= j.rank) {
			newer++
		}
	}
	return newer >= keep
}
