// Package result is what a caller reads: how far a job is, and what came of it.
//
//	ticket.Ref ──▶ Lookup   how it stands now              *Status
//	           ├─▶ Watch    each change, until it ends     *Status, *Status, …
//	           ├─▶ Next     the next change                *Status
//	           ├─▶ Get      the result, if it is there     R
//	           ├─▶ Wait     the result, when it is there   R
//	           └─▶ Open     the result, as it is encoded   io.ReadCloser
//
// A job that ended without a result is an [EndedError], which says how; one that
// was superseded names the newer job, so that a caller can go on with that.
//
//	plan, err := result.Wait(ctx, q, ticket.Ref)
//	if ended, ok := errors.AsType[*result.EndedError](err); ok {
//		log.Print(ended.State, ended.Reason, ended.SupersededBy)
//	}
//
// # Guarantees
//
// What is read is what the record says (R1): a result that Get returned was
// committed, by the newest claim of the job, and doesn't change any more. A job is
// found by tenant and id together, in the queue and of the kind that the Queue
// stands for; any other is [queue.ErrNotFound], so that nobody reads another
// tenant's, and no result is decoded into a type that it never had.
//
// [Wait] and [Watch] don't poll: the store tells them. They outlast a store that
// is away for a few seconds; the other functions ask once. A record is kept for
// the retention of the queue (Queue.Retention), then it is ErrNotFound: a caller
// that comes later, or waits on a queue that keeps nothing, doesn't see the end.
//
// Nothing here starts a goroutine; all of it is safe for concurrent use. A setup
// without records answers [errors.ErrUnsupported].
package result
