// Package announce sends "result ready" events to any topic of
// gocloud.dev/pubsub (SNS, SQS, Google Pub/Sub, Azure Service Bus, Kafka, NATS,
// RabbitMQ, memory), and reads them on the other side. It is a
// [queue.Announcer].
//
//	worker ─ commit ─▶ record ─ owed ─▶ Topic.Announce ─▶ pubsub topic ─▶ your consumer ─▶ Parse
//	                     ▲                     │
//	                     └──── announced ──────┘   (or again later, if that failed)
//
// An event says that a job has ended, and how; the result itself is read with
// package result, or isn't. It is a CloudEvent 1.0 in JSON, in structured mode:
// one body, whatever the topic does with headers.
//
//	{
//	  "specversion": "1.0",
//	  "id": "…",                              one per end of a job
//	  "source": "/leat",
//	  "type": "leat.job.succeeded",           or dead, cancelled, superseded, expired
//	  "subject": "…",                         id of the job
//	  "time": "2026-12-09T10:15:00.5Z",
//	  "datacontenttype": "application/json",
//	  "traceparent": "00-…-…-01",             if the job has one; and tracestate
//	  "data": {
//	    "queue": "whatif", "kind": "optimise", "tenant": "zeta", "id": "…",
//	    "generation": 1796810000000, "order": "1796810100000000000", "place": "zeta/screen-9",
//	    "state": "succeeded", "reason": "…", "supersededBy": "…", "attempt": 1,
//	    "created": "2026-12-09T10:14:00Z", "ended": "2026-12-09T10:15:00.5Z"
//	  }
//	}
//
// What is empty is left out. The order is a string, since JavaScript reads
// numbers above 2^53 as others. The body is ASCII, so that no broker finds a
// character in it that it refuses.
//
// A message has the attributes content-type, type, queue, kind, tenant and state,
// for subscriptions that filter; a character outside U+0021 to U+007E, '"' and '%'
// are percent-encoded there, as CloudEvents does in HTTP headers.
//
// # Guarantees, and what a consumer does
//
// Every end of a job of a queue that announces is sent at least once, in no
// order. So a consumer
//
//   - forgets an event whose id it has seen;
//   - of two events of one place (queue, tenant and supersede key) keeps the one
//     of the higher order;
//   - acknowledges what Parse refuses, since it will refuse it again.
//
// The example shows one.
package announce
