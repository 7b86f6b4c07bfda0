package memory

import (
	"slices"

	"github.com/leat-go/leat/backends"
)

// Whose turn is it (R11)? The jobs of one tenant, kind and resource that are due
// stand in a lane, ordered. The lanes of a kind stand in a ring: the claim takes
// from the front lane, which goes to the back after as many jobs as its tenant
// weighs. A worker that knows several kinds looks at the front of each ring and
// serves the tenant whose virtual time is least, so that a tenant with jobs of
// two kinds gets no double share. What ended jobs owe stands in lanes too, one
// ring per debt, so that a flood of announcements is as fair as a flood of jobs.

// class is what a worker may take or not: the jobs of a kind, or the ended jobs
// that owe one debt.
type class struct {
	queue *queue
	kind  string
	owes  backends.Debt // 0 = jobs to run
	ring  line[*lane]
	stale int64 // no job in it is past Policy.UnknownAfter before
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
	credit   int   // jobs until its turn is over
}

func (l *lane) link() *links[*lane] { return &l.links }

// class finds or makes one.
func (q *queue) class(kind string, owes backends.Debt) *class {
	for _, c := range q.classes {
		if c.owes == owes && c.kind == kind {
			return c
		}
	}
	c := &class{queue: q, kind: kind, owes: owes, stale: never}
	q.classes = append(q.classes, c)
	return c
}

// lane finds or makes the lane for r as it is now.
func (s *seat) lane(r *record) *lane {
	kind, owes, resource := r.job.Kind, backends.Debt(0), r.job.Resource
	if r.life.State.Ended() {
		kind, owes, resource = "", r.life.Owes, ""
	}
	for _, l := range s.lanes {
		if l.class.owes == owes && l.class.kind == kind && l.name == resource {
			return l
		}
	}
	l := &lane{seat: s, class: s.queue.class(kind, owes), name: resource, resource: s.queue.store.resource(resource)}
	l.ready = newOrder(byTurn, l)
	s.lanes = append(s.lanes, l)
	return l
}

// add puts r into the lane, and the lane into its ring if it was empty.
func (l *lane) add(r *record) {
	l.ready.push(r)
	l.class.stale = min(l.class.stale, r.life.Place+int64(l.seat.queue.policy.UnknownAfter))
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
	l.credit = l.seat.share.Weight
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
}

// wants reports whether the claim takes what is in the class, whatever its age.
func (a *asking) wants(c *class) bool {
	if c.owes != 0 {
		return c.owes.In(a.can)
	}
	return a.kinds == nil || slices.Contains(a.kinds, c.kind)
}

// next takes out the record whose turn it is; nil if there is none.
func (q *queue) next(a *asking) *record {
	jobs := !q.paused && q.meter.opens(a.now) == 0
	var best *lane
	for _, c := range q.classes {
		if c.ring.head == nil || (c.owes == 0 && !jobs) {
			continue
		}
		if l := c.front(a); l != nil && (best == nil || l.seat.pass < best.seat.pass) {
			best = l
		}
	}
	if best == nil {
		return nil
	}
	return best.serve(a)
}

// front is the lane whose turn it is in the ring; lanes that a cap holds back
// go behind its door.
func (c *class) front(a *asking) *lane {
	if !a.wants(c) {
		return c.staleFront(a)
	}
	for l := c.ring.head; l != nil; l = c.ring.head {
		if !l.park(a.now) {
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

// staleFront is the front of a ring of a kind that the claimer doesn't know: only
// jobs that nobody has taken for so long are for it (R10).
func (c *class) staleFront(a *asking) *lane {
	if c.owes != 0 || a.now < c.stale {
		return nil
	}
	after := int64(c.queue.policy.UnknownAfter)
	oldest := int64(never)
	for l := c.ring.head; l != nil; {
		following := l.next
		due := l.ready.first().life.Place + after
		if due <= a.now && !l.park(a.now) {
			return l
		}
		if due > a.now {
			oldest = min(oldest, due)
		}
		l = following
	}
	c.stale = oldest
	return nil
}

// serve takes the best job that the lane's tenant has for this claim, and
// passes the turn on when its share is used up.
func (l *lane) serve(a *asking) *record {
	from := l
	for _, o := range l.seat.lanes {
		if o != l && o.inRing && byTurn(o.ready.first(), from.ready.first()) && o.open(a) {
			from = o
		}
	}
	r := from.ready.first()
	from.seat.queue.takeOut(r)

	q := l.seat.queue
	q.pass = max(q.pass, l.seat.pass)
	l.seat.pass += 1 / float64(l.seat.share.Weight)
	if l.credit--; l.credit <= 0 && l.inRing {
		l.leave()
		l.enter()
	}
	from.letNext()
	return r
}

// open reports whether the claim may take from a lane that isn't at the front.
func (l *lane) open(a *asking) bool {
	if l.class.owes == 0 && l.seat.queue.jobsShut(a.now) {
		return false
	}
	d, _ := l.shut(a.now)
	return d == nil && a.wants(l.class)
}
