package spec

import (
	"slices"
	"time"

	"github.com/leat-go/leat/backends"
)

// Store is what a Backend should hold after the calls it was told of. It is not
// safe for concurrent use.
type Store struct {
	features  backends.Features
	jobs      []*job // in the order of their creation
	queues    map[string]*queue
	resources map[string]*resource
	places    map[place]*job         // the newest that ever held it
	past      map[backends.Ref]int64 // the generation of a record that has gone

	step int // counts what was told, as far as its order is known
}

// job is one record, and what the contract makes of it later.
type job struct {
	backends.Job
	queue string

	state      backends.State
	token      uint64
	generation int64
	attempt    int
	crashes    int
	order      int64

	created, due, place, deadline, ended time.Time // zero as in backends.Record; place is the due it waited with

	leased     bool
	strange    bool // newly leased to a worker that doesn't know its kind
	cancelling bool
	last       answer // to the settlement of the newest lease

	owes, dropped backends.Debt

	progress     backends.Progress
	result       []byte
	stored       string
	reason       string
	failures     []backends.Failure
	supersededBy string

	batch   *backends.BatchProgress // of a collation job
	counted bool

	version uint64 // the newest seen
	change  change // since then

	rank int // the step of its closing

	named bool // generation was seen: the first is the store's to choose
	wild  bool // the contract doesn't tell what became of it: anything goes
}

// change is what happened to a record since it was seen.
type change uint8

const (
	unchanged change = iota
	renewed          // a lease or a mark, which is no news: the version may have grown
	changed          // something visible: the version must have grown
)

// answer is what a settlement was told.
type answer struct {
	verb    backends.Verb
	outcome backends.State
	err     error
}

// queue is what the contract says of one queue.
type queue struct {
	name   string
	stored *backends.Policy // nil = none came yet
	paused bool
	meters map[string]*meter // claims by tenant; "" is the whole queue, "=x" is tenant x
	order  int64             // the highest given

	patience   time.Duration // the shortest UnknownAfter that it ever had
	heardOf    map[string]heard
	heardOfAll heard // who knows every kind

	revised time.Time // when another policy took the place of the first
}

// place is what supersede keys name.
type place struct{ queue, tenant, key string }

// New returns the spec of an empty store.
func New(f backends.Features) *Store {
	return &Store{
		features:  f,
		queues:    map[string]*queue{},
		resources: map[string]*resource{},
		places:    map[place]*job{},
		past:      map[backends.Ref]int64{},
	}
}

// Refs names the records that the store should hold.
func (s *Store) Refs() []backends.Ref {
	refs := make([]backends.Ref, len(s.jobs))
	for i, j := range s.jobs {
		refs[i] = j.Ref
	}
	return refs
}

// Changed names the records that should have another version than the one seen.
func (s *Store) Changed() []backends.Ref {
	var refs []backends.Ref
	for _, j := range s.jobs {
		if j.change != unchanged {
			refs = append(refs, j.Ref)
		}
	}
	return refs
}

// Owes is what an ended job still owes.
func (s *Store) Owes(ref backends.Ref) backends.Debt {
	if j := s.find(ref); j != nil {
		return j.owes
	}
	return 0
}

// Alive names the jobs that have not ended, or owe something still.
func (s *Store) Alive() []backends.Ref {
	var refs []backends.Ref
	for _, j := range s.jobs {
		if !j.state.Ended() || j.owes != 0 {
			refs = append(refs, j.Ref)
		}
	}
	return refs
}

// Held names the jobs that wait for members of their batch.
func (s *Store) Held() []backends.Ref {
	var refs []backends.Ref
	for _, j := range s.jobs {
		if j.state == backends.Waiting && j.due.IsZero() {
			refs = append(refs, j.Ref)
		}
	}
	return refs
}

// Version is the newest version seen of a record, 0 = none.
func (s *Store) Version(ref backends.Ref) uint64 {
	if j := s.find(ref); j != nil {
		return j.version
	}
	return 0
}

func (s *Store) find(ref backends.Ref) *job {
	for _, j := range s.jobs {
		if j.Ref == ref {
			return j
		}
	}
	return nil
}

func (s *Store) queue(name string) *queue {
	q := s.queues[name]
	if q == nil {
		q = &queue{name: name, meters: map[string]*meter{}, patience: backends.DefaultUnknownAfter, heardOf: map[string]heard{}}
		s.queues[name] = q
	}
	return q
}

// policy is what the queue goes by, with the defaults filled in.
func (q *queue) policy() *backends.Policy { return q.stored.Filled() }

func (s *Store) policyOf(j *job) *backends.Policy { return s.queue(j.queue).policy() }

// learn keeps the policy of a call if it is newer than the stored one.
func (q *queue) learn(p *backends.Policy, now time.Time) {
	if p == nil || q.stored != nil && p.Version <= q.stored.Version {
		return
	}
	if q.stored != nil {
		q.revised = now
	}
	q.stored = p
	q.patience = min(q.patience, q.policy().UnknownAfter)
	for _, m := range q.meters {
		m.unknown(now)
	}
}

// drop forgets a record.
func (s *Store) drop(j *job) {
	if j.wild && !j.counted {
		s.muddle(j)
	}
	s.past[j.Ref] = j.generation
	s.jobs = slices.DeleteFunc(s.jobs, func(o *job) bool { return o == j })
	if s.places[j.at()] != j {
		return
	}
	for _, o := range s.jobs { // who knows whether the store remembers who overtook them
		if o.at() == j.at() {
			o.wild = true
		}
	}
}

func (j *job) at() place { return place{j.queue, j.Tenant, j.Supersede} }

// touch notes a visible change.
func (j *job) touch() { j.change = changed }

// passed reports whether an instant has come; the zero time never does.
func passed(t, now time.Time) bool { return !t.IsZero() && !t.After(now) }
