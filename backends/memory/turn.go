package memory

import (
	"slices"

	"github.com/leat-go/leat/backends"
)

// Whose turn is it (R11)? The jobs of one tenant, kind and resource that are due
// stand in a lane, ordered. The lanes of a kind stand in a ring: a claim serves
// the tenant of the front lane, and after as many jobs as the tenant weighs its
// turn is over: its lanes go to the back of their rings. A worker that knows
// several kinds looks at the front of each ring and serves the tenant whose
// virtual time is least, so that a tenant with jobs of two kinds gets no double
// share. What ended jobs owe stands in lanes too, one ring per debt, so that a
// flood of announcements is as fair as a flood of jobs.

// class is what a worker may take or not: the jobs of a kind, those that no
// worker of the kind took in time, or the ended jobs that owe one debt.
type class struct {
	queue *queue
	classKey
	knowers *knowers // of the kind
	ring    line[*lane]
	stale   int64 // no job in it becomes an orphan before
}

type classKey struct {
	kind   string
	owes   backends.Debt // 0 = jobs to run
	orphan bool          // for every worker, while nobody is there who knows the kind (R10)
}

// lane is what one tenant has due in a class, for one resource.
type lane struct {
	seat     *seat
	class    *class
	name     string    // of the resource
	resource *resource // nil = needs none
	ready    order

	links[*lane]
	inRing   bool
	parkedAt *door // nil = not behind a door
	turn     int   // of its tenant, when it came to the back of the ring
}

func (l *lane) link() *links[*lane] { return &l.links }

// class finds or makes one.
func (q *queue) class(k classKey) *class {
	for _, c := range q.classes {
		if c.classKey == k {
			return c
		}
	}
	c := &class{queue: q, classKey: k, knowers: q.knowersOf(k.kind), stale: never}
	q.classes = append(q.classes, c)
	return c
}

// classOf is where r belongs now. A write-back is the hook of a kind's worker,
// an event is anybody's.
func classOf(r *record) (k classKey, resource string) {
	switch l := &r.life; {
	case !l.State.Ended() && r.tied(toAnyone):
		return classKey{kind: r.job.Kind, orphan: true}, r.job.Resource
	case !l.State.Ended():
		return classKey{kind: r.job.Kind}, r.job.Resource
	case l.Owes&backends.WriteBack != 0:
		return classKey{kind: r.job.Kind, owes: l.Owes}, ""
	}
	return classKey{owes: r.life.Owes}, ""
}

// lane finds or makes the lane for r as it is now.
func (s *seat) lane(r *record) *lane {
	k, resource := classOf(r)
	for _, l := range s.lanes {
		if l.class.classKey == k && l.name == resource {
			return l
		}
	}
	l := &lane{seat: s, class: s.queue.class(k), name: resource, resource: s.queue.store.resource(resource)}
	l.ready = newOrder(byTurn, l)
	s.lanes = append(s.lanes, l)
	return l
}

// add puts r into the lane, and the lane into its ring if it was empty.
func (l *lane) add(r *record) {
	l.ready.push(r)
	l.class.expect(r)
	if !l.inRing && l.parkedAt == nil {
		l.enter()
	}
}

// enter puts the lane at the back of its ring. A tenant that had nothing to do
// gets no credit for it.
func (l *lane) enter() {
	q := l.seat.queue
	l.seat.pass = max(l.seat.pass, q.pass)
	l.class.ring.push(l)
	l.inRing = true
	l.turn = l.seat.turn
	q.hurry(l.class.opens()) // nobody counts on a class whose ring is empty
	q.touch()
}

func (l *lane) leave() {
	l.class.ring.remove(l)
	l.inRing = false
}

// emptied takes an empty lane out of ring or door; who waits at the door of its
// resource may need its place.
func (l *lane) emptied() {
	switch {
	case l.parkedAt != nil:
		l.parkedAt.unpark(l)
	case l.inRing:
		l.leave()
	}
	l.letNext()
	if len(l.seat.lanes) > maxLanes {
		i := slices.Index(l.seat.lanes, l)
		l.seat.lanes = slices.Delete(l.seat.lanes, i, i+1)
	}
}

// maxLanes is how many empty lanes a seat keeps for their next job.
const maxLanes = 8

