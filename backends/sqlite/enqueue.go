package sqlite

import (
	"context"

	"github.com/leat-go/leat/backends"
)

// Enqueue creates jobs, each on its own, in one transaction with those of concurrent
// callers.
func (b *Backend) Enqueue(ctx context.Context, req backends.EnqueueRequest) ([]backends.Enqueued, error) {
	if err := req.Check(); err != nil {
		return nil, err
	}
	out := make([]backends.Enqueued, len(req.Jobs))
	f := b.Features()
	for i := range req.Jobs {
		out[i] = backends.Enqueued{Ref: req.Jobs[i].Ref, Err: req.Jobs[i].Check(f)}
	}
	if len(out) == 0 {
		_, err := b.items(ctx, 0, nil)
		return out, err
	}
	err := b.do(ctx, func(ctx context.Context, t *txn) error {
		q, err := t.queue(ctx, req.Queue, req.Policy)
		if err != nil {
			return err
		}
		if err := t.tidy(ctx, q); err != nil { // jobs that have expired take no room
			return err
		}
		return t.addAll(ctx, q, req.Jobs, out)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// again reports whether a refusal came from the store: a transaction that is tried once
// more decides anew.
func again(err error) bool {
	switch err {
	case backends.ErrBacklogFull, backends.ErrKeyReused, backends.ErrNotFound, backends.ErrEnded, backends.ErrSealed:
		return true
	}
	return false
}

// addAll creates jobs in their order, by tens where it can.
func (t *txn) addAll(ctx context.Context, q *queue, jobs []backends.Job, out []backends.Enqueued) error {
	todo := make([]addition, 0, len(jobs))
	for i := range jobs {
		if out[i].Err != nil && !again(out[i].Err) {
			continue
		}
		out[i] = backends.Enqueued{Ref: jobs[i].Ref}
		todo = append(todo, addition{&jobs[i], &out[i]})
	}
	for len(todo) >= ten {
		how := t.addEach
		if q.allUsual(todo[:ten]) {
			how = t.addTen
		}
		if err := how(ctx, q, todo[:ten]); err != nil {
			return err
		}
		todo = todo[ten:]
	}
	return t.addEach(ctx, q, todo)
}

func (t *txn) addEach(ctx context.Context, q *queue, some []addition) error {
	for _, a := range some {
		if err := t.add(ctx, q, a.job, a.out); err != nil {
			return err
		}
	}
	return nil
}

// add creates one job, or finds that it is there.
func (t *txn) add(ctx context.Context, q *queue, j *backends.Job, out *backends.Enqueued) error {
	member := j.IsMember()
	if q.counted || member || j.Supersede != "" { // it may be refused, but for an existing key
		r, err := t.find(ctx, j.Ref)
		if err != nil {
			return err
		}
		if r != nil {
			return t.repeat(ctx, r, j, out)
		}
	}
	if member {
		refused, err := t.admit(ctx, j.Batch.Member)
		if out.Err = refused; refused != nil || err != nil {
			return err
		}
	}
	switch room, err := t.hasRoom(ctx, q, j); {
	case err != nil:
		return err
	case !room:
		out.Err = backends.ErrBacklogFull
		return nil
	}
	r, err := t.create(ctx, q, j)
	if err != nil {
		return err
	}
	created, err := t.insert(ctx, r)
	if err != nil {
		return err
	}
	if !created {
		return t.meetAgain(ctx, q, j, out)
	}
	out.Order = r.seq
	return t.welcome(ctx, r)
}

// meetAgain answers for a job that is there, or makes it if it is past its retention.
func (t *txn) meetAgain(ctx context.Context, q *queue, j *backends.Job, out *backends.Enqueued) error {
	r, err := t.find(ctx, j.Ref)
	if err != nil {
		return err
	}
	if r == nil {
		return t.add(ctx, q, j, out)
	}
	return t.repeat(ctx, r, j, out)
}

// repeat answers for a job that is there: a duplicate, or the seal of a batch.
func (t *txn) repeat(ctx context.Context, r *row, j *backends.Job, out *backends.Enqueued) error {
	if j.Reuses(r.spec.Fingerprint) {
		out.Err = backends.ErrKeyReused
		return nil
	}
	out.Duplicate, out.Order = true, r.seq
	if j.Batch == nil || !j.Batch.Sealed || r.more.Batch == nil {
		return nil
	}
	r.more.Batch.Seal()
	return t.letGo(ctx, r)
}

// create makes the row of a new job.
func (t *txn) create(ctx context.Context, q *queue, j *backends.Job) (*row, error) {
	class, err := t.lineOf(ctx, q, j.Kind, 0, j.Resource)
	if err != nil {
		return nil, err
	}
	r := &row{
		seq: t.order(), class: class, ref: j.Ref, rank: -int64(j.Priority), version: 1,
		created: t.now, deadline: j.Deadline(t.now + t.shift), supersede: j.Supersede, payload: j.Payload,
		spec: spec{
			Fingerprint: j.Fingerprint, Headers: j.Headers, Delay: j.Delay, Expiry: j.Expiry,
			RunLimit: j.RunLimit, MaxAttempts: j.MaxAttempts, Trailing: j.Trailing, Batch: j.Batch,
		},
	}
	if !j.Due.IsZero() {
		r.spec.Due = j.Due.UnixNano()
	}
	if j.IsMember() {
		r.member = memberKey(j.Batch.Member)
	}
	r.more.Batch = backends.NewTally(j.Batch)
	from := t.now
	if j.Delay > 0 {
		from += t.shift
	}
	r.life = backends.Born(t.now, j.Start(from), r.held())
	return r, nil
}

// plain reports whether the producer said nothing but the usual.
func (s *spec) plain() bool {
	return s.Fingerprint == 0 && len(s.Headers) == 0 && s.Due == 0 && s.Delay == 0 && s.Expiry == 0 &&
		s.RunLimit == 0 && s.MaxAttempts == 0 && !s.Trailing && s.Batch == nil
}

// welcome does what a new job means for others. It stands; what follows may concern it
// too: it may be a member of one that it overtakes.
func (t *txn) welcome(ctx context.Context, r *row) error {
	q := r.queue()
	if r.stand == later {
		t.expect(q, r.at)
	}
	if r.deadline != 0 {
		t.expect(q, r.deadline)
	}
	if err := t.wait(ctx, q, r.ref.Tenant, 1); err != nil {
		return err
	}
	if ref, ok := r.collation(); ok {
		if err := t.countUp(ctx, ref); err != nil {
			return err
		}
	}
	if r.supersede == "" {
		return nil
	}
	return t.overtake(ctx, r)
}
