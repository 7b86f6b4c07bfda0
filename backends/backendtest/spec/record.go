package spec

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/leat-go/leat/backends"
)

// Look is what a Lookup answered.
type Look struct {
	Ref    backends.Ref
	Record *backends.Record
	Err    error
}

// Looked judges records that were looked at together, or that there are none. It
// first takes over what the store did on its own, in the order in which it did,
// as one end may count in another record.
func (s *Store) Looked(now time.Time, looks ...Look) error {
	if err := s.learnAll(now, looks); err != nil {
		return err
	}
	return s.agreeAll(looks)
}

func (s *Store) learnAll(now time.Time, looks []Look) error {
	s.step++
	looks = slices.SortedStableFunc(slices.Values(looks), func(a, b Look) int {
		return cmp.Or(a.ended(now).Compare(b.ended(now)), cmp.Compare(s.rank(a.Ref), s.rank(b.Ref)))
	})
	for _, l := range looks {
		if err := s.learnFrom(now, l); err != nil {
			return fmt.Errorf("%s: %w", l.Ref.ID, err)
		}
	}
	return nil
}

// rank orders records by their closing, as the oldest go first; those that were
// not closed as far as the spec knows were closed last.
func (s *Store) rank(ref backends.Ref) int {
	if j := s.find(ref); j != nil && j.state.Ended() && j.owes == 0 && !j.wild {
		return j.rank
	}
	return math.MaxInt
}

func (s *Store) agreeAll(looks []Look) error {
	for _, l := range looks {
		if j := s.find(l.Ref); j != nil && !j.wild {
			if err := s.agree(j, l.Record); err != nil {
				return fmt.Errorf("%s: %w", l.Ref.ID, err)
			}
		}
	}
	return nil
}

// ended is when a job ended: those that are gone first, the living last.
func (l Look) ended(now time.Time) time.Time {
	switch {
	case l.Record == nil:
		return time.Time{}
	case l.Record.Ended.IsZero():
		return now
	}
	return l.Record.Ended
}

// learnFrom takes over what the store did to one job on its own.
func (s *Store) learnFrom(now time.Time, l Look) error {
	j := s.find(l.Ref)
	switch {
	case l.Err != nil && !errors.Is(l.Err, backends.ErrNotFound):
		return l.Err
	case l.Err != nil && j == nil:
		return nil
	case l.Err != nil:
		if !s.goneBy(now, j) {
			return fmt.Errorf("the record is gone, it should be %v", j.state)
		}
		s.drop(j)
		return nil
	case j == nil:
		return fmt.Errorf("there should be no record, got a %v job", l.Record.State)
	case j.wild:
		s.believe(j, l.Record)
		return nil
	}
	return s.adopt(now, j, l.Record)
}

// goneBy reports whether j's record may be gone: its retention is over, or would
// be if the store ended it as soon as it was ripe.
func (s *Store) goneBy(now time.Time, j *job) bool {
	if j.wild || s.mayBeGone(j, now) {
		return true
	}
	p := s.policyOf(j)
	for _, end := range slices.Concat(s.ripe(j, j.due), s.ripe(j, now)) {
		since := j.due
		if end == backends.Expired {
			since = j.deadline
		}
		if p.Owes == 0 && (passed(since.Add(p.Keeps(end)), now) || end != backends.Dead && s.crowded(now, j, p.Keep)) {
			s.end(now, j, end)
			s.muddle(j) // since when it may run, nobody saw
			return true
		}
	}
	return false
}

// muddle makes j's collation job wild.
func (s *Store) muddle(j *job) {
	if j.Batch == nil {
		return
	}
	if c := s.find(j.Batch.Member); c != nil {
		c.wild = true
	}
}

// agree compares a record with the spec.
func (s *Store) agree(j *job, r *backends.Record) error {
	err := s.sameRecord(j, r)
	switch {
	case err != nil:
		return err
	case r.Version < j.version || r.Version == j.version && j.change == changed:
		return fmt.Errorf("version %d after %d, though the record changed", r.Version, j.version)
	case r.Version != j.version && j.change == unchanged:
		return fmt.Errorf("version %d after %d, though nothing changed", r.Version, j.version)
	}
	j.version, j.change = r.Version, unchanged
	return nil
}

