package spec

import (
	"fmt"
	"time"

	"github.com/leat-go/leat/backends"
)

// Counted judges the Stats of a queue. Look at all ripe jobs first; those that
// are ripe still may be counted either way.
func (s *Store) Counted(now time.Time, queue string, got backends.Stats) error {
	if !s.features.ExactStats {
		return nil
	}
	q := s.queue(queue)
	want := backends.Stats{Ended: map[backends.State]int{}, Paused: q.paused}
	unsure := 0
	for _, j := range s.jobs {
		switch {
		case j.queue != queue:
		case j.wild || s.mayBeGone(j, now) || len(s.ripe(j, now)) > 0 || s.spent(j, now):
			unsure++
		default:
			j.countIn(&want, now)
		}
	}
	var d diff
	d.within("Queued", got.Queued, want.Queued, unsure)
	d.within("Scheduled", got.Scheduled, want.Scheduled, unsure)
	d.within("Held", got.Held, want.Held, unsure)
	d.within("Running", got.Running, want.Running, unsure)
	d.within("Owing", got.Owing, want.Owing, unsure)
	for end := backends.Succeeded; end <= backends.Expired; end++ {
		d.within(end.String(), got.Ended[end], want.Ended[end], unsure)
	}
	if unsure == 0 {
		d.is("Oldest", got.Oldest, want.Oldest)
	}
	d.is("Paused", got.Paused, want.Paused)
	return d.err()
}

func (j *job) countIn(st *backends.Stats, now time.Time) {
	switch {
	case j.state == backends.Waiting && j.due.IsZero():
		st.Held++
	case j.state == backends.Waiting && j.due.After(now):
		st.Scheduled++
	case j.state == backends.Waiting:
		st.Queued++
		st.Oldest = max(st.Oldest, now.Sub(j.due))
	case j.state == backends.Running:
		st.Running++
	default:
		st.Ended[j.state]++
		if j.owes != 0 {
			st.Owing++
		}
	}
}

// within compares a count of which unsure more may be there.
func (d *diff) within(field string, got, want, unsure int) {
	if got < want || got > want+unsure {
		*d = append(*d, fmt.Errorf("%s is %d, want %d to %d", field, got, want, want+unsure))
	}
}
