package memory

import "time"

// maxTerms is how many lease lengths get a line of their own; leases of one
// length end in the order in which they began.
const maxTerms = 32

// schedule holds what is due later.
type schedule struct {
	terms   []term
	rest    order // delays, retries, and leases of uncommon lengths
	soonest int64 // nothing in it is due before
}

type term struct {
	d     time.Duration
	order *order
}

func newSchedule() schedule {
	return schedule{rest: newOrder(byDue, nil), soonest: never}
}

// push adds r, which is due at r.life.Due; term is the length of its lease, 0
// if that isn't what it waits for.
func (s *schedule) push(r *record, term time.Duration) {
	s.orderOf(term).push(r)
	s.soonest = min(s.soonest, r.life.Due)
}

func (s *schedule) orderOf(d time.Duration) *order {
	if d == 0 {
		return &s.rest
	}
	free := -1
	for i := range s.terms {
		if s.terms[i].d == d {
			return s.terms[i].order
		}
		if s.terms[i].order.first() == nil {
			free = i
		}
	}
	switch {
	case len(s.terms) < maxTerms:
		o := newOrder(byDue, nil)
		s.terms = append(s.terms, term{d, &o})
		return &o
	case free >= 0:
		s.terms[free].d = d
		return s.terms[free].order
	}
	return &s.rest
}

// due takes out one record that is due, nil if none is.
func (s *schedule) due(now int64) *record {
	if now < s.soonest {
		return nil
	}
	first := s.first()
	if first == nil {
		s.soonest = never
		return nil
	}
	if first.life.Due > now {
		s.soonest = first.life.Due
		return nil
	}
	first.in.remove(first)
	return first
}

// next is when due may have something; never = it is empty.
func (s *schedule) next() int64 {
	first := s.first()
	if first == nil {
		return never
	}
	return first.life.Due
}

func (s *schedule) first() *record {
	first := s.rest.first()
	for i := range s.terms {
		r := s.terms[i].order.first()
		if r != nil && (first == nil || r.life.Due < first.life.Due) {
			first = r
		}
	}
	return first
}