// adopt takes over what the store did on its own to a ripe job.
func (s *Store) adopt(now time.Time, j *job, r *backends.Record) error {
	s.name(j, r.Generation)
	switch {
	case j.state == r.State:
	case slices.Contains(s.ripe(j, r.Ended), r.State):
		if r.Ended.After(now) {
			return fmt.Errorf("ended at %v, it is %v", clock(r.Ended), clock(now))
		}
		if j.state == backends.Running {
			j.crashes++
		}
		j.leased = false
		s.end(r.Ended, j, r.State)
	default:
		return fmt.Errorf("state %v, want %v", r.State, j.state)
	}
	if r.Owes == 0 && r.Dropped != 0 && s.spent(j, now) {
		j.crashes++
		j.dropped |= j.owes
		s.close(j)
	}
	return nil
}

// name takes note of the generation that the store began with. It is a time in
// milliseconds: where the id had another life in the same one, their leases may
// be told apart or not.
func (s *Store) name(j *job, generation int64) {
	if j.named {
		return
	}
	j.generation, j.named = generation, true
	j.wild = j.wild || s.past[j.Ref] >= generation
}

// believe takes a wild job's record as it is.
func (s *Store) believe(j *job, r *backends.Record) {
	ends := r.State.Ended() && !j.state.Ended()
	j.state, j.token, j.generation, j.attempt, j.crashes = r.State, r.Token, r.Generation, r.Attempt, r.Crashes
	j.due, j.ended, j.owes, j.dropped, j.version = r.Due, r.Ended, r.Owes, r.Dropped, r.Version
	j.change = unchanged
	if ends {
		s.count(r.Ended, j)
	}
}

func (s *Store) sameRecord(j *job, r *backends.Record) error {
	var d diff
	d.is("Queue", r.Queue, j.queue)
	d.is("State", r.State, j.state)
	d.is("Generation", r.Generation, j.generation)
	d.is("Token", r.Token, j.token)
	d.is("Attempt", r.Attempt, j.attempt)
	d.is("Crashes", r.Crashes, j.crashes)
	d.is("Order", r.Order, j.order)
	d.is("Cancelling", r.Cancelling, j.cancelling)
	d.is("Owes", r.Owes, j.owes)
	d.is("Dropped", r.Dropped, j.dropped)
	d.is("Result", string(r.Result), string(j.result))
	d.is("Stored", r.Stored, j.stored)
	d.is("SupersededBy", r.SupersededBy, j.supersededBy)
	d.at("Created", r.Created, j.created)
	d.at("Due", r.Due, j.due)
	d.at("Deadline", r.Deadline, j.deadline)
	d.at("Ended", r.Ended, j.ended)
	if j.reason != "" {
		d.is("Reason", r.Reason, j.reason)
	}
	d.is("Progress", r.Progress, j.progress)
	d.failures(r.Failures, j.failures)
	d.batch(r.Batch, j)
	def := j.Job
	if !s.features.KeepsPayload {
		def.Payload = r.Job.Payload
	}
	d.job("Job", r.Job, &def)
	return d.err()
}

// Watched judges that a Lookup for the next version blocked in vain.
func (s *Store) Watched(start, now time.Time, ref backends.Ref) error {
	j := s.find(ref)
	switch {
	case j == nil:
		return fmt.Errorf("%s: there is no record to wait for", ref.ID)
	case j.wild:
		return nil
	case j.change == changed:
		return fmt.Errorf("%s: waited from %v to %v for a change that was there", ref.ID, clock(start), clock(now))
	case j.state == backends.Waiting && passed(j.deadline, now) && j.deadline.Before(now):
		return fmt.Errorf("%s: waited until %v, but it expired at %v", ref.ID, clock(now), clock(j.deadline))
	}
	return nil
}
