package partner

import "time"

// Account sums up a partner's books.
type Account struct {
	Partner  string
	Borrowed bool // it plans with the largest partner's history

	Promised, Succeeded, Superseded, Cancelled, Expired, Dead int

	Told       int // ends that a ready event told
	Lost       int // promised, and never ended
	Duplicated int // ended twice, or made anew by a repeated request
	Wrong      int // plans that answer another question
	Refused    int // times it was told to come again (429)
	Faults     int // answers in the 500s

	Trailing, TrailingSucceeded int // on screens where a running question may finish

	Waits         []time.Duration // from the click to the ready event, of those that succeeded
	Before, After float64         // pounds, of all plans
}

// Account sums up the books as they are.
func (p *Partner) Account() Account {
	b := &p.books
	b.mu.Lock()
	defer b.mu.Unlock()
	a := Account{
		Partner: p.Name, Borrowed: p.borrowed, Promised: len(b.jobs), Duplicated: b.others, Wrong: b.wrong,
		Refused: b.again, Faults: b.faults, Before: b.before, After: b.after,
	}
	for _, e := range b.jobs {
		a.add(e)
	}
	return a
}

func (a *Account) add(e *entry) {
	if e.doubled {
		a.Duplicated++
	}
	if e.event != "" {
		a.Told++
	}
	switch e.state {
	case "succeeded":
		a.Succeeded++
		a.Waits = append(a.Waits, e.wait)
	case "superseded":
		a.Superseded++
	case "cancelled":
		a.Cancelled++
	case "expired":
		a.Expired++
	case "dead":
		a.Dead++
	default:
		a.Lost++
	}
	if e.trails {
		a.Trailing++
		if e.state == "succeeded" {
			a.TrailingSucceeded++
		}
	}
}

// Add puts two accounts together.
func (a Account) Add(b Account) Account {
	a.Promised += b.Promised
	a.Succeeded += b.Succeeded
	a.Superseded += b.Superseded
	a.Cancelled += b.Cancelled
	a.Expired += b.Expired
	a.Dead += b.Dead
	a.Told += b.Told
	a.Lost += b.Lost
	a.Duplicated += b.Duplicated
	a.Wrong += b.Wrong
	a.Refused += b.Refused
	a.Faults += b.Faults
	a.Trailing += b.Trailing
	a.TrailingSucceeded += b.TrailingSucceeded
	a.Waits = append(a.Waits[:len(a.Waits):len(a.Waits)], b.Waits...)
	a.Before += b.Before
	a.After += b.After
	return a
}

// Asked reports whether a job answers a question of this partner's.
func (p *Partner) Asked(job string) bool {
	p.books.mu.Lock()
	defer p.books.mu.Unlock()
	return p.books.jobs[job] != nil
}

// Tally counts the jobs of partners, while they go on.
func Tally(partners []*Partner) (all Account) {
	for _, p := range partners {
		p.books.mu.Lock()
		all.Promised += len(p.books.jobs)
		all.Succeeded += p.books.ends["succeeded"]
		all.Superseded += p.books.ends["superseded"]
		for _, n := range p.books.ends {
			all.Told += n
		}
		p.books.mu.Unlock()
	}
	return all
}
