// Package sqs is Amazon SQS as a Transport of package broker: standard and FIFO
// queues, by the SDK's own client.
//
//	b, err := backends.Open(ctx, "awssqs://sqs.eu-west-1.amazonaws.com/123456789012/jobs"+
//		"?queue=whatif&records="+url.QueryEscape("dynamodb://jobs-records"))
//
// The URL is the queue's, without "https://". Parameters:
//
//	queue     the name by which programs know it
//	records   where records are kept, a URL, escaped; none = fire and forget
//	create    true makes the queue, and a dead-letter queue, if there is none
//	raw       true takes bodies as they are
//	waittime  of a receive on an empty queue, 1s to 20s; 20s
//	others    region, endpoint, profile, role …: those of gocloud.dev/aws
//
// The region follows from the host. In code, [New] takes any *sqs.Client.
//
// # What travels how
//
//	            ┌ tens, by bytes ── SendMessageBatch ─────────────▶ ┌───────┐
//	Send ───────┤                   group id: the tenant            │       │
//	            └ concurrent calls share requests                   │       │
//	Receive ◀──── at most ten ───── ReceiveMessage, long poll ───── │ queue │ ──▶ dead-letter
//	Ack ────────┐                                                   │       │     queue, drained
//	            ├ tens ──────────── DeleteMessageBatch ───────────▶ │       │     into records
//	Nack,       │                                                   │       │
//	Extend ─────┴ tens ──────────── ChangeMessageVisibilityBatch ─▶ └───────┘
//
// A job costs 0.30 requests where sixteen workers are busy with quick jobs that
// were sent in tens, and an idle worker 0.05 requests a second: TestRequestsPerJob
// and TestRequestsOfAnIdleWorker count them.
//
// # What is promised
//
// Nothing is leased that nobody asked for; there is no prefetch. What a long poll
// brings whose Receive has left goes back at once; one that Close broke off may lease a
// message that nobody hears of: it comes again when the lease is over. Times are whole seconds, rounded up. A message
// that was received is hidden for 12 h at most, all extensions and delays counted.
// A lease that has lapsed can't be renewed, though nobody took the message yet.
//
// Of a FIFO queue one message is asked for at a time, so that the jobs of a group run one
// after the other: a request for ten brings several of one group. That is two requests a job.
//
// With records, an Ack is answered at once, and the message deleted within 100 ms,
// together with others ([Options].EarlyAck): should the process die meanwhile, the
// message comes again, and its record says that the job is over.
//
// Bodies are text. What JSON can escape of the characters that SQS refuses is
// escaped; any other message with one is refused by itself, its neighbours go. Up
// to ten headers travel as attributes. Bodies of other programs come as they were
// sent: out of a notification of SNS, out of the base64 of the Go CDK.
//
// # When something is wrong
//
// Errors that somebody can mend are [*Error]: they name the right that is missing,
// or the command that makes the queue. A Receive that may not delete, or not change
// visibility, fails before it leases anything. While SQS says "too much", Receive
// waits, and asks ever more rarely. The client survives all errors: there is
// nothing to open anew.
package sqs