// letNext lets one more lane in at the doors that this one passed.
func (l *lane) letNext() {
	if l.class.owes != 0 {
		return
	}
	if l.resource != nil {
		l.resource.door(l.class).open()
	}
	if len(l.seat.meter.doors) > 0 {
		l.seat.meter.door(l.class).open()
	}
}

// shut returns the door that holds the lane back, nil if none does.
func (l *lane) shut(now int64) (*door, int64) {
	if l.class.owes != 0 {
		return nil, 0
	}
	if l.resource != nil {
		if opens := l.resource.opens(now); opens != 0 {
			return l.resource.door(l.class), opens
		}
	}
	if opens := l.seat.meter.opens(now); opens != 0 {
		return l.seat.meter.door(l.class), opens
	}
	return nil, 0
}

// asking is a claim in progress.
type asking struct {
	kinds []string // nil = all
	can   backends.Debt
	now   int64
	room  []backends.Lease // for the next leases
}

// blank is room for one more lease. Those of one claim are made together: up to
// sixteen at a time, and no more than were given out so far, so that a lone one
// costs no more than itself.
func (a *asking) blank(given int) *backends.Lease {
	if len(a.room) == 0 {
		a.room = make([]backends.Lease, min(max(1, given), 16))
	}
	l := &a.room[0]
	a.room = a.room[1:]
	return l
}

// wants reports whether the claim takes what is in the class.
func (a *asking) wants(c *class, now int64) bool {
	return c.owes.In(a.can) && (a.knows(c.kind) || c.owes == backends.Event || c.orphan && c.opens() <= now)
}

func (a *asking) knows(kind string) bool { return a.kinds == nil || slices.Contains(a.kinds, kind) }

// next takes out the record whose turn it is; nil if there is none.
func (q *queue) next(a *asking) *record {
	jobs := !q.jobsShut(a.now)
	if a.kinds != nil {
		q.shutOut = !jobs
		if jobs {
			q.adopt(a)
		}
	}
	var best *lane
	for _, c := range q.classes {
		if c.owes == 0 && !jobs {
			c.shut(a.now)
			continue
		}
		if c.ring.head == nil || !a.wants(c, a.now) {
			continue
		}
		if l := c.front(a.now); l != nil && (best == nil || l.seat.pass < best.seat.pass) {
			best = l
		}
	}
	if best == nil {
		return nil
	}
	return best.serve(a)
}

// shut has who keeps the time look again when the queue's rate lets jobs out.
func (c *class) shut(now int64) {
	if opens := c.queue.meter.opens(now); c.ring.head != nil && opens != 0 {
		c.queue.hurry(opens)
	}
}

// front is the lane whose turn it is in the ring. A lane that a cap holds back
// goes behind its door; one whose tenant had its turn elsewhere, to the back.
func (c *class) front(now int64) *lane {
	for l := c.ring.head; l != nil; l = c.ring.head {
		switch {
		case l.park(now):
		case l.turn != l.seat.turn:
			l.leave()
			l.enter()
		default:
			return l
		}
	}
	return nil
}

// park puts the lane behind a door that is shut.
func (l *lane) park(now int64) bool {
	d, opens := l.shut(now)
	if d == nil {
		return false
	}
	l.leave()
	d.park(l, opens)
	if l.resource != nil && d.meter != &l.resource.meter {
		l.resource.door(l.class).open()
	}
	return true
}

// serve takes the best job that the lane's tenant has for this claim.
func (l *lane) serve(a *asking) *record {
	from := l
	for _, o := range l.seat.lanes {
		if o != l && o.inRing && byTurn(o.ready.first(), from.ready.first()) && o.open(a) {
			from = o
		}
	}
	r := from.ready.first()
	from.seat.queue.takeOut(r)

	l.seat.served()
	from.letNext()
	return r
}

// served charges the tenant for one job; its turn is over when its share is used up.
func (s *seat) served() {
	s.queue.pass = max(s.queue.pass, s.pass)
	s.pass += 1 / float64(s.share.Weight)
	if s.credit++; s.credit >= s.share.Weight {
		s.turn++
		s.credit = 0
	}
}

// open reports whether the claim may take from a lane that isn't at the front.
func (l *lane) open(a *asking) bool {
	if l.class.owes == 0 && l.seat.queue.jobsShut(a.now) {
		return false
	}
	d, _ := l.shut(a.now)
	return d == nil && a.wants(l.class, a.now)
}
