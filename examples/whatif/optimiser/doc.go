// Package optimiser is the expensive computation of the what-if story: how should a
// partner replenish the products of a screen over the next twelve weeks?
//
//	settings ─┐                                   ┌─ search ─┐
//	          ├─▶ 128 futures of each product ──▶ │  (t0, Q0, s, Q)  ──▶ plan
//	vectors ──┘   demand, lead times              └─ 75th percentile of cost ─┘
//
// A future is twelve weeks of demand and the lead time of each week's order. Demand
// is the product's own history, in blocks of four weeks that are drawn again (the
// moving block bootstrap of Künsch, 1989), at a level that drifts as it did in that
// history; lead times are gamma distributed. All policies meet the same futures.
//
// A policy is simulated event by event: weekly reviews, orders that arrive at any
// moment, demand that flows evenly through its week and is lost where there is no
// stock. It costs what it holds, orders, receives, sends out, takes back and loses.
// At the end of its life a product's stock goes back; one that stays is worth what
// the economic order quantity model says, or a policy would win by not ordering in
// the last weeks.
//
// Hooke and Jeeves's pattern search (1961) looks for the policy with the lowest 75th
// percentile of cost, from the rule in use today on, so that it is never worse than
// that rule on these futures. How much better it is on demand that it has not seen is
// in outofsample_test.go.
package optimiser
