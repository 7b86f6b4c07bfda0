package sqlite

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// Whose turn is it (R11)? A claim walks round the tenants that have something in a line
// that it wants, from the one that was served last: a step of the walk is one seek in
// the index, whatever the tenant's backlog is. What the claim may take is dealt
// out in rounds, each tenant as many as it weighs, and read by the tenant.

// turn is where the walk of those who ask for the same stands.
type turn struct {
	tenant string // served last
	served int    // jobs in this turn of it
}

// asks spells what a claim asks for. Claims that ask for different kinds go round on
// their own, else one might always find its tenant just served.
func (a *asking) asks() string {
	if a.kinds == nil {
		return a.can.String()
	}
	return a.can.String() + "\x00" + strings.Join(slices.Sorted(slices.Values(a.kinds)), "\x00")
}

// turnOf reads where the walk of a claim stands; all processes share it.
func (t *txn) turnOf(ctx context.Context, q *queue, a *asking) (turn, error) {
	key := a.asks()
	tn, known := q.turns[key]
	if known {
		return tn, nil
	}
	_, err := t.row(ctx, `SELECT tenant, served FROM leat_turns WHERE queue = ? AND asks = ?`, []any{q.id, key}, &tn.tenant, &tn.served)
	q.turns[key] = tn
	return tn, err
}

// keepTurn writes where it stands now.
func (t *txn) keepTurn(ctx context.Context, q *queue, a *asking, tn turn) error {
	key := a.asks()
	if q.turns[key] == tn {
		return nil
	}
	q.turns[key] = tn
	return t.run(ctx, `INSERT INTO leat_turns VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET tenant = excluded.tenant, served = excluded.served`,
		q.id, key, tn.tenant, tn.served)
}

// share is what one tenant gets of a claim.
type share struct {
	tenant  string
	weight  int
	served  int       // of the turn that it is in
	sources []*source // lines that have something of it
	quota   int
	rows    []*row
}

// pick reads up to n jobs whose turn it is; none if there is nothing to be had until
// the alarm.
func (t *txn) pick(ctx context.Context, q *queue, a *asking, n int) ([]*row, int64, error) {
	g, err := t.gateOf(ctx, q)
	if err != nil {
		return nil, 0, err
	}
	sources, err := t.sources(ctx, q, a, g)
	if err != nil || len(sources) == 0 {
		return nil, g.alarm, err
	}
	tn, err := t.turnOf(ctx, q, a)
	if err != nil {
		return nil, 0, err
	}
	shares, err := t.shares(ctx, q, tn, sources, g, n)
	if err != nil {
		return nil, 0, err
	}
	deal(shares, n)
	for _, s := range shares {
		if err := t.fetch(ctx, s); err != nil {
			return nil, 0, err
		}
	}
	picked, err := t.gather(ctx, shares, g, &tn)
	if err != nil {
		return nil, 0, err
	}
	if len(picked) == 0 {
		for _, s := range sources {
			if s.place != never {
				s.oldest = 0 // nobody of it has waited long enough
			}
		}
	}
	return picked, g.alarm, t.keepTurn(ctx, q, a, tn)
}

// shares finds the tenants that a claim of n jobs serves.
func (t *txn) shares(ctx context.Context, q *queue, tn turn, sources []*source, g *gate, n int) ([]*share, error) {
	p := q.policy()
	stays := tn.served > 0 && tn.served < p.Of(tn.tenant).Weight
	w, err := t.walk(ctx, sources, tn.tenant, !stays && tn != turn{})
	if err != nil {
		return nil, err
	}
	var shares []*share
	for len(shares) < n {
		tenant, ok, err := w.next(ctx)
		if err != nil || !ok {
			return shares, err
		}
		s := &share{tenant: tenant, weight: p.Of(tenant).Weight}
		if tenant == tn.tenant && stays && len(shares) == 0 {
			s.served = tn.served
		}
		shut, err := g.shutTo(ctx, t, tenant)
		if err != nil {
			return nil, err
		}
		for _, src := range sources {
			if !src.empty && src.tenant == tenant && (src.owes != 0 || !shut) {
				s.sources = append(s.sources, src)
			}
		}
		if len(s.sources) > 0 {
			shares = append(shares, s)
		}
		if err := w.pass(ctx, tenant); err != nil {
			return nil, err
		}
	}
	return shares, nil
}

// deal gives n jobs out in rounds.
func deal(shares []*share, n int) {
	for i := 0; n > 0 && len(shares) > 0; i++ {
		s := shares[i%len(shares)]
		give := min(n, s.weight)
		if i < len(shares) {
			give = min(n, max(1, s.weight-s.served))
		}
		s.quota += give
		n -= give
	}
}

// fetch reads the best jobs of a share.
func (t *txn) fetch(ctx context.Context, s *share) error {
	for _, src := range s.sources {
		query, args := takeAll, []any{src.id, s.tenant, s.quota}
		if src.place != never {
			query, args = takeOld, []any{src.id, s.tenant, src.place, s.quota}
		}
		err := t.each(ctx, query, args, func(scan func(...any) error) error {
			r, err := t.scan(ctx, scan, true)
			if err == nil {
				r.spread = t.spread
				s.rows = append(s.rows, r)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	if len(s.sources) > 1 {
		slices.SortFunc(s.rows, byTurn)
	}
	s.rows = s.rows[:min(len(s.rows), s.quota)]
	return nil
}

const (
	takeAll = `SELECT ` + columns + `, payload, result FROM leat_jobs WHERE line = ? AND tenant = ? ORDER BY rank, place, seq LIMIT ? + 0`
	takeOld = `SELECT ` + columns + `, payload, result FROM leat_jobs WHERE line = ? AND tenant = ? AND place <= ? ORDER BY rank, place, seq LIMIT ? + 0`
)

// byTurn orders the jobs of a tenant: priority, then place in time, then order.
func byTurn(a, b *row) int {
	return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.life.Place, b.life.Place), cmp.Compare(a.seq, b.seq))
}

// gather puts the shares together in the order of the rounds, as far as the caps allow.
func (t *txn) gather(ctx context.Context, shares []*share, g *gate, tn *turn) ([]*row, error) {
	var picked []*row
	for left := true; left; {
		left = false
		for _, s := range shares {
			give := s.weight - s.served
			s.served = 0
			for ; give > 0 && len(s.rows) > 0; s.rows = s.rows[1:] {
				r := s.rows[0]
				ok, err := g.admit(ctx, t, r)
				if err != nil {
					return nil, err
				}
				if !ok {
					continue
				}
				give--
				picked = append(picked, r)
				if tn.tenant != s.tenant || tn.served >= s.weight {
					*tn = turn{tenant: s.tenant}
				}
				tn.served++
			}
			left = left || len(s.rows) > 0
		}
	}
	return picked, nil
}

// sources are the lines that a claim takes from.
func (t *txn) sources(ctx context.Context, q *queue, a *asking, g *gate) ([]*source, error) {
	var all []*source
	for _, l := range q.lines {
		if l.owes == 0 {
			shut, err := g.shut(ctx, t, l)
			if err != nil {
				return nil, err
			}
			if shut {
				continue
			}
		}
		switch {
		case a.wants(l):
			all = append(all, &source{line: l, place: never})
		case l.owes == 0 && !a.knows(l.kind):
			open, alarm, err := t.openToStrangers(ctx, l)
			if err != nil {
				return nil, err
			}
			g.alarm = min(g.alarm, alarm)
			if open {
				all = append(all, &source{line: l, place: t.now - q.patience()})
			}
		}
	}
	return all, nil
}
