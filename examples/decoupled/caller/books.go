package caller

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// books are what a caller was promised, and what came of it.
type books struct {
	mu    sync.Mutex
	jobs  map[string]*entry
	keys  map[string]string // idempotency key → job
	wrong []string
	Account
}

// entry is one job.
type entry struct {
	asked time.Time
	state string // how it ended; "" = it has not
	left  []byte // a result, or a problem
}

// Account is one caller's books, closed.
type Account struct {
	Promised, Succeeded, Superseded, Cancelled, Expired, Dead int

	Lost       int // promises without an end
	Duplicated int // a second job for one key, a second end of one job, a job nobody was promised
	Wrong      int // what is not as the story says

	Requests  int
	Changes   int // of jobs, that were seen
	Unchanged int // answers that said so: 304
	Streams   int
	Refused   int // told to come again: 429
	Waits     []time.Duration
}

func (b *books) requested() { b.count(&b.Requests) }
func (b *books) change()    { b.count(&b.Changes) }
func (b *books) unchanged() { b.count(&b.Unchanged) }
func (b *books) streamed()  { b.count(&b.Streams) }
func (b *books) refused()   { b.count(&b.Refused) }

func (b *books) count(n *int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	*n++
}

// promised enters a 202. One key is one job.
func (b *books) promised(id, key string, asked time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if first, again := b.keys[key]; again {
		if first != id {
			b.Duplicated++
		}
		return
	}
	if b.keys == nil {
		b.keys, b.jobs = map[string]string{}, map[string]*entry{}
	}
	if b.jobs[id] != nil { // two keys, one job
		b.wrong = append(b.wrong, "two questions are one job")
		return
	}
	b.keys[key] = id
	b.jobs[id] = &entry{asked: asked}
}

// ended enters an end. The same end again says nothing new.
func (b *books) ended(s Status, left []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.jobs[s.ID]
	if e == nil {
		b.wrong = append(b.wrong, "an end of a job that nobody promised")
		return
	}
	switch {
	case e.state == "":
		e.state, e.left = s.State, left
		b.Waits = append(b.Waits, time.Since(e.asked))
	case e.state != s.State || !bytes.Equal(e.left, left):
		b.Duplicated++
	}
}

// expect enters what the story says, unless it is so.
func (b *books) expect(ok bool, format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !ok {
		b.wrong = append(b.wrong, fmt.Sprintf(format, args...))
	}
}

// Close asks for every promise once more, and returns the account. stored are the
// ids of the caller's jobs in the store; nil = it can't list them.
func (c *Caller) Close(ctx context.Context, stored []string) (Account, []string, error) {
	for id, e := range c.jobs {
		s, left, err := c.again(ctx, id)
		if err != nil {
			return Account{}, nil, err
		}
		switch {
		case s.State == "" || s.Ended.IsZero():
			c.Lost++
		case e.state == "":
			e.state = s.State
		case e.state != s.State || !bytes.Equal(e.left, left):
			c.Duplicated++
		}
		c.enter(e.state)
	}
	for _, id := range stored {
		if c.jobs[id] == nil {
			c.Duplicated++
		}
	}
	c.Promised, c.Wrong = len(c.jobs), len(c.wrong)
	return c.Account, c.wrong, nil
}

func (c *Caller) enter(state string) {
	switch state {
	case "succeeded":
		c.Succeeded++
	case "superseded":
		c.Superseded++
	case "cancelled":
		c.Cancelled++
	case "expired":
		c.Expired++
	case "dead":
		c.Dead++
	}
}

// again is how a job stands at last, and what it left; the zero Status if it is gone.
func (c *Caller) again(ctx context.Context, id string) (s Status, left []byte, err error) {
	answer, text, err := c.call(ctx, "GET", "/jobs/"+id, nil, nil)
	if err != nil || answer.StatusCode == http.StatusNotFound {
		return s, nil, err
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, nil, err
	}
	_, left, err = c.call(ctx, "GET", "/jobs/"+id+"/result", nil, nil)
	return s, left, err
}

// Add puts two accounts together.
func (a Account) Add(b Account) Account {
	a.Promised += b.Promised
	a.Succeeded += b.Succeeded
	a.Superseded += b.Superseded
	a.Cancelled += b.Cancelled
	a.Expired += b.Expired
	a.Dead += b.Dead
	a.Lost += b.Lost
	a.Duplicated += b.Duplicated
	a.Wrong += b.Wrong
	a.Requests += b.Requests
	a.Changes += b.Changes
	a.Unchanged += b.Unchanged
	a.Streams += b.Streams
	a.Refused += b.Refused
	a.Waits = slices.Concat(a.Waits, b.Waits)
	return a
}
