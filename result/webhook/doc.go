// Package webhook tells HTTP receivers that jobs have ended: signed call-backs
// after the Standard Webhooks specification (https://www.standardwebhooks.com),
// delivered through a queue of Leat's own.
//
//	worker ─ commit ─▶ record ─ owed ─▶ Announcer ─ Enqueue, keyed ─▶ delivery queue
//	                     ▲                  │                            │    ▲
//	                     └── announced ◀────┘                            ▼    └─ Backoff ─┐
//	                                                        worker: Sender.Deliver ───────┤
//	                                                             │    ▲                   ▼
//	                                             Lookup, sign,   │    │ 2xx, 410,     dead letter,
//	                                             POST            ▼    │ else again    redriven by an
//	                                                          receiver: Verify        operator
//
// An [Announcer] makes one job of each event and target, under a key of both, so
// that an event announced twice is one delivery, and none is lost between the two
// queues. A [Sender] runs these jobs. They carry neither URLs nor secrets: Lookup
// finds those at each attempt, so that a rotation, or the end of a subscription,
// counts at once.
//
//	deliveries := webhook.Recommend(queue.New[webhook.Delivery, queue.None](backend, "webhooks"))
//	q.Announce = &webhook.Announcer{Queue: deliveries, Targets: registered}
//	sender := &webhook.Sender{Lookup: endpoint, Gone: disable}
//	err := worker.Run(ctx, worker.New(q, optimise), sender.Worker(deliveries))
//
// # What is sent
//
//	POST /hooks HTTP/1.1
//	content-type: application/json
//	webhook-id: k7xqa2b…_ltq0m8xs        one per end of a job, the same at every attempt
//	webhook-timestamp: 1796810101        of this attempt, in seconds
//	webhook-signature: v1,g0hM9Ss…=      HMAC-SHA256 of id.timestamp.body; one per secret, with spaces between
//
//	{
//	  "type": "job.succeeded",             or dead, cancelled, superseded, expired
//	  "timestamp": "2026-12-09T10:15:00.5Z",
//	  "data": {
//	    "queue": "whatif", "kind": "optimise", "tenant": "zeta", "id": "…",
//	    "generation": 1796810000000, "order": "1796810100000000000", "place": "zeta/screen-9",
//	    "state": "succeeded", "reason": "…", "supersededBy": "…", "attempt": 1,
//	    "created": "2026-12-09T10:14:00Z", "ended": "2026-12-09T10:15:00.5Z"
//	  }
//	}
//
// What is empty is left out; [Message] has each member's meaning. There is neither
// args nor result in it: a receiver asks for the result, with credentials of its
// own, if it may have it.
//
// # Guarantees, and what a receiver does
//
// Every end of a job is sent to each of its targets at least once, in no order, until
// it answers 2xx within Timeout, or the attempts are used up. One tenant's targets
// don't hold up another's. A receiver
//
//   - calls [Verify] on the raw body, or any library of Standard Webhooks;
//   - forgets a call-back whose webhook-id it has seen: it keeps ids for four days, or
//     for as long as its operator redrives dead letters (14 days by default);
//   - of two of one place (queue, tenant, place) keeps the one of the higher order;
//   - answers 2xx soon, and works afterwards; 410 to hear no more; 429 or 503 with
//     Retry-After to be spared for a while, which lengthens the wait and never
//     shortens it. Any other answer is a failure, and tried again.
//
// The id is the event's. A second announcement of it, later than Retention of the
// delivery queue, makes a second delivery with the same id.
//
// # Rotating a secret
//
// Make a second one by [NewSecret] and let Lookup return both: call-backs carry two
// signatures from the next attempt on. When the receiver knows the new one, drop the
// old one. A secret that was stolen is dropped at once.
//
// # Settings
//
// [Recommend] and [Sender.Worker] set what Standard Webhooks suggests: ten attempts
// over 75 hours, by [Backoff], then a dead letter. Queue.DeadLetters and
// Queue.Redrive bring what a receiver missed in a longer outage. On a backend
// without keys announcing is refused with [errors.ErrUnsupported], and stays owed.
//
// # Security
//
// URLs are the tenants', so a Sender is a way into your network unless it is kept
// out. It dials no address that is not of the public internet ([ErrAddress]), which
// is checked for each connection, after the name's lookup; speaks https only; takes
// no proxy from the environment, no cookies and no credentials in URLs; follows at
// most three redirects, with 307 or 308, and on the same server; and bounds time,
// headers and body of an answer. Errors and logs have hosts and statuses, never a
// query, a secret or what a receiver answered.
//
// Receivers on premises are let in by Sender.AllowAddr, one by one. To take URLs
// from people is to show them, by the errors, what a server can reach: show those
// to operators only.
package webhook
