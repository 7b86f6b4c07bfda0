package broker

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/leat-go/leat/backends"
)

// held is a lease as this process holds it: the message, and the record as it was
// written last.
type held struct {
	d *Delivery
	m *envelope

	token uint64 // of this claim

	ends atomic.Int64 // when the broker's lease ends; the record isn't written at each beat
	runs atomic.Bool  // it takes a place of the queue's cap

	mu      sync.Mutex // of what settling changes
	r       *record
	version backends.Version
	left    bool // the message was settled
}

// lease is what the worker gets.
func (h *held) lease(announce bool) *backends.Lease {
	r := h.r
	l := &backends.Lease{
		Job: r.Job.job(h.m.payload()), Queue: r.Queue,
		Token: r.Life.Token, Generation: r.Life.Generation,
		Attempt: int(r.Life.Attempt), Crashes: int(r.Life.Crashes), Order: r.Order,
		Created: at(r.Created), Due: at(r.Life.Place), Until: at(r.Life.Due), Deadline: at(r.Deadline),
		Handle: h,
	}
	if announce {
		l.Outcome = r.snapshot()
	}
	return l
}

// leaseTable knows the leases of this process by record, so that a Lookup here
// tells when they end.
type leaseTable struct {
	mu  sync.Mutex
	all map[string]*held
}

func (t *leaseTable) add(h *held) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all == nil {
		t.all = map[string]*held{}
	}
	t.all[recordKey(h.r.ref())] = h
}

func (t *leaseTable) drop(key string, h *held) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all[key] == h {
		delete(t.all, key)
	}
}

// running counts the jobs that this process runs, under leases that have not lapsed.
func (t *leaseTable) running() (n int) {
	now := time.Now().UnixNano()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, h := range t.all {
		if h.runs.Load() && h.ends.Load() > now {
			n++
		}
	}
	return n
}

// ends is when the lease of that record ends, if this process holds it.
func (t *leaseTable) ends(key string, r *record) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if h := t.all[key]; h != nil && r.Life.Leased && h.token == r.Life.Token {
		return h.ends.Load()
	}
	return r.Life.Due
}
