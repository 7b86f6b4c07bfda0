// Package cdk makes a [broker.Transport] of any *pubsub.Topic and
// *pubsub.Subscription of the Go CDK (gocloud.dev/pubsub): what has a driver there
// and no room of its own here.
//
//	     Send                 Receive            Ack, Nack, Extend
//	      │                      ▲                      │
//	┌─ sender ─────┐     ┌─ receiver ───────────────────▼──────────┐
//	│ opened anew  │     │ intake: one    ──►  holdings: a timer   │
//	│ after a send │     │ message at a        each, of the lease  │
//	│ that failed  │     │ time, on demand     or of the delay     │
//	└──────┬───────┘     └──────▲───────────────────┬──────────────┘
//	       ▼                    │                   ▼
//	 *pubsub.Topic        *pubsub.Subscription: acks and nacks
//
// The Go CDK knows neither leases nor delays, so both are kept in this process:
//
//   - A lease ends by a timer that nacks the message. When the process dies, the
//     broker's own deadline (or the end of its connection) does it. What comes again
//     because that deadline is shorter is known here, but not in other processes,
//     where a job that still runs would be run again: make it longer than the
//     longest run, or say MaxLease in Hooks.Facts.
//   - A message with a delay waits here, unacked, and is nacked when its time has
//     come, MaxNack at most. So each delayed job is in the memory of one process;
//     Close gives all back at once. Hooks.Send and Facts.MaxDelay tell of a broker
//     that can delay by itself.
//   - Where a driver can't nack, a message whose lease or delay is over is handed
//     out once more by this process; others get it when the broker's deadline is over.
//
// A Subscription that failed once fails for ever, so it is opened anew, with
// backoff, and so is a topic after a send that failed. What was handed out goes on:
// when the broker delivers it again by the new connection, its holder goes on
// holding it. Only what is settled meanwhile may fail, or be lost: a failed ack
// shows up only as the error of a later Receive, unless Hooks.Ack tells at once.
// The protocol of package broker stands a message that comes again.
//
// # Prefetch
//
// A Subscription takes more than it is asked for, by its own reckoning, unless it
// was opened with receive options {MaxBatchSize: 1, MaxHandlers: 1}: then no
// message is leased but those that Receive returns. With other options
// Hooks.Prefetch says how many may wait inside, so that Close gives them back.
// What a request brings that was under way at Close lapses.
//
//	t := cdk.New(cdk.Options{Topic: openTopic, Subscription: openSubscription})
//	b := broker.New(t, records, broker.Options{Queue: "whatif"})
package cdk
