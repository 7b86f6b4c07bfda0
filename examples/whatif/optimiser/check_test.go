package optimiser

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// question is a sound one, for tests to spoil.
func question(skus ...string) Settings {
	s := Settings{
		Screen: "screen 9",
		Lead:   Lead{Weeks: 2, Spread: 0.7},
		Costs:  Costs{Holding: 0.25, Order: 20, Inbound: 0.04, Outbound: 0.08, Return: 0.1, LostSale: 0.2},
		Seed:   1,
	}
	for _, sku := range skus {
		s.Items = append(s.Items, Item{SKU: sku, Stock: 20})
	}
	return s
}

func TestAbsurdSettingsAreRefusedInASentence(t *testing.T) {
	for want, spoil := range map[string]func(*Settings){
		"screen must have":       func(s *Settings) { s.Screen = "" },
		"screen must have 1":     func(s *Settings) { s.Screen = strings.Repeat("x", 101) },
		"lifecycle must be":      func(s *Settings) { s.Lifecycle = 13 },
		"lifecycle must be 0":    func(s *Settings) { s.Lifecycle = -1 },
		"items must be 1":        func(s *Settings) { s.Items = nil },
		"items must be 1 to":     func(s *Settings) { s.Items = slices.Repeat(s.Items, 101) },
		"items[1].sku \"a\" is":  func(s *Settings) { s.Items = append(s.Items, s.Items[0]) },
		"items[0].sku must":      func(s *Settings) { s.Items[0].SKU = "" },
		"items[0].stock must be": func(s *Settings) { s.Items[0].Stock = -1 },
		"stock must be 0":        func(s *Settings) { s.Items[0].Stock = math.MaxInt },
		"lead.weeks must be":     func(s *Settings) { s.Lead.Weeks = 0 },
		"lead.weeks must":        func(s *Settings) { s.Lead.Weeks = math.NaN() },
		"lead.weeks":             func(s *Settings) { s.Lead.Weeks = 27 },
		"lead.spread must be":    func(s *Settings) { s.Lead.Spread = -1 },
		"lead.spread must":       func(s *Settings) { s.Lead.Spread = math.Inf(1) },
		"costs.order must be":    func(s *Settings) { s.Costs.Order = -0.01 },
		"costs.holding must be":  func(s *Settings) { s.Costs.Holding = 11 },
		"costs.inbound must be":  func(s *Settings) { s.Costs.Inbound = math.NaN() },
		"costs.outbound must be": func(s *Settings) { s.Costs.Outbound = -1 },
		"costs.return must be":   func(s *Settings) { s.Costs.Return = 1e9 },
		"costs.lostSale must be": func(s *Settings) { s.Costs.LostSale = -1 },
	} {
		s := question("a")
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
		spoil(&s)
		if err := s.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// Whatever Check lets through gives a plan of finite numbers, never worse than today's.
func FuzzSettingsThatCheckGiveAPlan(f *testing.F) {
	f.Add(2.0, 0.7, 0.25, 5.0, 0.4, 0, 10, 3, 40)
	f.Add(26.0, 26.0, 0.0, 0.0, 0.0, 12, 0, 0, 1)
	f.Add(1e-9, 10.0, 10.0, 1e5, 10.0, 1, 1_000_000, 100_000, 60)
	f.Fuzz(func(t *testing.T, weeks, spread, holding, order, lost float64, lifecycle, stock, sold, history int) {
		s := question("a")
		s.Lead, s.Lifecycle, s.Items[0].Stock = Lead{weeks, spread}, lifecycle, stock
		s.Costs.Holding, s.Costs.Order, s.Costs.LostSale = holding, order, lost
		if s.Check() != nil {
			return
		}
		v := Vector{SKU: "a", Price: 3, Returned: 0.1, Weekly: make([]int, 1+abs(history)%60)}
		for i := range v.Weekly {
			v.Weekly[i] = i % 3 * (abs(sold) % 100_000)
		}
		d, err := s.decide(t.Context(), v, s.Items[0])
		if err != nil || !(math.Abs(d.After) < 1e12) || d.After > d.Before || d.New != d.New.legal() {
			t.Errorf("%+v %v", d, err)
		}
	})
}

func abs(n int) int { return max(n, -(n + 1)) }
