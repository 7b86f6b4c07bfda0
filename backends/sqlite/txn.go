package sqlite

import (
	"context"

	"github.com/leat-go/leat/backends"
)

// txn is one transaction, and what is to be done when it has committed.
type txn struct {
	*session
	store *store
	cat   *catalog
	now   int64  // by which things are due
	shift int64  // added to spans, for a while after a jump of the clock
	seqs  *int64 // the newest order of the store

	spread int // how often a step has changed other jobs than its own

	news    map[*queue]*news
	changed []backends.Ref
	redo    []func() // undoes what the process believes, if the transaction fails
	queues  []*queue // made
	classes []*line  // made
}

// news is what others may be waiting for.
type news struct {
	lines []*line // got jobs
	next  int64   // the earliest time at which something becomes due
	all   bool    // look again, whoever you are
}

func (t *txn) newsOf(q *queue) *news {
	n := t.news[q]
	if n == nil {
		if t.news == nil {
			t.news = map[*queue]*news{}
		}
		n = &news{next: never}
		t.news[q] = n
	}
	return n
}

// ready says that a line got a job.
func (t *txn) ready(l *line) {
	n := t.newsOf(l.queue)
	for _, have := range n.lines {
		if have == l {
			return
		}
	}
	n.lines = append(n.lines, l)
}

// expect says that something becomes due at a time.
func (t *txn) expect(q *queue, at int64) {
	q.next = min(q.next, at)
	n := t.newsOf(q)
	n.next = min(n.next, at)
}

// stir has everybody look again.
func (t *txn) stir(q *queue) { t.newsOf(q).all = true }

// order is the next place in time.
func (t *txn) order() int64 {
	*t.seqs = max(t.now, *t.seqs+1)
	return *t.seqs
}

// queue finds or makes a queue, and takes note of its policy.
func (t *txn) queue(ctx context.Context, name string, p *backends.Policy) (*queue, error) {
	q, err := t.cat.queue(ctx, t.session, name)
	if err != nil {
		return nil, err
	}
	if q == nil {
		if err := t.run(ctx, `INSERT INTO leat_queues (name) VALUES (?)`, name); err != nil {
			return nil, err
		}
		if q, err = t.cat.queue(ctx, t.session, name); err != nil {
			return nil, err
		}
		t.queues = append(t.queues, q)
	}
	return q, t.learn(ctx, q, p)
}

// lineOf finds or makes a line.
func (t *txn) lineOf(ctx context.Context, q *queue, kind string, owes backends.Debt, resource string) (*line, error) {
	for _, l := range q.lines {
		if l.kind == kind && l.owes == owes && l.resource == resource {
			return l, nil
		}
	}
	l := &line{queue: q, kind: kind, owes: owes, resource: resource}
	_, err := t.row(ctx, `INSERT INTO leat_lines (queue, kind, owes, resource) VALUES (?, ?, ?, ?) RETURNING id`,
		[]any{q.id, kind, int64(owes), resource}, &l.id)
	if err != nil {
		return nil, err
	}
	t.wrote = true
	l = t.cat.keep(l)
	q.lines = append(q.lines, l)
	t.classes = append(t.classes, l)
	return l, nil
}

// dueLine is the line where r stands once it is due.
func (t *txn) dueLine(ctx context.Context, r *row) (*line, error) {
	switch l := &r.life; {
	case !l.State.Ended():
		return r.class, nil
	case l.Owes&backends.WriteBack != 0: // the hook of a kind's worker
		return t.lineOf(ctx, r.queue(), r.class.kind, l.Owes, "")
	}
	return t.lineOf(ctx, r.queue(), "", r.life.Owes, "")
}
