// Package demand reads what was sold and what was asked for: series of weekly
// demand, and the moments at which partners came. Without files there is a
// synthetic sample.
package demand

import "time"

// Series is the weekly demand for one product of one partner.
type Series struct {
	Partner  string
	SKU      string
	Name     string
	Price    float64 // of one unit, pounds
	Returned int     // units that came back, of all weeks
	Weekly   []int   // units sold in each week, the oldest first
}

// Arrival is one visit of a partner.
type Arrival struct {
	At      time.Time
	Partner string
	Order   string // what the visit is known by
	Lines   int    // products it is about
	Units   int
}
