// Package queue is what a producer holds: a typed queue of jobs, on any backend.
//
//	                     ┌──────────── backend ────────────┐
//	Enqueue(args, opts) ─▶ waiting ─▶ running ─▶ succeeded  │─▶ worker.Worker runs the handler
//	       │             │    ▲          │        dead …    │
//	       ▼             │    └─ retry ──┘                  │
//	    Ticket ──────────┴── result.Wait(ticket.Ref) ───────┘
//
// One [Queue] value says what producers, workers and readers must agree on: its
// name, the types of args and results, limits, retention, codec. Share the
// function that makes it between the programs.
//
//	type Settings struct{ Partner, SKU string }
//	type Plan struct{ ReorderPoint, OrderQuantity int }
//
//	func WhatIf(ctx context.Context) (*queue.Queue[Settings, Plan], error) {
//		return queue.Open[Settings, Plan](ctx, os.Getenv("LEAT_URL")) // memory://?queue=whatif
//	}
//
// # Guarantees
//
// An Enqueue that returned without error is never lost, as far as the backend's
// durability reaches. A [Key] makes it idempotent: the same request again, a
// hundred at once too, is one job. Delivery to handlers is at least once; what the
// library itself writes (outcome, result, the id of an event) takes effect once.
// Claims go round the tenants that have work, so that one's flood doesn't delay
// the others. Args travel encoded once and are decoded once.
//
// What a setup can't do (a broker without records has no keys, say) answers
// [errors.ErrUnsupported].
package queue
