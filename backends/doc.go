// Package backends is the contract under which jobs live: one interface for
// databases, where the queue and the record are one row, and for brokers, where
// a message and a record are kept by two systems that share no transaction.
//
//	producer ── Enqueue ─▶ ┌─────────┐ ─ Claim ──▶ worker
//	caller   ── Lookup ──▶ │ Backend │ ◀─ Extend ─ worker, every few seconds
//	                       └─────────┘ ◀─ Settle ─ worker, once per attempt
//
// The comments on [Backend] and its requests are the specification;
// package backendtest is the same specification as a test suite, and a Backend
// is what passes it. The life of one job, decided by pure functions that every
// store shares, is drawn at [Life]; the arrows it may follow are the table in
// transition.go.
//
// # Guarantees
//
// An acknowledged Enqueue is never lost. Delivery is at least once. What the
// library itself writes (outcome, result, count-down of a batch, the id of an
// event) takes effect once, because every step of a job's life is one
// conditional write on a token that a later claim makes stale.
//
// # Rules
//
// R1 to R18 in comments and test names are the rules of docs/rules.md. A rule
// that a Backend can't keep is a false field of its [Features], and a call that
// needs it answers [errors.ErrUnsupported]; nothing panics.
//
// This package imports nothing but the standard library, and opening a Backend
// by URL compiles only the drivers that the program itself imports (see [Mux]).
package backends
