package feature

import (
	"context"
	"fmt"
	"sync"

	"github.com/leat-go/leat/examples/whatif/demand"
	"github.com/leat-go/leat/examples/whatif/optimiser"
)

// Memory is an online side in this process. It is safe for concurrent use.
type Memory struct {
	shelves map[string]*shelf // by partner; never changed
	largest *shelf

	mu     sync.Mutex
	newest map[screen]Change
}

var _ Online = (*Memory)(nil)

// shelf is what one partner sells.
type shelf struct {
	skus    []string
	vectors map[string]optimiser.Vector
}

// NewMemory returns an online side with the vectors of some series.
func NewMemory(series []demand.Series) *Memory {
	m := &Memory{shelves: map[string]*shelf{}, largest: &shelf{}, newest: map[screen]Change{}}
	for _, s := range series {
		on := m.shelves[s.Partner]
		if on == nil {
			on = &shelf{vectors: map[string]optimiser.Vector{}}
			m.shelves[s.Partner] = on
		}
		on.skus = append(on.skus, s.SKU)
		on.vectors[s.SKU] = vector(s)
		if len(on.skus) > len(m.largest.skus) {
			m.largest = on
		}
	}
	return m
}

func vector(s demand.Series) optimiser.Vector {
	sold := 0
	for _, units := range s.Weekly {
		sold += units
	}
	returned := min(1, float64(s.Returned)/float64(max(1, sold)))
	return optimiser.Vector{SKU: s.SKU, Name: s.Name, Price: s.Price, Returned: returned, Weekly: s.Weekly}
}

// of returns a partner's shelf. One without a series of its own borrows that of the
// partner with the most.
func (m *Memory) of(partner string) (s *shelf, borrowed bool) {
	if own := m.shelves[partner]; own != nil {
		return own, false
	}
	return m.largest, true
}

// Catalogue lists a partner's products, always in the same order.
func (m *Memory) Catalogue(partner string) (skus []string, borrowed bool) {
	s, borrowed := m.of(partner)
	return s.skus, borrowed
}

// Vectors implements optimiser.Features.
func (m *Memory) Vectors(_ context.Context, partner string, skus []string) ([]optimiser.Vector, error) {
	s, borrowed := m.of(partner)
	vectors := make([]optimiser.Vector, len(skus))
	for i, sku := range skus {
		v, ok := s.vectors[sku]
		if !ok {
			return nil, fmt.Errorf("product %q of %q has %w", sku, partner, optimiser.ErrNoHistory)
		}
		v.Borrowed = borrowed
		vectors[i] = v
	}
	return vectors, nil
}

// Put implements Online.
func (m *Memory) Put(_ context.Context, c Change) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if old, ok := m.newest[c.screen()]; !ok || c.after(old) {
		m.newest[c.screen()] = c
	}
	return nil
}

// Newest implements Online.
func (m *Memory) Newest(context.Context) ([]Change, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return sorted(m.newest), nil
}
