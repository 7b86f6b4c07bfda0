package optimiser

import (
	"math"
	"math/rand/v2"
	"testing"
)

// steady is a product of which 7 are sold each week, with orders on time.
func steady(s Settings, stock int) *market {
	s.Lead = Lead{Weeks: 2}
	return s.market(Vector{Price: 10, Returned: 0.5}, stock, replay([]int{7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7}, s.Lead))
}

// Each cost by itself, worked out by hand.
func TestCostsByHand(t *testing.T) {
	never := Policy{Reorder: -1, Quantity: 1}
	kick := Policy{Start: 3, Kick: 70, Reorder: -1, Quantity: 1}
	for name, c := range map[string]struct {
		costs     Costs
		lifecycle int
		stock     int
		policy    Policy
		want      float64
	}{
		"nothing costs nothing":    {Costs{}, 12, 84, never, 0},
		"held: a falling triangle": {Costs{Holding: 0.52}, 12, 84, never, 84 * 12 / 2 * 0.1},
		"held: until it is empty":  {Costs{Holding: 0.52}, 12, 14, never, 14 * 2 / 2 * 0.1},
		"one order":                {Costs{Order: 5}, 12, 0, kick, 5},
		"inbound":                  {Costs{Inbound: 0.1}, 12, 0, kick, 70},
		"outbound: 14 of 84":       {Costs{Outbound: 0.1}, 12, 14, never, 14},
		"half of it comes back":    {Costs{Return: 0.1}, 12, 14, never, 7},
		"what is left goes back":   {Costs{Return: 0.1}, 12, 94, never, 42 + 10},
		"lost: what isn't there":   {Costs{LostSale: 0.2}, 12, 14, never, 140},
		// Ordered at week 3, there at week 5: lost until then, 49 sold, 21 left.
		"a kick that comes late":          {Costs{LostSale: 0.2}, 12, 0, kick, 70},
		"too late for its life":           {Costs{Inbound: 0.1, Order: 5}, 4, 0, kick, 0},
		"stays: inbound as it is sold":    {Costs{Inbound: 0.1}, 0, 0, kick, 49},
		"stays: a shortage is still lost": {Costs{LostSale: 0.2}, 0, 84, never, 14 * 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := Settings{Costs: c.costs, Lifecycle: c.lifecycle}
			if got := steady(s, c.stock).cost(c.policy); math.Abs(got-c.want) > 1e-9 {
				t.Errorf("%v pounds, want %v", got, c.want)
			}
		})
	}
}

// Units don't come from nowhere, and what is asked for is sold or lost.
func TestUnitsAreConserved(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		history := make([]int, 1+random.IntN(60))
		for i := range history {
			history[i] = random.IntN(4) * random.IntN(50)
		}
		s := question("a")
		s.Lifecycle = random.IntN(Horizon + 1)
		p := Policy{random.IntN(Horizon), random.IntN(200), random.IntN(100) - 1, 1 + random.IntN(100)}
		stock := random.IntN(300)
		m := s.future(Vector{Price: 1, Weekly: history}, Item{"a", stock})
		m.stock = float64(stock)
		for path := range m.totals {
			m.total(p, path)
			asked, c := 0.0, m.shelf.count
			for _, units := range m.demand[path*m.weeks : (path+1)*m.weeks] {
				asked += units
			}
			if got := c.sold + m.shelf.stock - c.arrived; math.Abs(got-float64(stock)) > 1e-6 {
				t.Fatalf("%+v: %v units at first, not %d", p, got, stock)
			}
			if math.Abs(c.sold+c.lost-asked) > 1e-6 || c.held < 0 || m.shelf.stock < 0 || m.shelf.due < 0 {
				t.Fatalf("%+v: asked for %v: %+v", p, asked, m.shelf)
			}
		}
	}
}

func TestMoreStockLosesNoMoreSales(t *testing.T) {
	s := question("a")
	p := Policy{Reorder: -1, Quantity: 1}
	last := math.Inf(1)
	for stock := 0; stock < 400; stock += 20 {
		m := s.future(Vector{Price: 1, Weekly: []int{3, 0, 40, 9, 0, 0, 12}}, Item{"a", stock})
		lost := 0.0
		for path := range m.totals {
			m.total(p, path)
			lost += m.shelf.count.lost
		}
		if lost > last {
			t.Fatalf("%v lost with %d units, %v with fewer", lost, stock, last)
		}
		last = lost
	}
}

func BenchmarkCost(b *testing.B) {
	s := question("a")
	v := series(b, "testdata/excerpt.csv")[30]
	m, p := s.future(v, s.Items[0]), s.plain(v)
	b.ReportAllocs()
	for b.Loop() {
		m.cost(p)
	}
}

func BenchmarkProduct(b *testing.B) {
	s := question("a")
	v := series(b, "testdata/excerpt.csv")[30]
	for b.Loop() {
		if _, err := s.decide(b.Context(), v, s.Items[0]); err != nil {
			b.Fatal(err)
		}
	}
}
