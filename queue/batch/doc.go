// Package batch splits a large piece of work into slices, and collates what became of them
// once, when the last one has ended (R14).
//
//	Start ─▶ collation job: there from the start, held, with a place and progress
//	  │          ▲ counted down in the commit of each slice's end │
//	  ├─▶ slice 0 ─┤                                              ▼
//	  ├─▶ slice 1 ─┤                                    runs: Collate, Parts
//	  ├─▶ …        │
//	  └─▶ sealed: no more slices
//
// Slices are references, page numbers or keys of objects, not data: they come from an
// iterator, and no more than a few hundred are held in memory. They are jobs of their own, of
// a queue or kind of their own, with all that jobs have: retries, caps, fair turns, dead
// letters. Their results are read by the collating handler as an iterator, in order.
//
//	nightly := batch.Batch[Page, Totals, Night, Report]{
//		Slices:  queue.View[Page, Totals](q, "page"),
//		Collate: queue.View[Night, Report](q, "report"),
//	}
//	ticket, err := nightly.Start(ctx, night, pages, queue.Key("night 2026-12-09"))
//
// and in the worker:
//
//	w := worker.New(nightly.Collate, nightly.Handler(func(ctx context.Context, job *queue.Job[Night], parts batch.Parts[Totals]) (Report, error) {
//		for part, err := range parts.All(ctx) { … }
//	}))
//
// # When things die
//
// A batch that has a key may be started again: by the next attempt of the job that splits,
// or by hand. What is there already is not created twice; the iterator must give the same
// slices in the same order, else Start says [queue.ErrKeyReused]. A slice that is done several
// times, redriven or stolen counts once. The collation job may run again, as any job: its
// result is recorded once, and its input is complete each time.
//
// # When slices fail
//
// Tolerate says how many slices may end without a result. One more, and the collation job
// runs as soon as a worker has room for it: [Batch.Handler] cancels what has not ended, and the handler sees
// [Parts.Failed], and which. It decides what that means, by its own error. Where slices take
// long, have another pool work on the collation than on them, as above.
//
// A batch that expires (queue.Expiry) takes its slices along: their deadline is its own. To
// cancel all is [Batch.Cancel].
//
// # What a setup can do
//
// Both queues are on one backend, which has records; without, Start says
// [errors.ErrUnsupported]. Stores count; behind a broker the collation job looks at its slices,
// in order, and starts soon after the last one's end, and its progress is a lower bound.
// The records of slices must outlive the batch: Queue.Retention is counted from each
// slice's own end.
package batch
