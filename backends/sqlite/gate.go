package sqlite

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/leat-go/leat/backends"
)

// Caps hold across all who open the file. What is in flight is counted when a claim
// must know it, among the leases that have not lapsed; rates are token buckets in a
// table of their own. Queues without caps pay for neither.

// gate is what the caps leave room for, during one look of a claim.
type gate struct {
	queue   *queue
	all     *meter
	tenants map[string]*meter
	names   map[string]*meter // resources
	running map[string]int    // leases of each tenant; nil = not counted yet
	alarm   int64             // when a rate opens
}

// meter is one cap: how many may go on now.
type meter struct {
	name   string // of its bucket
	cap    backends.Cap
	room   int // leases that may come
	tokens backends.Tokens
}

func (m *meter) shut() bool { return m != nil && m.opens() != 0 }

// opens is when the next one may go: 0 = now, never = when a lease is given up.
func (m *meter) opens() int64 {
	if m.cap.InFlight > 0 && m.room <= 0 {
		return never
	}
	return m.tokens.Opens(m.cap)
}

// gateOf opens the gate of a queue for one look.
func (t *txn) gateOf(ctx context.Context, q *queue) (*gate, error) {
	g := &gate{queue: q, tenants: map[string]*meter{}, names: map[string]*meter{}, alarm: never}
	c := q.policy().Cap
	var err error
	g.all, err = t.meter(ctx, "queue "+strconv.FormatInt(q.id, 10), c, func() (n int, err error) {
		_, err = t.row(ctx, `SELECT count(*) FROM leat_jobs WHERE queue = ? AND room = 2 AND at > ?`, []any{q.id, t.now}, &n)
		return n, err
	})
	return g, err
}

// meter reads how a cap stands; nil = nothing is capped.
func (t *txn) meter(ctx context.Context, name string, c backends.Cap, inFlight func() (int, error)) (*meter, error) {
	if c.InFlight <= 0 && c.Rate <= 0 {
		return nil, nil
	}
	m := &meter{name: name, cap: c}
	if c.InFlight > 0 {
		n, err := inFlight()
		if err != nil {
			return nil, err
		}
		m.room = c.InFlight - n
	}
	if c.Rate <= 0 {
		return m, nil
	}
	_, err := t.row(ctx, `SELECT tokens, filled FROM leat_meters WHERE name = ?`, []any{name}, &m.tokens.Left, &m.tokens.Since)
	m.tokens = m.tokens.Filled(t.now, c)
	return m, err
}

// shut reports whether a line of jobs gives nothing: the queue is paused or at its cap,
// or what the line uses is.
func (g *gate) shut(ctx context.Context, t *txn, l *line) (bool, error) {
	if g.queue.paused {
		return true, nil
	}
	if g.all.shut() {
		g.alarm = min(g.alarm, g.all.opens())
		return true, nil
	}
	m, err := g.resource(ctx, t, l.resource)
	if m.shut() {
		g.alarm = min(g.alarm, m.opens())
		return true, err
	}
	return false, err
}

// shutTo reports whether a tenant's cap holds its jobs back.
func (g *gate) shutTo(ctx context.Context, t *txn, tenant string) (bool, error) {
	m, err := g.tenant(ctx, t, tenant)
	if m.shut() {
		g.alarm = min(g.alarm, m.opens())
		return true, err
	}
	return false, err
}

func (g *gate) tenant(ctx context.Context, t *txn, name string) (*meter, error) {
	if m, known := g.tenants[name]; known {
		return m, nil
	}
	m, err := t.meter(ctx, "tenant "+strconv.FormatInt(g.queue.id, 10)+" "+name, g.queue.policy().Of(name).Cap, func() (int, error) {
		return g.runningOf(ctx, t, name)
	})
	g.tenants[name] = m
	return m, err
}

func (g *gate) runningOf(ctx context.Context, t *txn, tenant string) (int, error) {
	if g.running != nil {
		return g.running[tenant], nil
	}
	g.running = map[string]int{}
	err := t.each(ctx, `SELECT tenant, count(*) FROM leat_jobs WHERE queue = ? AND room = 2 AND at > ? GROUP BY tenant`,
		[]any{g.queue.id, t.now}, func(scan func(...any) error) error {
			var name string
			var n int
			err := scan(&name, &n)
			g.running[name] = n
			return err
		})
	return g.running[tenant], err
}

