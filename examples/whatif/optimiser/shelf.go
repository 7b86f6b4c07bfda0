package optimiser

// dust is less than a unit can be: what rounding leaves when a shelf is emptied in
// parts.
const dust = 1e-6

// shelf is one product while its weeks go by. Demand flows evenly through a week,
// orders arrive at any moment, and what is asked for and not there is lost.
type shelf struct {
	stock float64 // units on hand
	due   float64 // units on order
	count count

	pending []arrival // a ring is not needed: at most one order a week
	next    int       // of them that arrives
	end     int       // behind the last
}

type arrival struct{ at, units float64 }

// count is what costs money.
type count struct {
	held    float64 // unit-weeks
	orders  float64
	arrived float64 // units
	sold    float64 // units
	lost    float64 // units
}

// open begins with units on hand and nothing on order.
func (s *shelf) open(units float64) {
	s.stock, s.due, s.count, s.next, s.end = units, 0, count{}, 0, 0
}

// order puts units on order, to arrive at a moment. A later order may overtake.
func (s *shelf) order(units, at float64) {
	s.due += units
	s.count.orders++
	i := s.end
	for ; i > s.next && s.pending[i-1].at > at; i-- {
		s.pending[i] = s.pending[i-1]
	}
	s.pending[i] = arrival{at, units}
	s.end++
}

// week lets one week pass, from its number on, in which so many units are asked for.
func (s *shelf) week(week int, demand float64) {
	now, end := float64(week), float64(week+1)
	for s.next < s.end && s.pending[s.next].at < end {
		a := s.pending[s.next]
		s.next++
		s.sell(float64(demand*(a.at-now)), a.at-now)
		s.stock += a.units
		s.due -= a.units
		s.count.arrived += a.units
		now = a.at
	}
	s.sell(float64(demand*(end-now)), end-now)
}

// sell serves demand that flows evenly through a span of time, in weeks, as long as
// there is stock. What is held is the area under the falling line.
func (s *shelf) sell(demand, span float64) {
	if s.stock > demand {
		s.count.held += float64(span * (s.stock - float64(demand*0.5)))
		s.count.sold += demand
		s.stock -= demand
		return
	}
	if demand > 0 {
		s.count.held += float64(span*s.stock) * s.stock / (demand + demand)
		s.count.sold += s.stock
		s.count.lost += demand - s.stock
		s.stock = 0
	}
}

// order says how many units a policy orders in a week, given the stock on hand and
// on order. Before Start it waits; in the week Start the kick, if there is one, comes
// instead of a review.
func (p Policy) order(week int, position float64) float64 {
	switch {
	case week < p.Start:
		return 0
	case week == p.Start && p.Kick > 0:
		return float64(p.Kick)
	case position > float64(p.Reorder)+dust:
		return 0
	}
	lots := int((float64(p.Reorder)+dust-position)/float64(p.Quantity)) + 1
	return float64(lots * p.Quantity)
}
