package spec

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/leat-go/leat/backends"
)

// Extended judges an Extend; a nil errs says that all went well.
func (s *Store) Extended(now time.Time, d time.Duration, beats []backends.Beat, errs []error) error {
	if errs != nil && len(errs) != len(beats) {
		return fmt.Errorf("%d outcomes for %d beats", len(errs), len(beats))
	}
	for i := range beats {
		if err := s.extended(now, d, &beats[i], at(errs, i)); err != nil {
			return fmt.Errorf("beat %d (%s): %w", i, beats[i].Lease.Job.ID, err)
		}
	}
	return nil
}

func (s *Store) extended(now time.Time, d time.Duration, b *backends.Beat, got error) error {
	j := s.find(b.Lease.Job.Ref)
	if j == nil {
		return oneOf(got, backends.ErrLost)
	}
	s.hearHolder(now, j, b.Lease)
	switch {
	case j.wild:
		return nil
	case j.stale(b.Lease) || !j.leased:
		return oneOf(got, backends.ErrLost)
	}
	j.due = now.Add(d)
	j.change = max(j.change, renewed)
	if b.Progress != nil {
		j.progress.Text = b.Progress.Text
		if b.Progress.Percent > j.progress.Percent {
			j.progress.Percent = b.Progress.Percent
		}
		j.touch()
	}
	switch {
	case j.state != backends.Running:
		return oneOf(got, nil)
	case j.cancelling:
		return oneOf(got, backends.ErrCancelled)
	case s.overtaken(j) == stops:
		return oneOf(got, backends.ErrSuperseded)
	}
	return oneOf(got, nil)
}

// Settled judges a Settle; a nil errs says that all went well.
func (s *Store) Settled(now time.Time, settlements []backends.Settlement, errs []error) error {
	if errs != nil && len(errs) != len(settlements) {
		return fmt.Errorf("%d outcomes for %d settlements", len(errs), len(settlements))
	}
	for i := range settlements {
		if err := s.settled(now, &settlements[i], at(errs, i)); err != nil {
			return fmt.Errorf("settlement %d (%v of %s): %w", i, settlements[i].Verb, settlements[i].Lease.Job.ID, err)
		}
	}
	return nil
}

func (s *Store) settled(now time.Time, t *backends.Settlement, got error) error {
	s.step++
	j := s.find(t.Lease.Job.Ref)
	if j == nil {
		return oneOf(got, backends.ErrLost)
	}
	if t.Verb != backends.Announced { // a running job refuses it
		s.hearHolder(now, j, t.Lease)
	}
	switch {
	case j.wild, s.mayBeGone(j, now) && errors.Is(got, backends.ErrLost):
		return nil
	case j.stale(t.Lease):
		return oneOf(got, backends.ErrLost)
	case j.last.verb != 0 && j.repeats(t):
		return oneOf(got, j.last.err)
	case t.Verb == backends.Commit && j.state == t.Outcome && got == nil: // it is so, by another settlement
		return nil
	case t.Verb == backends.Commit && j.state.Ended():
		return oneOf(got, backends.ErrEnded, backends.ErrLost, backends.ErrCancelled, backends.ErrSuperseded)
	case !j.leased:
		return oneOf(got, backends.ErrLost)
	case j.state.Ended():
		return s.settledOwing(now, j, t, got)
	case t.Verb == backends.Announced:
		return oneOf(got, backends.ErrNotReady)
	}
	want := s.settledRunning(now, j, t)
	j.last = answer{t.Verb, t.Outcome, want}
	return oneOf(got, want)
}

// stale reports whether l is not of the newest claim of this life.
func (j *job) stale(l *backends.Lease) bool {
	return l.Token != j.token || l.Generation != j.generation
}

// repeats reports whether t was answered before: a commit as long as nothing
// else came after it, the other verbs once they gave the lease back.
func (j *job) repeats(t *backends.Settlement) bool {
	return j.last.verb == t.Verb && j.last.outcome == t.Outcome && (t.Verb == backends.Commit || !j.leased)
}

// settledRunning moves a running job and returns the answer its holder must get.
func (s *Store) settledRunning(now time.Time, j *job, t *backends.Settlement) error {
	j.touch()
	if t.Error != "" && (t.Verb == backends.Retry || t.Verb == backends.Commit && t.Outcome == backends.Dead) {
		j.fail(now, t.Error)
	}
	end, why := s.marked(j, t.Verb)
	switch {
	case t.Verb == backends.Commit && (end == 0 || end == t.Outcome):
		j.result, j.stored, j.reason = t.Result, t.Stored, t.Reason
		s.finish(now, j, t.Outcome, t.Owes)
		return nil
	case t.Verb == backends.Commit:
		s.finish(now, j, end, t.Owes)
		return why
	case end != 0: // only a commit is about to announce
		s.end(now, j, end)
		return why
	}
	j.state, j.leased = backends.Waiting, false
	if t.Verb != backends.Retry {
		j.attempt--
	}
	if t.Verb != backends.Release {
		j.place = now.Add(t.Delay)
	}
	j.due = j.place
	return nil
}

// marked is the end that a mark writes in place of what the holder asks.
func (s *Store) marked(j *job, v backends.Verb) (backends.State, error) {
	m := s.overtaken(j)
	switch {
	case j.cancelling:
		return backends.Cancelled, backends.ErrCancelled
	case m == stops || m == finishes && v != backends.Commit:
		return backends.Superseded, backends.ErrSuperseded
	}
	return 0, nil
}

// settledOwing judges what the holder of an ended job does. What is not paid is
// due again.
func (s *Store) settledOwing(now time.Time, j *job, t *backends.Settlement, got error) error {
	j.touch()
	left := t.Owes
	if left == 0 {
		left = backends.Event | backends.WriteBack
	}
	if t.Verb == backends.Announced {
		left = ^left
	}
	j.owes &= left
	s.oweFrom(now.Add(t.Delay), j)
	j.last = answer{verb: t.Verb}
	return oneOf(got, nil)
}

// fail keeps what went wrong: the first, and the newest.
func (j *job) fail(now time.Time, text string) {
	j.failures = append(j.failures, backends.Failure{Attempt: j.attempt, At: now, Text: backends.Capped(text)})
	if len(j.failures) > backends.MaxFailures {
		j.failures = slices.Delete(j.failures, 1, 2)
	}
}

// at is the outcome of one item.
func at(errs []error, i int) error {
	if errs == nil {
		return nil
	}
	return errs[i]
}
