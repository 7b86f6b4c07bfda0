package lookout

import (
	"context"
	"time"

	"github.com/leat-go/leat/backends"
)

// Next returns the answer of the next read, begun after last, which is what the caller
// has read before. It is the error of ctx if that ends first.
func (s *Seat[K, R]) Next(ctx context.Context, last R) (R, error) {
	var none R
	s.report(s.post.Mark(last))
	leads, over := s.sit()
	switch {
	case over:
		return s.answer()
	case leads:
		return s.lead(ctx)
	}
	select {
	case <-s.in.done:
		return s.answer()
	case <-s.at.lead:
		return s.lead(ctx)
	case <-ctx.Done():
		return none, ctx.Err()
	case <-s.post.Closed:
		return none, backends.ErrClosed
	}
}

// report says what the caller knows. It is told if a glance has found something newer
// meanwhile, and the others are if it has read what they don't know.
func (s *Seat[K, R]) report(m Mark) {
	s.post.mu.Lock()
	defer s.post.mu.Unlock()
	s.until = m.Until
	x := s.at
	x.row = m.Row
	x.show(m.Version)
	if s.in != x.now {
		return // a read for it has begun
	}
	if m.Version < x.found || s.in.least < m.Version {
		x.tell()
	}
	s.in.least = min(s.in.least, m.Version)
}

// show takes note of when the record has changed.
func (x *watched[K, R]) show(version uint64) {
	if version != x.version && x.version != 0 {
		x.changed = time.Now()
	}
	x.version = version
}

// sit takes the lead if nobody has it, and else makes sure that this caller hears of the
// answer, and of a lead that becomes free.
func (s *Seat[K, R]) sit() (leads, over bool) {
	s.post.mu.Lock()
	defer s.post.mu.Unlock()
	x := s.at
	switch {
	case s.in.over():
		return false, true
	case !x.led:
		x.led = true
		return true, false
	case x.lead == nil:
		x.lead = make(chan struct{}, 1)
	}
	if s.in.done == nil {
		s.in.done = make(chan struct{})
	}
	return false, false
}

// answer is that of a round which is over.
func (s *Seat[K, R]) answer() (R, error) {
	r := s.in
	s.in = r.next
	return r.answer, r.err
}

// lead rests, reads, and has all who wait have the answer. A read that fails as
// its own caller has left is no answer: the next leader reads at once.
func (s *Seat[K, R]) lead(ctx context.Context) (R, error) {
	var none R
	p, x := s.post, s.at
	defer p.handOver(x)
	p.mu.Lock()
	over, owed := s.in.over(), x.owed
	p.mu.Unlock()
	if over { // it came together with the lead
		return s.answer()
	}
	if owed == nil {
		if err := s.rest(ctx); err != nil {
			return none, err
		}
		owed = p.begin(x)
	}
	answer, err := p.Read(ctx, x.key)
	if err != nil && ctx.Err() != nil {
		return none, ctx.Err()
	}
	p.publish(x, owed, answer, err)
	if s.in == owed {
		return s.answer()
	}
	return answer, err // who came later has read once more
}

// rest waits until there may be something new.
func (s *Seat[K, R]) rest(ctx context.Context) error {
	var timer <-chan time.Time
	if at := s.again(); !at.IsZero() {
		t := time.NewTimer(time.Until(at))
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-s.at.told:
	case <-timer:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.post.Closed:
		return backends.ErrClosed
	}
	return nil
}

// again is when to read though nobody has told of a change. It counts from the last
// read for all: a leader that leaves puts nothing off.
func (s *Seat[K, R]) again() time.Time {
	if s.post.Poll == nil {
		return s.until
	}
	s.post.mu.Lock()
	defer s.post.mu.Unlock()
	at := s.at.read.Add(s.post.Poll(s.at.read.Sub(s.at.changed)))
	if s.until.IsZero() || at.Before(s.until) {
		return at
	}
	return s.until
}

// begin closes the round for newcomers: a read that begins now may miss what they see.
func (p *Post[K, R]) begin(x *watched[K, R]) *round[R] {
	p.mu.Lock()
	defer p.mu.Unlock()
	x.owed, x.now = x.now, newRound[R]()
	x.found = 0
	select {
	case <-x.told: // the read will show it
	default:
	}
	return x.owed
}

// publish ends a round.
func (p *Post[K, R]) publish(x *watched[K, R], r *round[R], answer R, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	x.read = time.Now()
	r.answer, r.err, r.next = answer, err, x.now
	x.owed = nil
	if r.done != nil {
		close(r.done)
	}
}

// handOver leaves the lead to whoever waits for it.
func (p *Post[K, R]) handOver(x *watched[K, R]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if x.lead == nil {
		x.led = false
		return
	}
	x.lead <- struct{}{}
}
