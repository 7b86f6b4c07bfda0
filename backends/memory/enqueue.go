package memory

import (
	"context"

	"github.com/leat-go/leat/backends"
)

// Enqueue creates jobs, each on its own.
func (b *Backend) Enqueue(ctx context.Context, req backends.EnqueueRequest) ([]backends.Enqueued, error) {
	if err := req.Check(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f := b.Features()
	out := make([]backends.Enqueued, len(req.Jobs))
	for i := range req.Jobs {
		out[i] = backends.Enqueued{Ref: req.Jobs[i].Ref, Err: req.Jobs[i].Check(f)}
	}
	if err := b.lock(); err != nil {
		return nil, err
	}
	defer b.unlock()
	q := b.queue(req.Queue, req.Policy)
	now := b.now()
	q.tidy(now) // jobs that have expired take no room
	for i := range req.Jobs {
		if out[i].Err == nil {
			b.add(q, &req.Jobs[i], now, &out[i])
		}
	}
	return out, nil
}

// add creates one job, or finds that it is there.
func (b *store) add(q *queue, j *backends.Job, now int64, out *backends.Enqueued) {
	if r := b.find(j.Ref, now); r != nil {
		b.again(r, j, now, out)
		return
	}
	if out.Err = b.admit(j, now); out.Err != nil {
		return
	}
	s := b.tenant(j.Tenant).seat(q)
	if !q.hasRoom(s, j) {
		out.Err = backends.ErrBacklogFull
		return
	}
	r := b.create(s, j, now)
	out.Order = r.order
	b.enlist(r)
	older := r.takePlace()
	q.tally(r, r.life, 1)
	q.putIn(r, now, 0)
	// The job stands. What follows may concern it too: it may be a member of one
	// that it overtakes.
	if r.tied(toBatch) {
		b.countUp(r.job.Batch.Member, now)
	}
	for _, o := range older {
		b.overtake(o, r, now)
	}
}

// again answers for a job that is there: a duplicate, or the seal of a batch.
func (b *store) again(r *record, j *backends.Job, now int64, out *backends.Enqueued) {
	if j.Reuses(r.job.Fingerprint) {
		out.Err = backends.ErrKeyReused
		return
	}
	out.Duplicate, out.Order = true, r.order
	if j.Batch != nil && j.Batch.Sealed && r.tally() != nil {
		r.tally().Seal()
		b.letGo(r, now)
	}
}

// create makes the record of a new job, not yet in any container.
func (b *store) create(s *seat, j *backends.Job, now int64) *record {
	r := &record{job: *j, ties: tiesOf(j), seat: s, version: 1, index: -1}
	r.job.Tenant = s.tenant.name // one copy of a name that many jobs share
	b.lastOrder = max(now, b.lastOrder+1)
	r.order, r.drift = b.lastOrder, uint32(b.lastOrder-now)
	if j.Expiry > 0 {
		r.more().deadline = j.Deadline(now)
	}
	if j.Batch != nil {
		copied := *j.Batch
		r.job.Batch = &copied
		if n := backends.NewTally(j.Batch); n != nil {
			r.more().tally = n
		}
	}
	r.life = backends.Born(now, j.Start(now), r.held())
	return r
}

// hasRoom holds the backlog limits against one more waiting job; a newer job of
// a place takes the room of the one that it ends.
func (q *queue) hasRoom(s *seat, j *backends.Job) bool {
	full := func(limit, have int) bool { return limit > 0 && have >= limit }
	s.refresh()
	ends := 0
	if j.Supersede != "" {
		ends = s.waitingAt(j.Supersede)
	}
	return !full(q.policy.Backlog, q.count.waiting-ends) && !full(s.share.Backlog, s.waiting-ends)
}

// waitingAt counts the waiting jobs of a place.
func (s *seat) waitingAt(key string) int {
	p := s.places[key]
	if p == nil {
		return 0
	}
	n := 0
	for _, r := range p.live {
		if r.life.State == backends.Waiting {
			n++
		}
	}
	return n
}
