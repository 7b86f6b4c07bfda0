package optimiser

import "math"

// budget bounds the evaluations of one search.
const budget = 100

// search is Hooke and Jeeves's pattern search (1961) on whole numbers: no gradient
// is needed, and there is none. It remembers the best policy it tried.
type search struct {
	cost  func(Policy) (float64, bool) // false = give up
	left  int                          // evaluations
	best  Policy
	least float64
	tried []trial
}

type trial struct {
	policy Policy
	cost   float64
}

// try returns what a policy costs.
func (s *search) try(p Policy) float64 {
	for _, t := range s.tried {
		if t.policy == p {
			return t.cost
		}
	}
	if s.left <= 0 {
		return math.Inf(1)
	}
	s.left--
	cost, ok := s.cost(p)
	if !ok {
		s.left = 0
		return math.Inf(1)
	}
	s.tried = append(s.tried, trial{p, cost})
	if cost < s.least {
		s.best, s.least = p, cost
	}
	return cost
}

// climb goes down from a point with ever smaller steps.
func (s *search) climb(at Policy, step Policy) {
	cost := s.try(at)
	for s.left > 0 {
		next, found := s.explore(at, cost, step)
		if found < cost {
			leap := next.plus(next.minus(at)).legal()
			at, cost = next, found
			if leapt, found := s.explore(leap, s.try(leap), step); found < cost {
				at, cost = leapt, found
			}
			continue
		}
		if step.Quantity <= 1 && step.Kick <= 1 && step.Reorder <= 1 && step.Start <= 1 {
			return
		}
		step = Policy{Start: half(step.Start), Kick: half(step.Kick), Reorder: half(step.Reorder), Quantity: half(step.Quantity)}
	}
}

func half(n int) int { return max(1, n/3) }

// explore tries a step in each direction, and keeps each that helps.
func (s *search) explore(at Policy, cost float64, step Policy) (Policy, float64) {
	for _, d := range []Policy{{Reorder: step.Reorder}, {Quantity: step.Quantity}, {Kick: step.Kick}, {Start: step.Start}} {
		for _, next := range []Policy{at.plus(d).legal(), at.minus(d).legal()} {
			if found := s.try(next); found < cost {
				at, cost = next, found
				break
			}
		}
	}
	return at, cost
}

func (p Policy) plus(d Policy) Policy {
	return Policy{p.Start + d.Start, p.Kick + d.Kick, p.Reorder + d.Reorder, p.Quantity + d.Quantity}
}

func (p Policy) minus(d Policy) Policy {
	return Policy{p.Start - d.Start, p.Kick - d.Kick, p.Reorder - d.Reorder, p.Quantity - d.Quantity}
}

// legal moves a policy to where it means something.
func (p Policy) legal() Policy {
	return Policy{min(max(p.Start, 0), Horizon-1), max(p.Kick, 0), max(p.Reorder, -1), max(p.Quantity, 1)}
}
