package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"

	"github.com/leat-go/leat/backends"
)

// catalog is what a process remembers of the small tables: queues and lines. It is
// read again when somebody else has written to the file.
type catalog struct {
	logger *slog.Logger

	mu     sync.Mutex
	byName map[string]*queue
	byID   map[int64]*queue
	lines  map[int64]*line
}

// queue is one row of leat_queues, and what the process remembers beside it. All but
// its constants and the policy belong to whoever is in a transaction.
type queue struct {
	id      int64
	name    string
	inForce atomic.Pointer[backends.Policy] // defaults filled in

	fresh   bool // what follows is as in the file
	version int
	text    string // the policy as stored; "" = nobody has said
	paused  bool
	counted bool
	heard   map[string]sign // last signs, by kind
	heardOf sign            // of a worker that knows all kinds
	lines   []*line

	next   int64 // nothing becomes due, or passes its deadline, before
	reap   int64 // no kept record is past its retention before
	closed int   // jobs since the kept ones were last counted

	given  *backends.Policy // as last passed, to recognise it
	warned bool
	turns  map[string]turn // by what a claim asks for, as in the file
}

// sign is when a worker was last heard of, and what of it is in the file.
type sign struct{ last, written int64 }

func (s sign) read(written int64) sign { return sign{max(s.last, written), written} }

// line is one row of leat_lines. It never changes.
type line struct {
	id             int64
	queue          *queue
	kind, resource string
	owes           backends.Debt // 0 = jobs to run

	oldest int64 // a bound: none of its jobs waits since before; 0 = not known
}

func newCatalog(logger *slog.Logger) *catalog {
	return &catalog{logger: logger, byName: map[string]*queue{}, byID: map[int64]*queue{}, lines: map[int64]*line{}}
}

func (q *queue) policy() *backends.Policy { return q.inForce.Load() }

// stale has everything read again.
func (c *catalog) stale() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, q := range c.byID {
		q.fresh = false
		q.next, q.reap, q.closed = 0, 0, math.MaxInt
		clear(q.turns)
	}
	for _, l := range c.lines {
		l.oldest = 0
	}
}

// drop forgets what was made in a transaction that was rolled back, and trusts
// nothing else.
func (c *catalog) drop(queues []*queue, lines []*line) {
	c.mu.Lock()
	for _, q := range queues {
		delete(c.byName, q.name)
		delete(c.byID, q.id)
	}
	for _, l := range lines {
		delete(c.lines, l.id)
	}
	c.mu.Unlock()
	c.stale()
}

const queueColumns = `id, name, version, policy, paused, waiting IS NOT NULL, heard`

// load reads one row of leat_queues, by a condition; nil if there is none. Only who is in a
// transaction may: what others have read is older than what the process knows.
func (c *catalog) load(ctx context.Context, s *session, where string, key any) (*queue, error) {
	return c.read(ctx, s, where, key, true)
}

// read is load for anybody: what the process knows already is replaced only if it may be.
func (c *catalog) read(ctx context.Context, s *session, where string, key any, replace bool) (*queue, error) {
	var q queue
	var text *string
	found, err := s.row(ctx, `SELECT `+queueColumns+` FROM leat_queues WHERE `+where, []any{key},
		&q.id, &q.name, &q.version, &text, &q.paused, &q.counted, &q.heardOf.written)
	if err != nil || !found {
		return nil, err
	}
	if text != nil {
		q.text = *text
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.byID[q.id]
	if old != nil && !replace {
		return old, nil
	}
	if old == nil {
		old = &queue{id: q.id, name: q.name, closed: math.MaxInt, turns: map[string]turn{}, heard: map[string]sign{}}
		c.byID[q.id], c.byName[q.name] = old, old
	}
	if old.text != q.text || old.inForce.Load() == nil {
		var p backends.Policy
		if q.text != "" {
			if err := json.Unmarshal([]byte(q.text), &p); err != nil {
				return nil, fmt.Errorf("policy of queue %q: %w", q.name, err)
			}
		}
		old.inForce.Store(p.Filled())
		old.given = nil
	}
	old.version, old.text, old.paused, old.counted = q.version, q.text, q.paused, q.counted
	old.heardOf = old.heardOf.read(q.heardOf.written)
	return old, nil
}

// queueByID finds a queue that a row names.
func (c *catalog) queueByID(ctx context.Context, s *session, id int64) (*queue, error) {
	c.mu.Lock()
	q := c.byID[id]
	c.mu.Unlock()
	if q != nil {
		return q, nil
	}
	q, err := c.read(ctx, s, `id = ?`, id, false)
	if q == nil && err == nil {
		err = fmt.Errorf("%w: there is no queue %d", ErrCorrupt, id)
	}
	return q, err
}

// line finds a line by number.
func (c *catalog) line(ctx context.Context, s *session, id int64) (*line, error) {
	c.mu.Lock()
	l := c.lines[id]
	c.mu.Unlock()
	if l != nil {
		return l, nil
	}
	l = &line{id: id}
	var queue, owes int64
	found, err := s.row(ctx, `SELECT queue, kind, owes, resource FROM leat_lines WHERE id = ?`, []any{id}, &queue, &l.kind, &owes, &l.resource)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fmt.Errorf("%w: there is no line %d", ErrCorrupt, id)
	}
	l.owes = backends.Debt(owes)
	if l.queue, err = c.queueByID(ctx, s, queue); err != nil {
		return nil, err
	}
	return c.keep(l), nil
}

// keep adds a line, or finds that another was quicker.
func (c *catalog) keep(l *line) *line {
	c.mu.Lock()
	defer c.mu.Unlock()
	if have := c.lines[l.id]; have != nil {
		return have
	}
	c.lines[l.id] = l
	return l
}

// known is the queue of a name, if the process has seen it.
func (c *catalog) known(name string) *queue {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.byName[name]
}

// queue finds a queue; nil if nobody used it yet.
func (c *catalog) queue(ctx context.Context, s *session, name string) (*queue, error) {
	if q := c.known(name); q != nil && q.fresh {
		return q, nil
	}
	q, err := c.load(ctx, s, `name = ?`, name)
	if q == nil || err != nil {
		return nil, err
	}
	return q, c.refresh(ctx, s, q)
}

// refresh reads what belongs to a queue in other tables.
func (c *catalog) refresh(ctx context.Context, s *session, q *queue) error {
	err := s.each(ctx, `SELECT kind, heard FROM leat_kinds WHERE queue = ?`, []any{q.id}, func(scan func(...any) error) error {
		var kind string
		var at int64
		if err := scan(&kind, &at); err != nil {
			return err
		}
		q.heard[kind] = q.heard[kind].read(at)
		return nil
	})
	if err != nil {
		return err
	}
	q.lines = q.lines[:0]
	err = s.each(ctx, `SELECT id, kind, owes, resource FROM leat_lines WHERE queue = ? ORDER BY id`, []any{q.id}, func(scan func(...any) error) error {
		l := &line{queue: q}
		var owes int64
		if err := scan(&l.id, &l.kind, &owes, &l.resource); err != nil {
			return err
		}
		l.owes = backends.Debt(owes)
		q.lines = append(q.lines, c.keep(l))
		return nil
	})
	q.fresh = err == nil
	return err
}
