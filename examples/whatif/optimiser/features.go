package optimiser

import (
	"context"
	"errors"
)

// Vector is what the feature store knows of one product of one partner.
type Vector struct {
	SKU      string  `json:"sku"`
	Name     string  `json:"name"`
	Price    float64 `json:"price"`    // of one unit, pounds
	Returned float64 `json:"returned"` // share of the sold units that came back, 0 to 1
	Weekly   []int   `json:"weekly"`   // units sold in each past week, the oldest first
	Borrowed bool    `json:"borrowed"` // the partner has no history of its own: this is the largest partner's
}

// ErrNoHistory says that a product was never sold, as far as anybody knows.
var ErrNoHistory = errors.New("no history")

// Features is the side of a feature store that a job reads.
type Features interface {
	// Vectors returns the vectors of a partner's products, parallel to skus. A
	// product without one is an error that matches ErrNoHistory and names it.
	Vectors(ctx context.Context, partner string, skus []string) ([]Vector, error)
}
