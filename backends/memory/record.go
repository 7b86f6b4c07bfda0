package memory

import (
	"maps"
	"slices"

	"github.com/leat-go/leat/backends"
)

// record is one job. It is kept small, for there may be a million: what few
// jobs have is in rare. What every step touches stands first, in two cache
// lines; the Job, which leases point to, is read when its ties say so.
type record struct {
	life backends.Life
	links[*record]

	hash    uint64 // of its ref
	order   int64
	ended   int64
	drift   uint32 // order - drift is when it was created
	version uint32
	seat    *seat
	in      *order // the container it is in, nil = none or a line of ended ones
	index   int32  // in that container's heap, -1 = in its line
	metered bool   // counts against the caps
	kept    bool   // stands in a line of ended ones
	gone    bool   // removed from the store
	ties    ties
	rare    *rare

	job backends.Job
}

// ties say what else a job's steps concern.
type ties uint8

const (
	toPlace    ties = 1 << iota // it has a supersede key
	toBatch                     // it is a member
	toResource                  // it uses one
	toAnyone                    // an orphan: nobody who knows its kind took it in time
	toStranger                  // leased to somebody who doesn't know its kind
)

func tiesOf(j *backends.Job) ties {
	var t ties
	if j.Supersede != "" {
		t |= toPlace
	}
	if j.IsMember() {
		t |= toBatch
	}
	if j.Resource != "" {
		t |= toResource
	}
	return t
}

func (r *record) tied(t ties) bool { return r.ties&t != 0 }

// rare is what few records have.
type rare struct {
	deadline   int64 // of this life, 0 = none
	deadlineAt int32 // index in the queue's pile of deadlines, -1 = not in it

	progress     backends.Progress
	result       []byte
	stored       string
	reason       string
	failures     []backends.Failure
	supersededBy string
	tally        *backends.Tally // of the members of a collation job
	watch        chan struct{}   // closed at the next change, nil = nobody watches
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

func (r *record) created() int64 { return r.order - int64(r.drift) }

func (r *record) deadline() int64 {
	if r.rare == nil {
		return 0
	}
	return r.rare.deadline
}

// facts are what decisions about r need at a time.
func (r *record) facts(now int64) backends.Facts {
	p := r.seat.queue.policy
	return backends.Facts{Now: now, Deadline: r.deadline(), Owes: p.Owes, MaxCrashes: int16(p.MaxCrashes)}
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

// keep writes what a settlement brought.
func (r *record) keep(b backends.Brought) {
	if b.Failure != nil {
		m := r.more()
		m.failures = backends.KeepFailure(m.failures, *b.Failure)
	}
	if b.Result != nil || b.Stored != "" {
		m := r.more()
		m.result, m.stored = b.Result, b.Stored
	}
	if b.Reason != "" {
		r.more().reason = b.Reason
	}
}

// snapshot is r as callers see it.
func (r *record) snapshot() *backends.Record {
	job := r.job
	job.Headers = maps.Clone(job.Headers)
	rec := &backends.Record{
		Job: &job, Queue: r.seat.queue.name,
		State: r.life.State, Version: uint64(r.version), Generation: r.life.Generation, Token: r.life.Token,
		Attempt: int(r.life.Attempt), Crashes: int(r.life.Crashes), Order: r.order,
		Created: at(r.created()), Due: at(r.life.Due), Deadline: at(r.deadline()), Ended: at(r.ended),
		Cancelling: r.life.Cancelling, Owes: r.life.Owes, Dropped: r.life.Dropped,
	}
	if m := r.rare; m != nil {
		rec.Progress, rec.Result, rec.Stored, rec.Reason = m.progress, m.result, m.stored, m.reason
		rec.Failures = slices.Clone(m.failures)
		rec.SupersededBy = m.supersededBy
		rec.Batch = m.tally.Progress()
	}
	return rec
}

// lease is r as its new holder sees it.
func (r *record) lease(l *backends.Lease, announce bool) *backends.Lease {
	*l = backends.Lease{
		Job: &r.job, Queue: r.seat.queue.name,
		Token: r.life.Token, Generation: r.life.Generation,
		Attempt: int(r.life.Attempt), Crashes: int(r.life.Crashes), Order: r.order,
		Created: at(r.created()), Due: at(r.life.Place), Until: at(r.life.Due), Deadline: at(r.deadline()),
		Handle: r,
	}
	if announce {
		l.Outcome = r.snapshot()
	}
	return l
}
