package spec

import (
	"fmt"
	"slices"
	"time"

	"github.com/leat-go/leat/backends"
)

// Cancelled judges a Cancel; a nil errs says that all went well.
func (s *Store) Cancelled(now time.Time, refs []backends.Ref, errs []error) error {
	for i, ref := range refs {
		if err := s.cancelled(now, ref, at(errs, i)); err != nil {
			return fmt.Errorf("cancel of %s: %w", ref.ID, err)
		}
	}
	return nil
}

func (s *Store) cancelled(now time.Time, ref backends.Ref, got error) error {
	s.step++
	j := s.find(ref)
	switch {
	case j == nil:
		return oneOf(got, backends.ErrNotFound)
	case j.wild || got != nil && s.mayBeGone(j, now):
		return nil
	case j.state == backends.Cancelled:
		return oneOf(got, nil)
	case j.state.Ended():
		return oneOf(got, backends.ErrEnded)
	case s.late(j, now):
		s.end(now, j, backends.Expired)
		return oneOf(got, backends.ErrEnded)
	case j.state == backends.Waiting:
		s.end(now, j, backends.Cancelled)
	case j.cancelling: // no news
		j.change = max(j.change, renewed)
	default:
		j.cancelling = true
		j.touch()
	}
	return oneOf(got, nil)
}

// Redriven judges a Redrive; a nil errs says that all went well.
func (s *Store) Redriven(now time.Time, items []backends.Redrive, errs []error) error {
	for i, r := range items {
		if err := s.redriven(now, r, at(errs, i)); err != nil {
			return fmt.Errorf("redrive of %s: %w", r.Ref.ID, err)
		}
	}
	return nil
}

func (s *Store) redriven(now time.Time, r backends.Redrive, got error) error {
	j := s.find(r.Ref)
	switch {
	case j == nil:
		return oneOf(got, backends.ErrNotFound)
	case j.wild || got != nil && s.mayBeGone(j, now):
		return nil
	case r.Generation != j.generation:
		return oneOf(got, nil)
	case j.state.Ended() && !j.state.Redrivable():
		return oneOf(got, backends.ErrEnded)
	case !j.state.Ended() || j.owes != 0:
		return oneOf(got, backends.ErrNotReady)
	}
	j.redrive(now)
	return oneOf(got, nil)
}

// redrive gives j another life; id, token, order, errors and its place in a
// batch stay (R10, R14). A collation job waits for its members again.
func (j *job) redrive(now time.Time) {
	j.touch()
	j.generation++
	j.state, j.attempt, j.crashes, j.last = backends.Waiting, 0, 0, answer{}
	j.due, j.place, j.ended, j.deadline = now, now, time.Time{}, time.Time{}
	if j.Expiry > 0 {
		j.deadline = now.Add(j.Expiry)
	}
	j.result, j.stored, j.reason, j.supersededBy, j.dropped, j.progress = nil, "", "", "", 0, backends.Progress{}
	if j.batch != nil && j.batch.Hold > 0 {
		j.due = time.Time{}
	}
}

// Purgeable names the records that a Purge may remove: those that nobody holds,
// or perhaps not any more. Look at them before, and at all of them after it.
func (s *Store) Purgeable(now time.Time, req backends.PurgeRequest) []backends.Ref {
	var refs []backends.Ref
	for _, j := range s.jobs {
		mine := j.queue == req.Queue && (req.AnyTenant || j.Tenant == req.Tenant)
		free := !j.leased || passed(j.due, now)
		if mine && (j.state == req.State && free || j.wild) {
			refs = append(refs, j.Ref)
		}
	}
	return refs
}

// Purged judges a Purge that returned n, of whose candidates those in gone are
// gone now, and the looks at other ripe jobs.
func (s *Store) Purged(now time.Time, req backends.PurgeRequest, n int, gone []backends.Ref, ripe []Look) error {
	if err := s.learnAll(now, ripe); err != nil {
		return err
	}
	limit := req.Limit
	if limit == 0 {
		limit = backends.MaxPurge
	}
	all := s.Purgeable(now, req)
	var unsure int
	for _, ref := range all {
		j := s.find(ref)
		if j.wild || j.leased || s.mayBeGone(j, now) || len(s.ripe(j, now)) > 0 {
			unsure++
		}
	}
	want := min(limit, len(all))
	if n > want || n < want-unsure || len(gone) < n || len(gone) > n+unsure {
		return fmt.Errorf("purged %d of %d candidates (%d unsure, limit %d), and %d are gone", n, len(all), unsure, limit, len(gone))
	}
	for _, ref := range gone {
		j := s.find(ref)
		if !slices.Contains(all, ref) {
			return fmt.Errorf("%s is gone too", ref.ID)
		}
		s.drop(j)
		if j.state == backends.Waiting {
			s.count(now, j)
		}
	}
	return s.agreeAll(ripe)
}

// Paused notes a Pause.
func (s *Store) Paused(queue string, paused bool) { s.queue(queue).paused = paused }

// Listed judges all pages of a listing.
func (s *Store) Listed(now time.Time, req backends.ListRequest, records []*backends.Record) error {
	if !slices.IsSortedFunc(records, func(a, b *backends.Record) int { return int(a.Order - b.Order) }) {
		return fmt.Errorf("not the oldest order first")
	}
	listed := map[backends.Ref]bool{}
	var looks []Look
	for _, r := range records {
		listed[r.Job.Ref] = true
		if j := s.find(r.Job.Ref); j == nil || !j.listedBy(req) || req.State != 0 && r.State != req.State {
			return fmt.Errorf("%s doesn't belong there", r.Job.ID)
		}
		looks = append(looks, Look{Ref: r.Job.Ref, Record: r})
	}
	if err := s.Looked(now, looks...); err != nil {
		return err
	}
	for _, j := range s.jobs {
		mine := j.listedBy(req) && (req.State == 0 || j.state == req.State)
		unsure := j.wild || s.mayBeGone(j, now) || len(s.ripe(j, now)) > 0
		if mine && !unsure && !listed[j.Ref] {
			return fmt.Errorf("%s is missing", j.ID)
		}
	}
	return nil
}

// listedBy reports whether j is asked for, whatever its state.
func (j *job) listedBy(req backends.ListRequest) bool {
	if !req.Batch.IsZero() && (j.Batch == nil || j.Batch.Member != req.Batch) {
		return false
	}
	return j.queue == req.Queue && (req.AnyTenant || j.Tenant == req.Tenant)
}
