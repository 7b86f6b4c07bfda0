// Package optimiser is the expensive computation of the what-if story: how should a
// partner replenish the products of a screen over the next twelve weeks?
package optimiser
