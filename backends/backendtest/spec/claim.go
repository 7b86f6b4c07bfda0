package spec

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/leat-go/leat/backends"
)

// Waited judges that a Claim which began at start blocked until now. After it,
// look at the ripe jobs that were not leased, and ask Claimed.
func (s *Store) Waited(start, now time.Time, req backends.ClaimRequest) error {
	q := s.queue(req.Queue)
	q.learn(req.Policy, start)
	for _, r := range req.Resources {
		s.learn(r, start)
	}
	defer q.hearClaim(now, req.Kinds)
	return s.overslept(start, now, q, req)
}

// Claimed judges the leases of a Claim that came back now, and the looks at the
// ripe jobs that were not leased: what the claim ended may have made room for
// what it leased.
func (s *Store) Claimed(now time.Time, req backends.ClaimRequest, leases []*backends.Lease, ripe []Look) error {
	q := s.queue(req.Queue)
	if len(leases) > req.Max {
		return fmt.Errorf("%d leases, asked for %d", len(leases), req.Max)
	}
	line := s.line(now, q, req)
	all := slices.Clone(ripe)
	for _, l := range leases {
		if l.Outcome != nil && s.find(l.Job.Ref) != nil {
			all = append(all, Look{Ref: l.Job.Ref, Record: l.Outcome})
		}
	}
	if err := s.learnAll(now, all); err != nil {
		return err
	}
	if err := s.inOrder(line, leases); err != nil {
		return err
	}
	for _, l := range leases {
		if err := s.leased(now, q, req, l); err != nil {
			return fmt.Errorf("lease of %s: %w", l.Job.ID, err)
		}
	}
	return s.agreeAll(ripe)
}

// overslept reports a job that could have been had while Claim still waited.
func (s *Store) overslept(start, now time.Time, q *queue, req backends.ClaimRequest) error {
	instants := []time.Time{start}
	for _, j := range s.jobs {
		for _, t := range [...]time.Time{j.due, q.givesUp(j)} {
			if !j.due.IsZero() && t.After(start) {
				instants = append(instants, t)
			}
		}
	}
	for _, t := range instants {
		if !t.Before(now) {
			continue
		}
		for _, j := range s.jobs {
			if s.refused(t, q, req, j) == nil && (j.state.Ended() || q.within(t, req, j) && s.roomFor(t, q, j)) {
				return fmt.Errorf("claim waited from %v to %v, but %s was there at %v", clock(start), clock(now), j.ID, clock(t))
			}
		}
	}
	return nil
}

// refused says why j can't be claimed; nil if it can be, caps aside.
func (s *Store) refused(now time.Time, q *queue, req backends.ClaimRequest, j *job) error {
	switch {
	case j.wild:
		return errors.New("who knows")
	case j.queue != q.name:
		return errors.New("in another queue")
	case j.due.IsZero():
		return errors.New("held or closed")
	case !passed(j.due, now):
		return fmt.Errorf("due at %v, it is %v", clock(j.due), clock(now))
	case !j.state.Ended():
		return s.refusedToRun(now, q, req, j)
	case !j.owes.In(req.CanAnnounce):
		return errors.New("owes what the worker can't announce")
	case backends.WriteBack.In(j.owes) && !knows(req, j.Kind):
		return errors.New("owes the hook of a kind that the worker doesn't know")
	case s.spent(j, now):
		return errors.New("announced in vain too often")
	}
	return nil
}

func (s *Store) refusedToRun(now time.Time, q *queue, req backends.ClaimRequest, j *job) error {
	switch {
	case !knows(req, j.Kind) && !q.mayGiveUp(now, j):
		return errors.New("of a kind that the worker doesn't know")
	case q.paused:
		return errors.New("the queue is paused")
	case len(s.ripe(j, now)) > 0:
		return fmt.Errorf("to end as one of %v", s.ripe(j, now))
	case j.state == backends.Waiting && s.heldOff(j):
		return errors.New("trails a running job")
	}
	return nil
}

