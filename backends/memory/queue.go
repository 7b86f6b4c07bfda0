package memory

import (
	"reflect"
	"time"

	"github.com/leat-go/leat/backends"
)

// queue is all that waits, runs and is kept under one name.
type queue struct {
	store  *store
	name   string
	policy *backends.Policy // in force, defaults filled in
	given  *backends.Policy // as last passed, to recognise it
	warned bool

	seats    map[string]*seat
	classes  []*class
	knowers  map[string]*knowers // by kind
	knowAll  knowers             // who knows all kinds
	schedule schedule
	deadline pile[*record] // waiting jobs that have one
	alarms   pile[*door]   // doors that a rate shuts
	meter    meter         // the queue's own cap
	pass     float64       // virtual time (turn.go)
	paused   bool

	waiters line[*waiter]
	alarm   int64 // when the first waiter's timer goes off
	hurried bool  // it must be set earlier
	shutOut bool  // the last claim couldn't look for orphans
	dirty   bool

	ended, dead line[*record] // kept records, by end
	nEnded      int
	count       counts
}

// counts are kept by move.go.
type counts struct {
	waiting, scheduled, held, running, owing int
	ended                                    [backends.Expired + 1]int
	dropped                                  uint64
}

func newQueue(b *store, name string) *queue {
	return &queue{
		store: b, name: name, policy: (*backends.Policy)(nil).Filled(),
		seats: map[string]*seat{}, knowers: map[string]*knowers{}, schedule: newSchedule(), alarm: never,
		deadline: pile[*record]{
			before: func(a, b *record) bool { return a.rare.deadline < b.rare.deadline },
			index:  func(r *record) *int32 { return &r.rare.deadlineAt },
		},
		alarms: pile[*door]{before: func(a, b *door) bool { return a.opens < b.opens }, index: (*door).alarmIndex},
	}
}

// learn keeps the newest policy by version.
func (q *queue) learn(p *backends.Policy) {
	if p == nil || p == q.given {
		return
	}
	filled := p.Filled()
	if q.given == nil || p.Version > q.policy.Version {
		q.given, q.policy = p, filled
		q.enforce()
		return
	}
	if p.Version < q.policy.Version || q.warned {
		return
	}
	if reflect.DeepEqual(filled, q.policy) {
		q.given = p
		return
	}
	q.warned = true
	q.store.logger().Warn("leat: the limits of this queue differ between its users, under one PolicyVersion; the first stay in force",
		"queue", q.name, "version", p.Version)
}

// enforce holds all that is there to a new policy.
func (q *queue) enforce() {
	now := q.store.now()
	q.meter.set(q.policy.Cap, now)
	for _, s := range q.seats {
		s.refresh()
	}
	for _, c := range q.classes {
		c.stale = min(c.stale, now) // look again
	}
	q.hurry(now)
	q.touch()
}

// touch says that a waiter may find something now.
func (q *queue) touch() {
	if !q.dirty {
		q.dirty = true
		q.store.dirty = append(q.store.dirty, q)
	}
}

// tidy brings the queue up to date: what has become due goes to its lane, doors
// open, deadlines end jobs, and a few old records go.
func (q *queue) tidy(now int64) {
	for r := q.schedule.due(now); r != nil; r = q.schedule.due(now) {
		if r.life.State == backends.Waiting {
			q.count.scheduled--
		}
		q.putIn(r, now, 0)
	}
	for len(q.alarms.items) > 0 && q.alarms.items[0].opens <= now {
		d := q.alarms.items[0]
		q.alarms.remove(d)
		d.open()
	}
	for len(q.deadline.items) > 0 && q.deadline.items[0].rare.deadline <= now {
		r := q.deadline.items[0]
		q.deadline.remove(r)
		if next, ended := r.life.Expire(r.facts(now)); ended {
			_ = q.store.move(r, next, now, 0) // an arrow of the table
		}
	}
	q.reap(now, 256)
}

// nextAlarm is when a waiter must look again though nobody wakes it.
func (q *queue) nextAlarm(a *asking) int64 {
	soon := q.schedule.next()
	if len(q.alarms.items) > 0 {
		soon = min(soon, q.alarms.items[0].opens)
	}
	if len(q.deadline.items) > 0 {
		soon = min(soon, q.deadline.items[0].rare.deadline)
	}
	for _, c := range q.classes {
		if c.ring.head == nil || c.owes != 0 {
			continue
		}
		if at := c.opens(); !a.wants(c, a.now) && at > a.now {
			soon = min(soon, at)
		}
		if opens := q.meter.opens(a.now); opens != 0 {
			soon = min(soon, opens)
		}
	}
	return soon
}

// jobsShut reports whether the queue gives out no job to run at all.
func (q *queue) jobsShut(now int64) bool { return q.paused || q.meter.opens(now) != 0 }

// meters are what a running job counts against.
func (q *queue) meters(r *record) [3]*meter {
	ms := [3]*meter{&q.meter, &r.seat.meter, nil}
	if r.tied(toResource) {
		ms[2] = &q.store.resource(r.job.Resource).meter
	}
	return ms
}

// takeMeters counts a claim.
func (q *queue) takeMeters(r *record, now int64) {
	r.metered = true
	for _, m := range q.meters(r) {
		if m != nil {
			m.take(now)
		}
	}
}

// resume counts a lapsed lease that was renewed: it is in flight again, but no
// new claim.
func (q *queue) resume(r *record) {
	r.metered = true
	for _, m := range q.meters(r) {
		if m != nil {
			m.inFlight++
		}
	}
}

func (q *queue) unmeter(r *record) {
	if !r.metered {
		return
	}
	r.metered = false
	if q.meter.cap.InFlight > 0 {
		q.touch()
	}
	for _, m := range q.meters(r) {
		if m != nil {
			m.free()
		}
	}
}

// until is the span from now to a time of the store, for a timer.
func until(t, now int64) time.Duration {
	return time.Duration(max(0, t-now))
}
