package optimiser

import "math"

// plain is the (s, Q) rule in use today: a reorder point of mean demand until the
// next delivery plus a number of standard deviations, and an order quantity around
// the economic one. Both factors are tuned by replaying the whole history at the
// same costs, with orders that arrive after the mean lead time.
func (s Settings) plain(v Vector) Policy {
	s.Lifecycle = 0 // the rule knows of no end
	past := replay(v.Weekly, s.Lead)
	m := s.market(v, int(past.mean*(s.Lead.Weeks+4)), past)
	span := s.Lead.Weeks + 1 // weeks that a review must cover
	need, sigma := past.mean*span, deviation(past.demand)*math.Sqrt(span)
	lot := min(max(m.rates.lot(past.mean), past.mean), 52*past.mean)
	if math.IsNaN(lot) {
		lot = 1
	}
	best, least := Policy{Quantity: 1}, math.Inf(1)
	for _, safety := range []float64{0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3} {
		for _, size := range []float64{0.35, 0.5, 0.7, 1, 1.4, 2, 2.8} {
			p := Policy{Reorder: int(math.Round(need + safety*sigma)), Quantity: max(1, int(math.Round(size*lot)))}
			if cost := m.total(p, 0); cost < least {
				best, least = p, cost
			}
		}
	}
	return best
}

func deviation(values []float64) float64 {
	mu, sum := mean(values), 0.0
	for _, v := range values {
		sum += float64((v - mu) * (v - mu))
	}
	return math.Sqrt(sum / float64(len(values)))
}
