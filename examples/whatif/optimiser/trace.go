package optimiser

import "slices"

// Curves is what a policy does over the coming weeks, as a chart shows it.
type Curves struct {
	Stock []Band  // units on hand now, after week 1, … Horizon
	Cost  []Band  // pounds spent until then; the last one is with the books closed
	Price float64 // pounds, the 75th percentile of the last Cost: a Decision's Before or After
}

// Band is a spread of futures: one in ten is below Low, half are below Mid, one in
// ten is above High.
type Band struct{ Low, Mid, High float64 }

// Trace simulates one product of a question under a policy, on the same futures as
// the optimiser did.
func (s Settings) Trace(v Vector, item Item, p Policy) Curves {
	m := s.future(v, item)
	stock, cost := make([][]float64, m.weeks+1), make([][]float64, m.weeks+1)
	for path := range m.totals {
		m.watch(p, path, func(week int) {
			stock[week] = append(stock[week], m.shelf.stock)
			cost[week] = append(cost[week], m.rates.spent(&m.shelf.count))
		})
		cost[m.weeks][path] += m.rates.end.close(m.shelf.stock, m.shelf.due, m.after[path])
	}
	c := Curves{Price: percentile(slices.Clone(cost[m.weeks]), 0.75)}
	for week := range stock {
		c.Stock = append(c.Stock, band(stock[week]))
		c.Cost = append(c.Cost, band(cost[week]))
	}
	return c
}

func band(values []float64) Band {
	return Band{Low: percentile(values, 0.1), Mid: percentile(values, 0.5), High: percentile(values, 0.9)}
}
