// Package inbox is a [broker.Transport] whose messages somebody else received: the
// event of a function, the body of a request. Whoever brings them makes a [Batch],
// puts it into the context of a worker's run, and asks in the end what became of each.
//
//	Batch ──(context of the run)──▶ Receive ──▶ a job runs ──┐
//	  ▲                                                      │ after a fenced write
//	  │            Ack, Nack: noted here, and passed on to   │
//	  └─────────── the queue that the messages came from ◀───┘
//
// So a run sees the messages of its own batch and no others, any number of runs share
// one Transport, and nothing is left behind when a run is over.
//
// A message is handed out once. In an ordered batch those of a group are handed out
// one by one, and none after one that came back.
package inbox
