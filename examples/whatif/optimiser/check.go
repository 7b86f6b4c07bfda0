package optimiser

import (
	"fmt"
)

// Bounds of what makes sense; beyond them somebody mistyped.
const (
	maxText  = 100       // bytes of a screen's or product's name
	maxStock = 1_000_000 // units
	maxWeeks = 26        // of lead time, mean and spread
	maxShare = 10        // ten times the price
	maxOrder = 100_000   // pounds for one order
)

// Check returns what a person should mend, in one sentence, or nil.
func (s Settings) Check() error {
	if s.Screen == "" || len(s.Screen) > maxText {
		return fmt.Errorf("screen must have 1 to %d bytes, not %d", maxText, len(s.Screen))
	}
	if s.Lifecycle < 0 || s.Lifecycle > Horizon {
		return fmt.Errorf("lifecycle must be 0 (the product stays) or 1 to %d weeks, not %d", Horizon, s.Lifecycle)
	}
	if err := checkItems(s.Items); err != nil {
		return err
	}
	if err := s.Lead.check(); err != nil {
		return err
	}
	return s.Costs.check()
}

func checkItems(items []Item) error {
	if len(items) == 0 || len(items) > MaxItems {
		return fmt.Errorf("items must be 1 to %d products, not %d", MaxItems, len(items))
	}
	seen := make(map[string]int, len(items))
	for i, item := range items {
		if err := item.check(i); err != nil {
			return err
		}
		if first, twice := seen[item.SKU]; twice {
			return fmt.Errorf("items[%d].sku %q is also items[%d].sku: each product may stand there once", i, item.SKU, first)
		}
		seen[item.SKU] = i
	}
	return nil
}

func (item Item) check(i int) error {
	if item.SKU == "" || len(item.SKU) > maxText {
		return fmt.Errorf("items[%d].sku must have 1 to %d bytes, not %d", i, maxText, len(item.SKU))
	}
	if item.Stock < 0 || item.Stock > maxStock {
		return fmt.Errorf("items[%d].stock must be 0 to %d units, not %d", i, maxStock, item.Stock)
	}
	return nil
}

func (l Lead) check() error {
	if !(l.Weeks > 0 && l.Weeks <= maxWeeks) {
		return fmt.Errorf("lead.weeks must be above 0 and at most %d, not %v", maxWeeks, l.Weeks)
	}
	return within("lead.spread", l.Spread, maxWeeks, "weeks")
}

func (c Costs) check() error {
	if err := within("costs.order", c.Order, maxOrder, "pounds"); err != nil {
		return err
	}
	for _, share := range []struct {
		name  string
		value float64
	}{
		{"costs.holding", c.Holding},
		{"costs.inbound", c.Inbound},
		{"costs.outbound", c.Outbound},
		{"costs.return", c.Return},
		{"costs.lostSale", c.LostSale},
	} {
		if err := within(share.name, share.value, maxShare, "times the price"); err != nil {
			return err
		}
	}
	return nil
}

// within wants 0 to most; a NaN is in no range.
func within(name string, value float64, most int, unit string) error {
	if value >= 0 && value <= float64(most) {
		return nil
	}
	return fmt.Errorf("%s must be 0 to %d %s, not %v", name, most, unit, value)
}
