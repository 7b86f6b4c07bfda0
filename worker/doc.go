// Package worker is what a consumer runs: a bounded pool that takes jobs from a
// queue, runs a handler, and writes down what came of it.
//
//	w := worker.New(q, optimise)
//	w.Concurrency = 16
//	err := worker.Run(ctx, w) // until ctx ends; then it drains
//
// The life of one attempt, which attempt.go reads from top to bottom:
//
//	claim ─▶ run ─▶ decide ─▶ commit ─▶ announce ─▶ release
//	 lease    the    success,   one       ready       the lease
//	 a job  handler  retry,   fenced      event,      is settled
//	                 dead …   write     write-back
//
// # Guarantees
//
// A job is claimed only for a slot that is free, and its slot is held until the
// handler's goroutine has returned. While it runs its lease is renewed; a worker
// that was paused or cut off is told that its job is another's now (queue.ErrLost),
// and whatever it writes then is refused. The outcome is one conditional write, and
// what it owes (the ready event, AfterSuccess) leaves after it, at least once, by
// this worker or another. So a handler runs at least once, and its result is
// recorded once.
//
// A job whose handler fails is retried with exponential backoff and full jitter,
// until its attempts are used up; then it is a dead letter, with the texts of its
// errors, which an operator may redrive. A job that kills its process is counted
// apart, and dead after three.
//
// A handler that returns RetryAfter was throttled. A [Limiter], such as [AIMD], hears of it
// and moves how many of the slots count, so that the pool settles below what others bear.
//
// When Run's context ends, nothing more is claimed, what has not started goes back
// without using an attempt, and handlers may finish for Grace.
package worker
