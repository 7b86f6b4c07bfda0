package spec

import (
	"slices"
	"time"

	"github.com/leat-go/leat/backends"
)

// A job of a kind that a worker doesn't know is judged from two sides, too: when
// the worker may have it, and from when on it must. Between them lie the sixtieth
// that the contract leaves, and what it doesn't say: whether the wait starts when
// the job was due first or when its lease lapsed, what becomes of those that
// waited long enough when a new policy is patient, and whether a worker was heard
// of whose lease is stale.

// heard is the last sign of a worker that knows a kind.
type heard struct{ surely, perhaps time.Time }

// hearClaim takes note of a claim that was there until now.
func (q *queue) hearClaim(now time.Time, kinds []string) {
	if kinds == nil {
		q.heardOfAll = heard{now, now}
	}
	for _, kind := range kinds {
		q.heardOf[kind] = heard{now, now}
	}
}

// hearHolder takes note of who holds j, or believes it.
func (s *Store) hearHolder(now time.Time, j *job, l *backends.Lease) {
	h := s.queue(j.queue).heardOf[j.Kind]
	switch {
	case j.wild || j.stale(l):
		h.perhaps = now
	case j.state == backends.Running && !j.strange:
		h = heard{now, now}
	}
	s.queue(j.queue).heardOf[j.Kind] = h
}

func (q *queue) heardOfKind(kind string) heard {
	h, all := q.heardOf[kind], q.heardOfAll
	return heard{later(h.surely, all.surely), later(h.perhaps, all.perhaps)}
}

func knows(req backends.ClaimRequest, kind string) bool {
	return req.Kinds == nil || slices.Contains(req.Kinds, kind)
}

// mayGiveUp reports whether j may be given to a worker that doesn't know its kind.
func (q *queue) mayGiveUp(now time.Time, j *job) bool {
	seen := q.heardOfKind(j.Kind).surely
	lost := seen.IsZero() || passed(seen.Add(q.patience-q.patience/60), now)
	return lost && passed(j.place.Add(q.patience), now)
}

// givesUp is when j must be given to any worker.
func (q *queue) givesUp(j *job) time.Time {
	after := q.policy().UnknownAfter
	return later(j.due, q.heardOfKind(j.Kind).perhaps).Add(after + after/60)
}

// within reports whether a claim surely takes jobs of j's kind at a time.
func (q *queue) within(now time.Time, req backends.ClaimRequest, j *job) bool {
	return knows(req, j.Kind) || passed(q.givesUp(j), now)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
