package partner

import (
	"fmt"
	"hash/fnv"
	"strconv"

	"github.com/leat-go/leat/examples/whatif/demand"
	"github.com/leat-go/leat/examples/whatif/optimiser"
)

// screenOf is where an arrival changes something: its order modulo the screens.
func screenOf(a demand.Arrival) int { return int(number(a.Order) % Screens) }

// number is an order's, or, if it is more than digits, one made of it.
func number(order string) uint64 {
	if n, err := strconv.ParseUint(order, 10, 64); err == nil {
		return n
	}
	h := fnv.New64a()
	h.Write([]byte(order)) // never fails
	return h.Sum64()
}

// trails says which mode a screen is in: on the last four of twenty a question that
// is being computed may finish, and the newest follows it.
func trails(screen int) bool { return screen >= Screens-4 }

// question is what an arrival asks: the screen's first products, as many as the
// order has lines, under conditions that differ from order to order.
func (p *Partner) question(screen int, a demand.Arrival) optimiser.Settings {
	n := number(a.Order)
	s := optimiser.Settings{
		Screen: fmt.Sprintf("screen %d", screen),
		Lead:   optimiser.Lead{Weeks: 1 + float64(n%3), Spread: 0.3 + float64(n%5)/10},
		Costs: optimiser.Costs{
			Holding: 0.2 + float64(n%4)/20, Order: 10 + float64(n%3)*5,
			Inbound: 0.04, Outbound: 0.08, Return: 0.1, LostSale: 0.2,
		},
		Seed: 1,
	}
	if n%5 == 0 {
		s.Lifecycle = 8 + int(n%3)*2
	}
	for i := range min(max(a.Lines, 1), Products, len(p.skus)) {
		sku := p.skus[(screen*Products+i)%len(p.skus)]
		s.Items = append(s.Items, optimiser.Item{SKU: sku, Stock: int((n + uint64(i)*7) % 40)})
	}
	return s
}
