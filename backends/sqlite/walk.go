package sqlite

import (
	"context"
)

// source is a line that a claim takes from, and the tenant that comes next in it.
type source struct {
	*line
	place  int64 // only those that waited since then or before (strangers); never = all
	tenant string
	empty  bool // no further tenant
}

// seek finds the first tenant from, or after, a name.
func (t *txn) seek(ctx context.Context, s *source, from string, after bool) error {
	query := `SELECT tenant FROM leat_jobs WHERE line = ? AND tenant >= ? ORDER BY tenant LIMIT 1`
	args := []any{s.id, from}
	switch {
	case s.place != never && after:
		query = `SELECT tenant FROM leat_jobs WHERE line = ? AND tenant > ? AND place <= ? ORDER BY tenant LIMIT 1`
		args = append(args, s.place)
	case s.place != never:
		query = `SELECT tenant FROM leat_jobs WHERE line = ? AND tenant >= ? AND place <= ? ORDER BY tenant LIMIT 1`
		args = append(args, s.place)
	case after:
		query = `SELECT tenant FROM leat_jobs WHERE line = ? AND tenant > ? ORDER BY tenant LIMIT 1`
	}
	found, err := t.row(ctx, query, args, &s.tenant)
	s.empty = !found
	return err
}

// walker goes round the tenants once.
type walker struct {
	t       *txn
	sources []*source
	start   string // where it began; before it, a second half comes
	after   bool   // it began after start
	turned  bool   // in the second half
}

// walk begins after the tenant that was served last, or at it if its turn isn't over.
func (t *txn) walk(ctx context.Context, sources []*source, from string, after bool) (*walker, error) {
	for _, s := range sources {
		if err := t.seek(ctx, s, from, after); err != nil {
			return nil, err
		}
	}
	return &walker{t: t, sources: sources, start: from, after: after}, nil
}

// next is the next tenant, and false when all have been.
func (w *walker) next(ctx context.Context) (string, bool, error) {
	for {
		tenant, found := "", false
		for _, s := range w.sources {
			if !s.empty && (!found || s.tenant < tenant) {
				tenant, found = s.tenant, true
			}
		}
		if w.turned && (tenant > w.start || tenant == w.start && !w.after) {
			found = false
		}
		if found {
			return tenant, true, nil
		}
		if w.turned {
			return "", false, nil
		}
		w.turned = true
		for _, s := range w.sources {
			if err := w.t.seek(ctx, s, "", false); err != nil {
				return "", false, err
			}
		}
	}
}

// pass goes on from a tenant.
func (w *walker) pass(ctx context.Context, tenant string) error {
	for _, s := range w.sources {
		if s.empty || s.tenant != tenant {
			continue
		}
		if err := w.t.seek(ctx, s, tenant, true); err != nil {
			return err
		}
	}
	return nil
}
