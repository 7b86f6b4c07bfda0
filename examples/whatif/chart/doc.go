// Package chart draws what two policies do to the stock and the cost of a product,
// as an SVG file that needs nothing else: no script, no font, no style sheet.
package chart

// Chart is one picture: two panels of the same weeks.
type Chart struct {
	Title    string // the product
	Subtitle string
	Old, New Side
}

// Side is one policy.
type Side struct {
	Label string  // the policy in words
	Price float64 // pounds, the 75th percentile of cost
	Stock []Band  // units on hand, of each week from 0
	Cost  []Band  // pounds spent until then; as many
}

// Band is a spread: one in ten is below Low, half are below Mid, one in ten is above
// High.
type Band struct{ Low, Mid, High float64 }
