package protocol

import "time"

var (
	jobA = job{id: "A", tenant: "north"}
	// Two jobs of one screen, not due before both are enqueued.
	screenA = job{id: "A", tenant: "north", key: "screen", after: time.Minute}
	screenB = job{id: "B", tenant: "north", key: "screen", after: time.Minute}
)

var enqueueCases = []directed{{
	rule: "de-duplication id carries the send number", off: func(r *rules) { r.dedupCarriesSend = false },
	fifo:    true,
	handler: firstThen(answer{runs: time.Second, verdict: snooze, again: 10 * time.Second}),
	cast: func(w *world) {
		w.start("client", 0, client(jobA))
		w.workers(2, 0)
	},
	breaks: lost,
}, {
	rule: "retried enqueue sends again", off: func(r *rules) { r.retrySendsAgain = false },
	script: []scripted{{verb: "send", fate: killBefore}},
	cast: func(w *world) {
		w.dying(0, jobA)
		w.start("retry", 20*time.Second, client(jobA))
		w.workers(2, 0)
	},
	breaks: lost,
}, {
	// The retry reads a cancelled record. Its version would let the first claim write over the end.
	rule: "only the creator's message carries the hint", off: func(r *rules) { r.creatorHints = false },
	script: []scripted{{verb: "put record", fate: killAfter}, {verb: "send", from: 20 * time.Second, fate: stallAfter}},
	cast: func(w *world) {
		w.dying(0, jobA)
		w.start("canceller", 5*time.Second, func(p *process) { p.cancel("A") })
		w.start("retry", 20*time.Second, client(jobA))
		w.workers(2, 0)
	},
	breaks: illegal,
}, {
	rule: "a collation has a FIFO group of its own", off: func(r *rules) { r.collationOwnGroup = false },
	fifo:    true,
	handler: firstThen(answer{runs: time.Second, verdict: snooze, again: 10 * time.Second}),
	cast: func(w *world) {
		batch, members := batchOf(0, 0)
		w.start("splitter", 0, split(batch, members))
		w.workers(2, 0)
	},
	breaks: stuck,
}}

// batchOf has a member for each delay.
func batchOf(after ...time.Duration) (batch job, members []job) {
	batch = job{id: "batch", tenant: "north", collates: true}
	for i, d := range after {
		members = append(members, job{id: memberID(batch.id, i), tenant: "north", batch: batch.id, after: d})
	}
	return batch, members
}
