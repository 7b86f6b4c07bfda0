package optimiser

import "math"

// market is everything that a policy for one product is judged by.
type market struct {
	*futures
	stock   float64 // units on hand now
	reviews int     // weeks, from the first, in which an order still makes sense
	rates   rates
	shelf   shelf
	totals  []float64 // pounds, of each path
}

// rates are pounds.
type rates struct {
	held    float64 // for each unit and week
	order   float64 // for each order
	arrived float64 // for each unit that arrives
	sold    float64 // for each unit that is sold
	lost    float64 // for each unit that is not
	end     ending
}

// ending prices what is there when the last week is over. A product at the end of
// its life goes back. A product that stays goes on to sell, and is worth what the
// model of the economic order quantity says.
type ending struct {
	stays bool
	back  float64 // for each unit on hand that goes back
	late  float64 // for each unit on order, which goes back when it arrives
	short float64 // for each unit that will be missing before another order can arrive
	order float64 // for an empty shelf,
	slope float64 // less this for each unit,
	curve float64 // plus this for each unit squared
}

// market opens the simulation of one product.
func (s Settings) market(v Vector, stock int, f *futures) *market {
	m := &market{futures: f, stock: float64(stock), rates: s.Costs.rates(v, s.Lifecycle == 0, f.mean)}
	m.reviews = f.weeks
	if s.Lifecycle > 0 {
		m.reviews = max(0, int(math.Ceil(float64(s.Lifecycle)-s.Lead.Weeks)))
	}
	m.shelf.pending = make([]arrival, f.weeks)
	m.totals = make([]float64, len(f.after))
	return m
}

// rates are the costs of one product. While it stays, a unit bears its inbound cost
// when it is sold: a full shelf at the end is then no loss, and an empty one no gain.
func (c Costs) rates(v Vector, stays bool, demand float64) rates {
	inbound := float64(c.Inbound * v.Price)
	r := rates{
		held:  c.Holding * v.Price / 52,
		order: c.Order,
		sold:  float64(c.Outbound*v.Price) + float64(c.Return*v.Price)*v.Returned,
		lost:  float64(c.LostSale * v.Price),
	}
	if !stays {
		r.arrived = inbound
		r.end.back = float64(c.Return * v.Price)
		r.end.late = r.end.back + inbound
		return r
	}
	r.sold += inbound
	r.end = ending{stays: true, short: max(0, r.lost-r.sold), order: c.Order}
	if demand > 0 {
		r.end.slope = math.Sqrt(2 * c.Order * r.held / demand)
		r.end.curve = r.held / (2 * demand)
	}
	return r
}

// lot is the economic order quantity: units that cost as much to hold as to order.
func (r rates) lot(demand float64) float64 {
	return math.Sqrt(2 * r.order * demand / r.held)
}

func (r *rates) spent(c *count) float64 {
	return float64(c.held*r.held) + float64(c.orders*r.order) + float64(c.arrived*r.arrived) +
		float64(c.sold*r.sold) + float64(c.lost*r.lost)
}

// close is the last entry of the books. Orders that are made from now on arrive a
// lead time later, and need is asked for until then.
func (e *ending) close(stock, due, need float64) float64 {
	if !e.stays {
		return float64(stock*e.back) + float64(due*e.late)
	}
	spare := stock + due - need
	if spare < 0 {
		return e.order - float64(spare*e.short)
	}
	return e.order - float64(spare*e.slope) + float64(spare*spare)*e.curve
}

// cost returns the 75th percentile, over all paths, of what a policy costs. It
// allocates nothing.
func (m *market) cost(p Policy) float64 {
	for path := range m.totals {
		m.totals[path] = m.total(p, path)
	}
	return percentile(m.totals, 0.75)
}

// total is what a policy costs on one path.
func (m *market) total(p Policy, path int) float64 {
	m.watch(p, path, nil)
	return m.rates.spent(&m.shelf.count) + m.rates.end.close(m.shelf.stock, m.shelf.due, m.after[path])
}

// watch lets a policy run on one path, and calls seen, if there is one, at the
// beginning and after each week.
func (m *market) watch(p Policy, path int, seen func(week int)) {
	s := &m.shelf
	s.open(m.stock)
	first := path * m.weeks
	arrive := m.arrive[first : first+m.weeks]
	for week, demand := range m.demand[first : first+m.weeks] {
		if seen != nil {
			seen(week)
		}
		if week < m.reviews {
			if units := p.order(week, s.stock+s.due); units > 0 {
				s.order(units, arrive[week])
			}
		}
		s.week(week, demand)
	}
	if seen != nil {
		seen(m.weeks)
	}
}
