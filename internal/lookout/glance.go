package lookout

// Glance asks for the versions of all records that somebody waits for, so many at a
// time, and has those read that are newer than what is known of them. Versions gives the
// version of each row, in the same order; 0 = it is gone. What is
// joined while it runs isn't asked for: a newcomer reads by itself.
//
// It returns how many it asked for.
func (p *Post[K, R]) Glance(most int, versions func(rows []int64) ([]uint64, error)) (int, error) {
	all := p.all()
	rows := make([]int64, 0, min(most, len(all)))
	for rest := all; len(rest) > 0; {
		some := rest[:min(most, len(rest))]
		rest = rest[len(some):]
		rows = rows[:0]
		for _, x := range some {
			rows = append(rows, x.row)
		}
		have, err := versions(rows)
		if err != nil {
			return len(all), err
		}
		p.compare(some, have)
	}
	return len(all), nil
}

// sight is a record as it was when a glance began.
type sight[K comparable, R any] struct {
	*watched[K, R]
	row int64
}

// all are the records to ask for. Who hasn't said yet what it has read is told of
// whatever comes meanwhile.
func (p *Post[K, R]) all() []sight[K, R] {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]sight[K, R], 0, len(p.watched))
	for _, x := range p.watched {
		if x.row == 0 {
			x.found = gone
			continue
		}
		out = append(out, sight[K, R]{x, x.row})
	}
	return out
}

// compare tells of those that are newer than what somebody knows.
func (p *Post[K, R]) compare(some []sight[K, R], versions []uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, x := range some {
		v := versions[i]
		if v == 0 {
			v = gone
		}
		x.found = v
		if x.now.least < v {
			x.tell()
		}
	}
}
