package protocol

import "time"

type state int

const (
	none state = iota
	waiting
	running
	succeeded
	dead
	cancelled
	superseded
	expired
)

func (s state) String() string {
	return [...]string{"none", "waiting", "running", "succeeded", "dead", "cancelled", "superseded", "expired"}[s]
}

func (s state) ended() bool { return s >= succeeded }

// record is the truth about one job. The payload enters it only when a redrive may need it.
type record struct {
	job
	state      state
	generation int64
	order      int64
	token      int // one higher at every claim; never goes back
	attempt    int
	crashes    int
	snoozes    int
	holder     int // the message under which it runs
	until      instant
	due        instant
	created    instant
	expire     instant
	cancel     bool // asked for while running
	sent       bool // a retried enqueue has sent again
	print      int  // fingerprint of the payload: the same id with another payload is refused
	payload    int
	outcome    int // of which payload the result was made
	madeBy     int // under which token
	progress   int

	sealed, members, cursor, failed int // of a collation
}

// end is the record after its last word in this generation.
func (r record) end(s state, payload int, expire instant) record {
	r.state, r.until, r.cancel, r.expire = s, 0, false, expire
	switch s {
	case succeeded:
		r.outcome = payload
	case dead, cancelled:
		r.payload = payload
	}
	return r
}

// wait is the record back in the queue.
func (r record) wait(due instant) record {
	r.state, r.due, r.until = waiting, due, 0
	return r
}

// claimed is the record under a new lease.
func (r record) claimed(mid int, until instant) record {
	if r.state == running {
		r.crashes++
	}
	r.state, r.holder, r.until = running, mid, until
	r.token++
	r.attempt++
	return r
}

// revived is the record in its next generation.
func (r record) revived(generation int64, now instant) record {
	r.state, r.generation, r.due = waiting, generation, now
	r.attempt, r.crashes, r.snoozes, r.payload, r.deadline = 0, 0, 0, 0, 0
	r.expire = unexpired
	return r
}

const (
	lease          = 30 * time.Second
	beat           = lease / 3
	look           = 2 * time.Second // how often a running job's record is read
	runLimit       = 2 * time.Minute
	grace          = 20 * time.Second
	unexpired      = never / 2        // of records that have not ended
	retention      = 15 * time.Minute // of ended records, as the queue's owner wants it …
	queueRetention = 3 * time.Hour    // … and of messages: the broker keeps none longer
	stall          = 6 * lease
	maxDelay       = time.Minute // the broker's longest delay at sending; longer ones need hops
	maxNack        = 5 * time.Minute
	dedupWindow    = 5 * time.Minute
	maxSkew        = time.Second
	maxCrashes     = 3
	maxAttempts    = 5
)