func (g *gate) resource(ctx context.Context, t *txn, name string) (*meter, error) {
	if name == "" {
		return nil, nil
	}
	if m, known := g.names[name]; known {
		return m, nil
	}
	c, err := t.capOf(ctx, name)
	if err != nil {
		return nil, err
	}
	m, err := t.meter(ctx, "resource "+name, c, func() (n int, err error) {
		_, err = t.row(ctx, `SELECT count(*) FROM leat_lines AS l CROSS JOIN leat_jobs AS j
			WHERE l.resource = ?1 AND l.owes = 0 AND j.queue = l.queue AND j.room = 2 AND j.at > ?2 AND j.class = l.id`,
			[]any{name, t.now}, &n)
		return n, err
	})
	g.names[name] = m
	return m, err
}

// admit lets one more job go, if every cap that it falls under allows it.
func (g *gate) admit(ctx context.Context, t *txn, r *row) (bool, error) {
	if r.life.State.Ended() {
		return true, nil
	}
	own, err := g.tenant(ctx, t, r.ref.Tenant)
	if err != nil {
		return false, err
	}
	used, err := g.resource(ctx, t, r.class.resource)
	if err != nil {
		return false, err
	}
	meters := [...]*meter{g.all, own, used}
	for _, m := range meters {
		if m.shut() {
			return false, nil
		}
	}
	if r.willEnd(t.now) { // the claim writes an end instead
		return true, nil
	}
	for _, m := range meters {
		if m == nil {
			continue
		}
		m.room--
		m.tokens = m.tokens.Take(1)
		if err := t.keepMeter(ctx, m); err != nil {
			return false, err
		}
	}
	return true, nil
}

// willEnd reports whether a claim of r comes to an end in place of a run.
func (r *row) willEnd(now int64) bool {
	_, turn := r.life.Claim(r.facts(now), 1, 0)
	return turn != backends.Run
}

// keepMeter writes how a bucket stands.
func (t *txn) keepMeter(ctx context.Context, m *meter) error {
	if m.cap.Rate <= 0 {
		return nil
	}
	return t.run(ctx, `INSERT INTO leat_meters VALUES (?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET tokens = excluded.tokens, filled = excluded.filled, full = excluded.full`,
		m.name, m.tokens.Left, m.tokens.Since, m.tokens.Full(m.cap))
}

// freed says that a lease was given up: who waits for a cap may go on.
func (t *txn) freed(ctx context.Context, r *row) error {
	q := r.queue()
	p := q.policy()
	if p.Cap.InFlight > 0 || p.Of(r.ref.Tenant).Cap.InFlight > 0 {
		t.stir(q)
	}
	return t.freedName(ctx, r.class.resource)
}

// freedName has all look again who may wait for a resource.
func (t *txn) freedName(ctx context.Context, resource string) error {
	if resource == "" {
		return nil
	}
	var ids []int64
	err := t.each(ctx, `SELECT DISTINCT queue FROM leat_lines WHERE resource = ?`, []any{resource}, func(scan func(...any) error) error {
		var id int64
		err := scan(&id)
		ids = append(ids, id)
		return err
	})
	if err != nil {
		return err
	}
	for _, id := range ids {
		q, err := t.cat.queueByID(ctx, t.session, id)
		if err != nil {
			return err
		}
		t.stir(q)
	}
	return nil
}

// capOf is the cap of a resource, as the newest claim said.
func (t *txn) capOf(ctx context.Context, name string) (c backends.Cap, err error) {
	var text string
	found, err := t.row(ctx, `SELECT cap FROM leat_resources WHERE name = ?`, []any{name}, &text)
	if found {
		err = json.Unmarshal([]byte(text), &c)
	}
	return c, err
}

// caps takes note of caps by name; the newest version counts.
func (t *txn) caps(ctx context.Context, said []backends.Resource) error {
	for _, r := range said {
		b, err := json.Marshal(r.Cap)
		if err != nil {
			return err
		}
		n, err := t.exec(ctx, `INSERT INTO leat_resources VALUES (?, ?, ?)
			ON CONFLICT DO UPDATE SET version = excluded.version, cap = excluded.cap WHERE excluded.version > version`, r.Name, r.Version, string(b))
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		if err := t.freedName(ctx, r.Name); err != nil {
			return err
		}
	}
	return nil
}
