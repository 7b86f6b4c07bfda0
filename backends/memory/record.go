package memory

import (
	"maps"
	"slices"

	"github.com/leat-go/leat/backends"
)

// record is one job. It is kept small, for there may be a million: what few
// jobs have is in rare. The Job in it is what leases point to.
type record struct {
	job     backends.Job
	life    backends.Life
	version uint64
	order   int64
	created int64
	ended   int64
	seat    *seat

	links[*record]
	in      *order // the container it is in, nil = none or a line of ended ones
	index   int32  // in that container's heap, -1 = in its line
	metered bool   // counts against the caps
	kept    bool   // stands in a line of ended ones
	gone    bool   // removed from the store
	rare    *rare
}

// rare is what few records have.
type rare struct {
	deadline   int64 // of this life, 0 = none
	deadlineAt int32 // index in the queue's pile of deadlines, -1 = not in it

	progress     backends.Progress
	result       []byte
	reason       string
	failures     []backends.Failure
	supersededBy string
	batch        *batch
	watch        chan struct{} // closed at the next change, nil = nobody watches
}

func (r *record) link() *links[*record] { return &r.links }
func (r *record) heapIndex() *int32     { return &r.index }

// more makes room for what few records have.
func (r *record) more() *rare {
	if r.rare == nil {
		r.rare = &rare{deadlineAt: -1}
	}
	return r.rare
}

func (r *record) deadline() int64 {
	if r.rare == nil {
		return 0
	}
	return r.rare.deadline
}

// facts are what decisions about r need at a time.
func (r *record) facts(now int64) backends.Facts {
	p := r.seat.queue.policy
	return backends.Facts{Now: now, Deadline: r.deadline(), Owes: p.Owes, MaxCrashes: int32(p.MaxCrashes)}
}

// changed tells those who watch r.
func (r *record) changed() {
	r.version++
	if r.rare != nil && r.rare.watch != nil {
		close(r.rare.watch)
		r.rare.watch = nil
	}
}

// watch is closed at the next change.
func (r *record) watch() <-chan struct{} {
	m := r.more()
	if m.watch == nil {
		m.watch = make(chan struct{})
	}
	return m.watch
}

// fail keeps an attempt's error: the first and the newest.
func (r *record) fail(text string, now int64) {
	m := r.more()
	f := backends.Failure{Attempt: int(r.life.Attempt), At: at(now), Text: backends.Capped(text)}
	if len(m.failures) >= backends.MaxFailures {
		m.failures = slices.Delete(m.failures, 1, 2)
	}
	m.failures = append(m.failures, f)
}

// snapshot is r as callers see it.
func (r *record) snapshot() *backends.Record {
	job := r.job
	job.Headers = maps.Clone(job.Headers)
	rec := &backends.Record{
		Job: &job, Queue: r.seat.queue.name,
		State: r.life.State, Version: r.version, Generation: r.life.Generation, Token: r.life.Token,
		Attempt: int(r.life.Attempt), Crashes: int(r.life.Crashes), Order: r.order,
		Created: at(r.created), Due: at(r.life.Due), Deadline: at(r.deadline()), Ended: at(r.ended),
		Cancelling: r.life.Cancelling, Owes: r.life.Owes, Dropped: r.life.Dropped,
	}
	if m := r.rare; m != nil {
		rec.Progress, rec.Result, rec.Reason = m.progress, m.result, m.reason
		rec.Failures = slices.Clone(m.failures)
		rec.SupersededBy = m.supersededBy
		rec.Batch = m.batch.progress()
	}
	return rec
}

// lease is r as its new holder sees it.
func (r *record) lease(announce bool) *backends.Lease {
	l := &backends.Lease{
		Job: &r.job, Queue: r.seat.queue.name,
		Token: r.life.Token, Generation: r.life.Generation,
		Attempt: int(r.life.Attempt), Crashes: int(r.life.Crashes), Order: r.order,
		Created: at(r.created), Due: at(r.life.Place), Until: at(r.life.Due), Deadline: at(r.deadline()),
		Handle: r,
	}
	if announce {
		l.Outcome = r.snapshot()
	}
	return l
}
