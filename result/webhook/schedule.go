package webhook

import (
	"cmp"
	"math/rand/v2"
	"time"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// delays are the waits between attempts that Standard Webhooks 1.0 gives as its
// example: 75 hours and 35 minutes in all.
var delays = [...]time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// Attempts is how often a delivery is tried, by default, before it is a dead letter.
const Attempts = len(delays) + 1

// Backoff is the wait after the n-th attempt failed, from 1: 5 s, 5 min, 30 min,
// 2 h, 5 h, 10 h, 14 h, 20 h, 24 h, and up to a fifth more, so that what failed
// together doesn't come back together.
func Backoff(attempt int) time.Duration {
	d := delays[min(max(attempt, 1), len(delays))-1]
	return d + rand.N(d/5)
}

// The recommended bounds of deliveries that are under way: a receiver that answers
// slowly holds a slot for Timeout, and one tenant must not hold them all.
const (
	Concurrency = 64
	PerTenant   = 8
)

// Recommend sets the facts of a delivery queue that are still zero: MaxAttempts =
// [Attempts], and at most [PerTenant] deliveries of a tenant at a time, where the
// backend counts them. All programs that hold the queue call it. It returns q.
func Recommend(q *queue.Queue[Delivery, queue.None]) *queue.Queue[Delivery, queue.None] {
	q.MaxAttempts = cmp.Or(q.MaxAttempts, Attempts)
	q.Tenant.Cap.InFlight = cmp.Or(q.Tenant.Cap.InFlight, PerTenant)
	return q
}

// Worker returns a worker of a delivery queue with the recommended facts: Deliver,
// [Backoff], and [Concurrency] deliveries at a time.
func (s *Sender) Worker(q *queue.Queue[Delivery, queue.None]) *worker.Worker[Delivery, queue.None] {
	w := worker.New(q, s.Deliver)
	w.Backoff, w.Concurrency = Backoff, Concurrency
	w.RunLimit = s.timeout() + time.Minute // for the hooks
	return w
}
