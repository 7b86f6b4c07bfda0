package sqlite

import (
	"context"
	"time"

	"github.com/leat-go/leat/backends"
)

// Stats counts one queue, exactly. It is a walk over the queue's rows, beside the
// writers.
func (b *Backend) Stats(ctx context.Context, queue string) (backends.Stats, error) {
	s := backends.Stats{Ended: map[backends.State]int{}}
	if err := b.admit(ctx, (backends.EnqueueRequest{Queue: queue}).Check()); err != nil {
		return s, err
	}
	defer b.calls.Done()
	if err := b.sweep(ctx, queue); err != nil {
		return s, err
	}
	now, _ := b.clock.read()
	var id int64
	found, err := b.reader().row(ctx, `SELECT id, paused, dropped FROM leat_queues WHERE name = ?`, []any{queue}, &id, &s.Paused, &s.Dropped)
	if err != nil || !found {
		return s, err
	}
	oldest := now
	err = b.reader().each(ctx, countJobs, []any{id}, func(scan func(...any) error) error {
		var stand, n int
		var state backends.State
		var place int64
		if err := scan(&stand, &state, &n, &place); err != nil {
			return err
		}
		if stand > nowhere && state == backends.Waiting {
			oldest = min(oldest, place)
		}
		count(&s, stand, state, n)
		return nil
	})
	if err != nil {
		return s, err
	}
	// Those that wait for other jobs: held by their batch, or behind a job of their place.
	var held, behind, first int64
	_, err = b.reader().row(ctx, `SELECT count(*), coalesce(sum(at > 0), 0), coalesce(min(CASE WHEN at > 0 THEN place END), ?2)
		FROM leat_jobs WHERE queue = ?1 AND line IS NULL AND room IS NULL`, []any{id, now}, &held, &behind, &first)
	s.Held, s.Queued = int(held-behind), s.Queued+int(behind)
	s.Oldest = time.Duration(now - min(oldest, first))
	return s, err
}

// countJobs counts by stand and state, reading indexes alone.
const countJobs = `SELECT -room, state, count(*), 0 FROM leat_jobs WHERE queue = ?1 AND room IS NOT NULL GROUP BY room, state
	UNION ALL SELECT j.line, j.state, count(*), min(j.place) FROM leat_lines AS l CROSS JOIN leat_jobs AS j
		WHERE l.queue = ?1 AND j.line = l.id GROUP BY j.line, j.state`

// count adds n jobs of a state that stand somewhere.
func count(s *backends.Stats, stand int, state backends.State, n int) {
	switch {
	case state == backends.Waiting && stand == later:
		s.Scheduled += n
	case state == backends.Waiting:
		s.Queued += n
	case state == backends.Running:
		s.Running += n
	default:
		s.Ended[state] += n
		if stand > ended {
			s.Owing += n
		}
	}
}
