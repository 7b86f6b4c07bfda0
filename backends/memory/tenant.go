package memory

import "github.com/leat-go/leat/backends"

// maxIdle is how many tenants without a job are remembered: making one anew for
// each job of a calm tenant would cost more than the job.
const maxIdle = 1024

// tenant is one tenant in all queues.
type tenant struct {
	name  string
	jobs  int // records of any state
	seats []*seat
	links[*tenant]
	isIdle bool
}

func (t *tenant) link() *links[*tenant] { return &t.links }

// seat is a tenant's place at one queue.
type seat struct {
	queue *queue
	lanes []*lane

	pass    float64 // virtual time at which its next turn comes (see turn.go)
	turn    int     // number of its turns that are over
	credit  int     // jobs served in this one
	share   backends.Tenancy
	meter   meter            // the tenant's own cap
	waiting int              // jobs in state waiting
	policy  *backends.Policy // that share is from

	tenant *tenant
	places map[string]*place // by supersede key; nil until one is used
}

// tenant finds or makes one.
func (b *store) tenant(name string) *tenant {
	t := b.tenants[name]
	if t == nil {
		t = &tenant{name: name}
		b.tenants[name] = t
		b.rest(t)
	}
	return t
}

// find is the record of a ref, nil if there is none.
func (b *store) find(ref backends.Ref, now int64) *record {
	r := b.jobs.find(ref)
	if r != nil && r.gone {
		b.clear()
		return nil
	}
	if r != nil && r.seat.queue.outlived(r, now) {
		b.remove(r)
		return nil
	}
	return r
}

// enlist adds a new record to the store.
func (b *store) enlist(r *record) {
	b.jobs.add(r)
	t := r.seat.tenant
	t.jobs++
	if t.isIdle {
		t.isIdle = false
		b.idle.remove(t)
		b.nIdle--
	}
}

// rest puts a tenant that has no job on the list of idle ones, and forgets the
// one that rested longest.
func (b *store) rest(t *tenant) {
	if t.isIdle || t.jobs > 0 {
		return
	}
	t.isIdle = true
	b.idle.push(t)
	if b.nIdle++; b.nIdle <= maxIdle {
		return
	}
	old := b.idle.head
	b.idle.remove(old)
	if old.limited(b.now()) {
		b.idle.push(old) // its bucket would be full again if it came back anew
		return
	}
	b.nIdle--
	delete(b.tenants, old.name)
	for _, s := range old.seats {
		delete(s.queue.seats, old.name)
	}
}

// limited reports whether a rate holds the tenant back at some queue.
func (t *tenant) limited(now int64) bool {
	for _, s := range t.seats {
		if !s.meter.full(now) {
			return true
		}
	}
	return false
}

// seat finds or makes the tenant's place at q.
func (t *tenant) seat(q *queue) *seat {
	for _, s := range t.seats {
		if s.queue == q {
			return s
		}
	}
	s := &seat{tenant: t, queue: q, pass: q.pass}
	s.refresh()
	t.seats = append(t.seats, s)
	q.seats[t.name] = s
	return s
}

// refresh takes the tenant's share from a policy that may be new.
func (s *seat) refresh() {
	if p := s.queue.policy; s.policy != p {
		s.policy, s.share = p, p.Of(s.tenant.name)
		s.meter.set(s.share.Cap, s.queue.store.now())
	}
}
