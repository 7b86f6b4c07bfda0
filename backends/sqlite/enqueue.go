package sqlite

import (
	"context"
	"fmt"

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
		for i := range req.Jobs {
			if out[i].Err != nil && !again(out[i].Err) {
				continue
			}
			out[i] = backends.Enqueued{Ref: req.Jobs[i].Ref}
			if err := t.add(ctx, q, &req.Jobs[i], &out[i]); err != nil {
				return err
			}
		}
		return nil
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

// insert writes the row of a new job, unless its ref is there.
func (t *txn) insert(ctx context.Context, r *row) (bool, error) {
	if r.supersede != "" {
		if err := t.takePlace(ctx, r); err != nil {
			return false, err
		}
	}
	if err := t.stand(ctx, r); err != nil {
		return false, err
	}
	line, room := r.standing()
	var supersede, member any
	if r.supersede != "" {
		supersede = r.supersede
	}
	if r.member != "" {
		member = r.member
	}
	l := &r.life
	args := [...]any{
		hash(r.ref), r.seq, r.queue().id, r.class.id, r.ref.Tenant, r.ref.ID, line, room, r.rank, l.Place, r.at, int64(l.State), r.flags(),
		l.Generation, r.created, r.deadline, supersede, member,
		packed(&r.spec, r.spec.plain()), packed(&r.more, r.more.empty()), r.payload,
	}
	for slot := range int64(slots) {
		n, err := t.exec(ctx, insertJob, args[:]...)
		if n == 1 || err != nil {
			return n == 1, err
		}
		there, err := t.cat.find(ctx, t.session, r.ref, false)
		if there != nil || err != nil {
			return false, err
		}
		args[0] = hash(r.ref) + slot + 1
	}
	return false, fmt.Errorf("%d other jobs have the hash of job %s", slots, r.ref.ID)
}

const insertJob = `INSERT OR IGNORE INTO leat_jobs (hash, seq, queue, class, tenant, id, line, room, rank, place, at, state, flags,
		attempt, crashes, generation, token, version, created, deadline, ended, supersede, member, spec, more, payload)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, ?, 0, 1, ?, ?, 0, ?, ?, ?, ?, ?)`

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
