package spec

import (
	"fmt"
	"math"
	"time"

	"github.com/leat-go/leat/backends"
)

// A cap is judged from two sides. More than it allows must not run; less than
// it surely leaves room for must not wait. What the contract leaves open lies
// between: whether a lapsed lease counts, how a changed rate starts.

// rounding is how much of a token may get lost in arithmetic.
const rounding = 1e-3

// resource is a cap that queues share.
type resource struct {
	backends.Resource
	meter meter
}

// meter is a token bucket with the least and the most that may be in it.
type meter struct {
	least, most float64
	at          time.Time
}

// unknown says that the rate was changed: the bucket may be full or empty.
func (m *meter) unknown(now time.Time) { *m = meter{0, math.Inf(1), now} }

// level fills the bucket up to now.
func (m *meter) level(now time.Time, c backends.Cap) (least, most float64) {
	rate, size := c.Bucket()
	if m.at.IsZero() {
		return size, size
	}
	more := rate * now.Sub(m.at).Seconds()
	return min(size, m.least+more), min(size, m.most+more)
}

func (m *meter) take(now time.Time, c backends.Cap) {
	least, most := m.level(now, c)
	*m = meter{least - 1, most - 1, now}
}

// learn keeps the newest cap of a resource.
func (s *Store) learn(r backends.Resource, now time.Time) {
	have := s.resources[r.Name]
	if have == nil {
		have = &resource{Resource: r}
		s.resources[r.Name] = have
		have.meter.unknown(now)
	} else if r.Version > have.Version {
		have.Resource = r
		have.meter.unknown(now)
	}
}

// scope is one cap that a job falls under.
type scope struct {
	name  string
	cap   backends.Cap
	meter *meter
	holds func(*job) bool
}

func (s *Store) scopes(q *queue, j *job) []scope {
	p := q.policy()
	all := []scope{
		{"queue " + q.name, p.Cap, q.meter(""), func(o *job) bool { return o.queue == q.name }},
		{"tenant " + j.Tenant, p.Of(j.Tenant).Cap, q.meter("=" + j.Tenant), func(o *job) bool {
			return o.queue == q.name && o.Tenant == j.Tenant
		}},
	}
	if r := s.resources[j.Resource]; r != nil {
		all = append(all, scope{"resource " + r.Name, r.Cap, &r.meter, func(o *job) bool { return o.Resource == j.Resource }})
	}
	return all
}

func (q *queue) meter(name string) *meter {
	m := q.meters[name]
	if m == nil {
		m = new(meter)
		if !q.revised.IsZero() {
			m.unknown(q.revised)
		}
		q.meters[name] = m
	}
	return m
}

// inFlight counts what is leased to handlers, without and with lapsed leases.
func (s *Store) inFlight(now time.Time, in func(*job) bool) (least, most int) {
	for _, j := range s.jobs {
		if !in(j) || j.state != backends.Running && !j.wild {
			continue
		}
		most++
		if !j.wild && !passed(j.due, now) {
			least++
		}
	}
	return least, most
}

// roomFor reports whether no cap can be a reason to let j wait.
func (s *Store) roomFor(now time.Time, q *queue, j *job) bool {
	for _, c := range s.scopes(q, j) {
		if c.cap.InFlight > 0 {
			others := func(o *job) bool { return o != j && c.holds(o) }
			if _, most := s.inFlight(now, others); most >= c.cap.InFlight {
				return false
			}
		}
		if c.cap.Rate > 0 {
			if least, _ := c.meter.level(now, c.cap); least < 1+rounding {
				return false
			}
		}
	}
	return true
}

// spend counts a claim of j, which is done, and reports a cap that it exceeds. A
// stolen lease takes the place of the lapsed one.
func (s *Store) spend(now time.Time, q *queue, j *job, stolen bool) error {
	for _, c := range s.scopes(q, j) {
		if c.cap.Rate > 0 {
			c.meter.take(now, c.cap)
		}
		switch least, _ := s.inFlight(now, c.holds); {
		case !stolen && c.cap.InFlight > 0 && least > c.cap.InFlight:
			return fmt.Errorf("%d in flight in %s, the cap is %d", least, c.name, c.cap.InFlight)
		case c.cap.Rate > 0 && c.meter.most < -rounding:
			return fmt.Errorf("claims of %s exceed its rate %v by %v", c.name, c.cap.Rate, -c.meter.most)
		}
	}
	return nil
}
