package shop

import "sync"

// gauge counts who is at the database.
type gauge struct {
	mu                   sync.Mutex
	inside, peak, denied int
}

// enter takes a connection; beyond limit there is none.
func (g *gauge) enter(limit int) (leave func(), err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inside == limit {
		g.denied++
		return nil, ErrTooMany
	}
	g.inside++
	g.peak = max(g.peak, g.inside)
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.inside--
	}, nil
}

func (g *gauge) refuse() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.denied++
}

// Peak is the most connections that were used at a time, and how often there was none
// left.
func (g *gauge) Peak() (most, refused int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.peak, g.denied
}
