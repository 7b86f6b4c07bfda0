package spec

import (
	"errors"
	"fmt"
	"time"

	"github.com/leat-go/leat/backends"
)

// Enqueued judges an Enqueue of valid jobs.
func (s *Store) Enqueued(now time.Time, req backends.EnqueueRequest, out []backends.Enqueued) error {
	if len(out) != len(req.Jobs) {
		return fmt.Errorf("%d outcomes for %d jobs", len(out), len(req.Jobs))
	}
	q := s.queue(req.Queue)
	q.learn(req.Policy, now)
	for i := range req.Jobs {
		if err := s.enqueued(now, q, &req.Jobs[i], out[i]); err != nil {
			return fmt.Errorf("job %d (%s): %w", i, req.Jobs[i].ID, err)
		}
	}
	return nil
}

func (s *Store) enqueued(now time.Time, q *queue, j *backends.Job, got backends.Enqueued) error {
	s.step++
	if got.Ref != j.Ref {
		return fmt.Errorf("outcome is of %v", got.Ref)
	}
	old := s.find(j.Ref)
	if old != nil && s.mayBeGone(old, now) && !got.Duplicate && !errors.Is(got.Err, backends.ErrKeyReused) {
		s.drop(old)
		old = nil
	}
	if old != nil {
		return s.again(now, old, j, got)
	}
	if got.Duplicate {
		return errors.New("a duplicate of nothing")
	}
	may, must := s.refusals(now, q, j)
	if got.Err != nil {
		return oneOf(got.Err, may...)
	}
	if must {
		return fmt.Errorf("created, want one of %v", may)
	}
	if got.Order <= q.order {
		return fmt.Errorf("order %d after %d", got.Order, q.order)
	}
	s.create(now, q, j, got.Order)
	return nil
}

// again judges an Enqueue of a Ref that is there.
func (s *Store) again(now time.Time, old *job, j *backends.Job, got backends.Enqueued) error {
	differ := j.Fingerprint != old.Fingerprint
	guarded := j.Fingerprint != 0 && old.Fingerprint != 0
	switch {
	case differ && guarded:
		return oneOf(got.Err, backends.ErrKeyReused)
	case differ && errors.Is(got.Err, backends.ErrKeyReused): // one of the two is not guarded: either way
		return nil
	case got.Err != nil || !got.Duplicate || got.Order != old.order:
		return fmt.Errorf("got %+v, want a duplicate of order %d", got, old.order)
	}
	if j.Batch != nil && j.Batch.Sealed && old.batch != nil {
		s.seal(now, old)
	}
	return nil
}

// refusals says why a new job may be refused, and whether it must be.
func (s *Store) refusals(now time.Time, q *queue, j *backends.Job) (may []error, must bool) {
	if j.Batch != nil && !j.Batch.Member.IsZero() {
		may, must = s.closedToMembers(now, j.Batch.Member)
	}
	least, most := s.backlog(now, q, j, false)
	full := func(limit int) {
		if limit > 0 && most >= limit {
			may = append(may, backends.ErrBacklogFull)
			must = must || least >= limit
		}
	}
	full(q.policy().Backlog)
	least, most = s.backlog(now, q, j, true)
	full(q.policy().Of(j.Tenant).Backlog)
	return may, must
}

// backlog counts who waits in the queue, or of j's tenant only. A ripe job may
// have left; so may, by R13, those whose place j takes.
func (s *Store) backlog(now time.Time, q *queue, j *backends.Job, tenant bool) (least, most int) {
	for _, o := range s.jobs {
		if o.queue != q.name || o.state != backends.Waiting && !o.wild || tenant && o.Tenant != j.Tenant {
			continue
		}
		most++
		leaves := j.Supersede != "" && o.at() == place{q.name, j.Tenant, j.Supersede}
		if !leaves && !o.wild && len(s.ripe(o, now)) == 0 {
			least++
		}
	}
	return least, most
}

func (s *Store) create(now time.Time, q *queue, def *backends.Job, order int64) {
	j := &job{Job: *def, queue: q.name, state: backends.Waiting, order: order, created: now, change: changed}
	q.order = order
	j.place = now
	if def.Due.After(now) {
		j.place = def.Due
	}
	j.place = j.place.Add(def.Delay)
	j.due = j.place
	if def.Expiry > 0 {
		j.deadline = now.Add(def.Expiry)
	}
	if b := def.Batch; b != nil {
		if b.Hold > 0 {
			j.batch = &backends.BatchProgress{Hold: int(b.Hold), Sealed: b.Sealed}
			if b.Sealed { // from the start: it has no members
				j.batch.Hold--
			}
			if j.batch.Hold > 0 {
				j.due = time.Time{}
			}
		}
		if !b.Member.IsZero() {
			c := s.find(b.Member)
			s.join(c)
			c.wild = c.wild || def.Supersede != "" && c.at() == j.at() // whose place it takes at the same moment
		}
	}
	for _, o := range s.jobs { // members of an earlier life of this id may count or not
		j.wild = j.wild || o.Batch != nil && o.Batch.Member == j.Ref
	}
	s.jobs = append(s.jobs, j)
	if def.Supersede != "" {
		s.supersede(now, j)
	}
}

// supersede makes j the newest of its place (R13).
func (s *Store) supersede(now time.Time, j *job) {
	s.places[j.at()] = j
	for _, o := range s.jobs {
		if o == j || o.at() != j.at() || o.state.Ended() {
			continue
		}
		o.change = max(o.change, renewed)
		if o.state == backends.Waiting {
			s.end(now, o, backends.Superseded)
		}
	}
}

// mark is how a newer job of its place overtook j.
type mark uint8

const (
	newest   mark = iota
	stops         // where it stands
	finishes      // if it runs, but doesn't run again
)

func (s *Store) overtaken(j *job) mark {
	if j.Supersede == "" || s.places[j.at()] == j {
		return newest
	}
	if s.places[j.at()].Trailing {
		return finishes
	}
	return stops
}

// heldOff reports whether j trails an older job that still runs.
func (s *Store) heldOff(j *job) bool {
	if !j.Trailing {
		return false
	}
	for _, o := range s.jobs {
		if o.at() == j.at() && o.order < j.order && o.state == backends.Running {
			return true
		}
	}
	return false
}

// oneOf reports an error that is none of those allowed.
func oneOf(got error, allowed ...error) error {
	for _, want := range allowed {
		if errors.Is(got, want) {
			return nil
		}
	}
	return fmt.Errorf("got error %v, want one of %v", got, allowed)
}
