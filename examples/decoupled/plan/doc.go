// Package plan is the expensive computation of the decoupled story: a buyer asks how
// much to order of some products, so that so much of the demand is served.
//
//	question ─▶ lead time of the supplier ─▶ each product: twelve weeks, simulated ─▶ answer
//	                 │                              thousands of times
//	                 ├─ busy: again later           (package whatif/optimiser)
//	                 └─ closed: a dead letter
//
// It knows of the queue what a handler sees: its context, its attempt, and where to
// report progress.
package plan