// leased judges one lease, and takes it for granted if it is legal.
func (s *Store) leased(now time.Time, q *queue, req backends.ClaimRequest, l *backends.Lease) error {
	j := s.find(l.Job.Ref)
	if j == nil {
		return errors.New("no such job")
	}
	j.strange = !knows(req, j.Kind)
	if j.wild {
		j.token = l.Token
		if l.Outcome == nil {
			_ = s.spend(now, q, j, true)
		}
		return nil
	}
	if err := s.refused(now, q, req, j); err != nil {
		return err
	}
	if (l.Outcome != nil) != j.state.Ended() {
		return fmt.Errorf("outcome %v of a %v job", l.Outcome, j.state)
	}
	s.name(j, l.Generation)
	lapsed, before := j.leased, j.due
	j.token++
	j.touch()
	j.last, j.leased, j.due = answer{}, true, now.Add(req.Lease)
	if lapsed {
		j.crashes++
	}
	if !j.state.Ended() {
		j.state = backends.Running
		j.attempt++
	}
	if !lapsed && !l.Due.Equal(before) {
		return fmt.Errorf("due %v, want %v", clock(l.Due), clock(before))
	}
	if err := s.sameLease(j, l); err != nil {
		return err
	}
	if j.state.Ended() { // no cap counts it
		return nil
	}
	return s.spend(now, q, j, lapsed)
}

func (s *Store) sameLease(j *job, l *backends.Lease) error {
	var d diff
	d.job("Job", l.Job, &j.Job)
	d.is("Queue", l.Queue, j.queue)
	d.is("Token", l.Token, j.token)
	d.is("Generation", l.Generation, j.generation)
	d.is("Attempt", l.Attempt, j.attempt)
	d.is("Crashes", l.Crashes, j.crashes)
	d.is("Order", l.Order, j.order)
	d.at("Created", l.Created, j.created)
	d.at("Until", l.Until, j.due)
	d.at("Deadline", l.Deadline, j.deadline)
	if l.Outcome != nil {
		d.is("Outcome.State", l.Outcome.State, j.state)
		d.is("Outcome.Owes", l.Outcome.Owes, j.owes)
		d.is("Outcome.Generation", l.Outcome.Generation, j.generation)
		d.is("Outcome.Result", string(l.Outcome.Result), string(j.result))
		d.is("Outcome.Stored", l.Outcome.Stored, j.stored)
	}
	return d.err()
}

// line lists the waiting jobs that could be had, caps aside.
func (s *Store) line(now time.Time, q *queue, req backends.ClaimRequest) (line []*job) {
	for _, j := range s.jobs {
		sure := s.refused(now, q, req, j) == nil && q.within(now, req, j)
		if sure && j.state == backends.Waiting {
			line = append(line, j)
		}
	}
	return line
}

// inOrder reports a job of the line that was passed over for a lesser one of its
// tenant: by priority, then due, then order (R11). Which tenant's turn it is, and
// where lapsed leases stand in the line, is the store's business.
func (s *Store) inOrder(line []*job, leases []*backends.Lease) error {
	if !s.features.Ordered {
		return nil
	}
	taken := map[*job]bool{}
	for _, l := range leases {
		taken[s.find(l.Job.Ref)] = true
	}
	for _, better := range line {
		for lesser := range taken {
			if !taken[better] && lesser != nil && lesser.state == backends.Waiting && lesser.behind(better) {
				return fmt.Errorf("%s was leased before %s", lesser.ID, better.ID)
			}
		}
	}
	return nil
}

// behind reports whether j stands after o in one line. Jobs that share no caps
// or no kind may stand in different ones.
func (j *job) behind(o *job) bool {
	switch {
	case j.wild || j.Tenant != o.Tenant || j.Resource != o.Resource || j.Kind != o.Kind:
		return false
	case j.Priority != o.Priority:
		return j.Priority < o.Priority
	case !j.place.Equal(o.place):
		return j.place.After(o.place)
	}
	return j.order > o.order
}
