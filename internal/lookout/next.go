package lookout

import (
	"context"
	"time"

	"github.com/leat-go/leat/backends"
)

// turn is what a caller does next.
type turn int

const (
	follows turn = iota // waits for the answer, or for the lead
	rests               // has the lead, and waits until there may be something new
	reads               // has the lead, and reads for all
	answers             // has the answer
)

// Next returns the answer of the next read, begun after last, which is what the caller
// has read before. It is the error of ctx if that ends first.
func (s *Seat[K, R]) Next(ctx context.Context, last R) (R, error) {
	s.report(s.post.Mark(last))
	turn := s.sit()
	var err error
	if turn == follows {
		turn, err = s.follow(ctx)
	}
	if turn == rests {
		turn, err = s.rest(ctx)
	}
	if err != nil {
		var none R
		return none, err
	}
	if turn == answers {
		return s.answer()
	}
	return s.lead(ctx)
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
	if version != x.version {
		x.changed = time.Now()
	}
	x.version = version
}

// sit takes the lead if nobody has it, and else makes sure that this caller hears of the
// answer, and of a lead that becomes free.
func (s *Seat[K, R]) sit() turn {
	s.post.mu.Lock()
	defer s.post.mu.Unlock()
	x := s.at
	switch {
	case s.in.over():
		return answers
	case !x.led:
		x.led = true
		return x.turn()
	case x.lead == nil:
		x.lead = make(chan struct{}, 1)
	}
	if s.in.done == nil {
		s.in.done = make(chan struct{})
	}
	return follows
}

// turn is that of a leader.
func (x *watched[K, R]) turn() turn {
	if x.owed != nil {
		return reads
	}
	return rests
}

// follow waits for the answer, or for the lead. Here and in rest callers wait, as near to the
// top of their stacks as can be: there is one for each.
func (s *Seat[K, R]) follow(ctx context.Context) (turn, error) {
	select {
	case <-s.in.done:
		return answers, nil
	case <-s.at.lead:
		return s.take(), nil
	case <-ctx.Done():
		return follows, ctx.Err()
	case <-s.post.Closed:
		return follows, backends.ErrClosed
	}
}

// rest waits until there may be something new. A leader that leaves hands the lead over.
func (s *Seat[K, R]) rest(ctx context.Context) (turn, error) {
	select {
	case <-s.at.told:
	case <-s.alarm():
	case <-ctx.Done():
		s.post.handOver(s.at)
		return follows, ctx.Err()
	case <-s.post.Closed:
		s.post.handOver(s.at)
		return follows, backends.ErrClosed
	}
	return reads, nil
}

// take is to have got the lead. If the answer came together with it, it is another's.
func (s *Seat[K, R]) take() turn {
	s.post.mu.Lock()
	defer s.post.mu.Unlock()
	if s.in.over() {
		s.at.handOver()
		return answers
	}
	return s.at.turn()
}

// answer is that of a round which is over.
func (s *Seat[K, R]) answer() (R, error) {
	r := s.in
	s.in = r.next
	return r.answer, r.err
}

// lead reads, and has all who wait have the answer. A read that fails as its own
// caller has left is no answer: the next leader reads at once.
func (s *Seat[K, R]) lead(ctx context.Context) (R, error) {
	p, x := s.post, s.at
	defer p.handOver(x)
	owed := p.begin(x)
	answer, err := p.Read(ctx, x.key)
	if err != nil && ctx.Err() != nil {
		var none R
		return none, ctx.Err()
	}
	p.publish(x, owed, answer, err)
	if s.in == owed {
		return s.answer()
	}
	return answer, err // who came later has read once more
}

// alarm goes off when it is time to read though nobody has told of a change; nil = never. It
// counts from the last read for all: a leader that leaves puts nothing off.
func (s *Seat[K, R]) alarm() <-chan time.Time {
	at := s.until
	if s.post.Poll != nil {
		s.post.mu.Lock()
		poll := s.at.read.Add(s.post.Poll(s.at.read.Sub(s.at.changed)))
		s.post.mu.Unlock()
		if at.IsZero() || poll.Before(at) {
			at = poll
		}
	}
	if at.IsZero() {
		return nil
	}
	return time.After(time.Until(at))
}

// begin closes the round for newcomers: a read that begins now may miss what they see. One
// that is owed has been closed before.
func (p *Post[K, R]) begin(x *watched[K, R]) *round[R] {
	p.mu.Lock()
	defer p.mu.Unlock()
	if x.owed != nil {
		return x.owed
	}
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

func (p *Post[K, R]) handOver(x *watched[K, R]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	x.handOver()
}

// handOver leaves the lead to whoever waits for it.
func (x *watched[K, R]) handOver() {
	if x.lead == nil {
		x.led = false
		return
	}
	x.lead <- struct{}{}
}
