package sqlite

import (
	"context"
	"slices"
	"strconv"
	"time"
)

// glanceAt is how many versions one query of a glance reads.
const glanceAt = 1000

// glances answer all blocked lookups after commits of other processes: however many wait, the
// versions of their records are read together, and those records alone that are newer are
// read again.
func (b *store) glances(ctx context.Context) {
	rest := time.NewTimer(0)
	defer rest.Stop()
	for {
		select {
		case <-b.behind:
		case <-b.done:
			return
		}
		began := time.Now()
		n, err := b.looks.Glance(glanceAt, func(rows []int64) ([]uint64, error) { return b.versions(ctx, rows) })
		if err != nil {
			b.looks.TellAll() // each may find out for itself
		}
		rest.Reset(breath(time.Since(began), n))
		select {
		case <-rest.C:
		case <-b.done:
			return
		}
	}
}

// breath is how long to wait after a glance: so long that glances take a tenth of the time. A
// machine that was busy with something else says nothing about the next one.
func breath(took time.Duration, records int) time.Duration {
	const most = 50 * time.Microsecond // for one record
	return max(lookOften, 9*min(took, time.Duration(records)*most))
}

// versions reads those of some rows, 0 where there is none.
func (b *store) versions(ctx context.Context, rows []int64) ([]uint64, error) {
	have := make([]uint64, len(rows))
	err := b.read.each(ctx, versionsOf, []any{list(rows)}, func(scan func(...any) error) error {
		var i int
		var v int64
		if err := scan(&i, &v); err != nil {
			return err
		}
		have[i] = uint64(v)
		return nil
	})
	return have, err
}

const versionsOf = `SELECT r.key, j.version FROM json_each(?) AS r CROSS JOIN leat_jobs AS j ON j.seq = r.value`

// list is a JSON array.
func list(rows []int64) string {
	text := slices.Grow([]byte("["), 20*len(rows))
	for i, n := range rows {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, n, 10)
	}
	return string(append(text, ']'))
}
