// Package broker makes one backends.Backend of two things that share no
// transaction: a [Transport], which carries messages (SQS, RabbitMQ, NATS …), and
// [Records], which keep one small record per job under compare-and-set (DynamoDB,
// Postgres, S3 …). The protocol is docs/broker-protocol.md, with the NOTES of its
// model in the folder protocol; Life and the table of transitions, in package
// backends, decide each step.
//
//	        Enqueue                    Claim                      Settle
//	           │                         ▲                          │
//	  create record            what does this message mean?   commit on the token
//	           │                 one conditional write:             │
//	         send                token + 1, holder, until      announce what is owed
//	           │                         │                          │
//	   raise the pointer                 │                         ack
//	           ▼                         │                          ▼
//	┌─ Transport ────────────────────────┴───────────────────────────────────────┐
//	│  payload, lease, wake-up: the message is the outbox                        │
//	└────────────────────────────────────────────────────────────────────────────┘
//	┌─ Records ──────────────────────────────────────────────────────────────────┐
//	│  job/…: state, token, holder, outcome    place/…: the newest of a place    │
//	└────────────────────────────────────────────────────────────────────────────┘
//
// Nothing is acked before a fenced write says that the job is over and all that
// it owes has left. So there is no sweeper: a message that comes back finishes
// what is missing.
//
//	b := broker.New(transport, records, broker.Options{})
//	q := queue.New[Settings, Plan](b, "whatif")
//
// A Backend serves one queue name. Without records it fires and forgets: no
// status, result, cancel, key, supersede, batch or fencing, and Features says so.
//
// # Where things are
//
//	transport.go   what a broker must do            envelope.go  a message of ours as JSON
//	backend.go     options, features, closing       record.go    a record as JSON
//	identity.go    keys and ids                     store.go     conditional writes, sends
//	enqueue.go     create → send → acknowledge      claim.go     what a message means
//	begin.go       a job that may run               ended.go     one that is over
//	place.go       supersede and trailing           batch.go     collation by cursor
//	lease.go       what this process holds          leave.go     ack, give back, send anew
//	extend.go      beats                            settle.go    ends of attempts
//	lookup.go      reading and waiting              watch.go     who waits for which record
//	operator.go    cancel, redrive                  foreign.go   messages of other programs
//	drain.go       the broker's own dead letters    cells.go     small values
//	open.go        pairs by URL                     plain.go     life without records
//	reopen.go      a transport that mends itself    parallel.go  many calls at a time
//	health.go      what is wrong                    gate.go      the queue's cap in this process
package broker
