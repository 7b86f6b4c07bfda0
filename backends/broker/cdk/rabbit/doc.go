// Package rabbit is RabbitMQ as a broker.Transport: gocloud.dev/pubsub/rabbitpubsub
// through package cdk, with what the portable part lacks.
//
//	                    ┌────────── after their time ──────────┐
//	                    ▼                                      │
//	Send ──► exchange "jobs.leat" ──"2s", "4s", …──► queues "jobs.leat.2s", …
//	                    │
//	                    └──""──► queue "jobs" (quorum) ──prefetch──► Receive
//
// What it does beyond the portable part:
//
//   - Messages are persistent and confirmed by the server. A quorum queue counts
//     deliveries, a classic one only tells a repeated one from a first.
//   - A delay goes through a queue that keeps each message equally long, as a
//     queue lets go of messages in their order only. The longest that fits is
//     taken; what is left comes again, down to 5 s, which are waited for here.
//   - Acks and nacks go to the channel that a message came by. The portable ones go
//     to the channel that is open now, where a number from the one before may be
//     that of another message.
//   - A lost connection is final for the Go CDK: both ends are opened anew, each
//     with a connection of its own.
//   - When many messages went by just now, the driver gathers them for up to 50 ms:
//     so long a single one may take to come. On a quiet queue it comes at once.
//   - Leases are timers here. The server takes a message back when the connection
//     ends, or after its consumer_timeout (30 min, unless it is told another):
//     longer runs need a longer one.
//
// New opens nothing and creates nothing. Declare makes exchange and queues; so does
// a URL with create=true, for development:
//
//	cdk+rabbit://guest:guest@localhost:5672/?name=jobs&create=true&records=…
package rabbit
