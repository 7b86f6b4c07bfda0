// Package lambda runs the workers of package worker as a function of AWS Lambda: the
// same *worker.Worker, or *worker.Mux, on the events of an SQS trigger ([Handler]), or
// on a schedule ([Drain]).
//
//	tr, err := sqs.New(ctx, client, queueURL, sqs.Options{})   // sends, delays, deletes
//	trigger := lambda.NewTrigger(tr)                           // receives what events bring
//	b := broker.New(trigger, records, broker.Options{})
//	q := queue.New[Settings, Plan](b, "whatif")
//	h := lambda.New(trigger, worker.New(q, optimise))
//	lambda.Start(h)
//
// All of this is done once, at the cold start.
//
// # An invocation
//
//	SQS ──▶ event source mapping ──▶ event ──▶ Invoke                          records
//	                                             │ a batch of messages             │
//	                                             ▼                                 │
//	                               ┌─▶ a message that may begin ◀── its group,     │
//	                               │            │                   a free slot    │
//	                               │            ▼ claim: attempt + 1, token + 1 ──▶│
//	                               │         handler                               │
//	                               │            ▼ decide, commit (fenced) ────────▶│
//	                               │         announce                              │
//	                               │            ▼                                  │
//	                               └──── done │ comes again (its delay set) ◀── SQS client
//	                                          ▼
//	                 the answer: the messages that must come again
//
// What an invocation starts it waits for: when Invoke returns nothing runs, no lease is
// held, and the process may be frozen. An event's messages reach the worker by the
// context of the invocation, so several of one environment may run side by side. What a
// program has running besides, such as exporters of telemetry, it flushes in a function
// of its own around Invoke.
//
// # Time
//
// Near the deadline nothing new is started; what has not begun is made visible again
// at once, and used no attempt. A handler that runs has half of [Handler].Margin more:
// then its context ends (worker.ErrStopping), and the job is released, no attempt used,
// unless it began with the invocation: a job that had all the time that there will
// ever be has failed (worker.ErrRunLimit), else it would come again for ever. The
// context's Deadline is that end. A handler that doesn't return is reported, and its
// job comes again when its lease, 30 s, is over; what it brings later is not written.
//
// # Which answer: strict, or reported
//
// A mapping with the function response type ReportBatchItemFailures deletes what the
// answer doesn't name. One without deletes everything, whatever the answer names, and
// the event doesn't tell which one it came from. So by default a Handler is strict: it
// deletes the successes itself, and fails if a message must stay. That loses nothing
// under either mapping. Set [Handler].Report where the mapping is yours and reports:
// it saves the deletions, and a job that is retried is no error of the function. Or
// have it looked up ([Handler].Mappings).
//
// # Settings
//
//	ReportBatchItemFailures       on, and Report = true
//	visibility timeout            at least 6 × the function's timeout, and the batching window
//	maxReceiveCount               high (1,000): a message that only waits for its turn counts, too;
//	                              attempts and crashes are counted by the records
//	dead-letter queue             the last net; a long-lived worker drains it into records
//	maximum concurrency           of the mapping: what the database behind bears
//	reserved concurrency          of the function: not below the former, else SQS's messages
//	                              are received, throttled, and counted
//	batch size × job's time       within the function's timeout, at Concurrency at a time
//	Concurrency                   1 where a job may take the process down: its neighbours'
//	                              crashes are counted as well
//	timeout                       the longest job, and a tenth
//
// Rights: those of AWSLambdaSQSQueueExecutionRole, for the queue's client
// sqs:ChangeMessageVisibility and sqs:SendMessage, and those of the records
// (docs/aws.md). Without ChangeMessageVisibility delays are those of the queue, and
// the log says so.
//
// # What is promised
//
// What holds for a worker holds for a function: the record decides, its commit is
// fenced, a message goes only when its job is over and all that it owes has left, and
// poison ends as a dead letter, not as a failure of the function. An item is reported
// exactly if its message must come again: it failed, waits, was not begun, or isn't
// known to be over. A FIFO queue's groups keep their order: after one that failed the
// rest of its group is reported and not begun; groups run side by side.
//
// A process that is killed (out of memory, out of time) leaves its jobs to the next
// delivery of their messages, each with a crash counted; after queue.MaxCrashes, 3, the
// job is dead.
//
// Not promised: caps and rates beyond one environment; the order of a standard queue;
// that handlers run once. Lambda may bring an event twice, and a handler may run twice
// for it, at a time: one of them is fenced out. A record store that hangs may hold an
// invocation beyond its deadline, which then is a kill.
package lambda
