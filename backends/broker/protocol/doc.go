// Package protocol is the broker protocol as a model that can be read and run. It has no code for users: everything is in its tests.
//
// The protocol is written down in docs/broker-protocol.md. It makes a job backend of a broker and a record store that share no transaction. Its one idea is that the message is the
// outbox: nothing is acked before a conditional write says that the job is over and everything it owes has left.
//
//	enqueue   create record → send → raise pointer → acknowledge
//	claim     what does this message mean? … → one conditional write: token + 1, attempt + 1, holder, until
//	run       extend the message, look at the record and the pointer
//	settle    commit on the token → announce → ack        retry: commit, nack      snooze: commit, send anew, ack
//
// # What is in it
//
// One seed gives one history: a virtual clock ([iter.Pull] coroutines instead of goroutines), a broker (leases, delays with a maximum,
// redelivery, double and very late delivery, stale acks that delete; or FIFO groups with de-duplication), a compare-and-set store that
// deletes what has expired some time later, and processes that read as straight-line code though each of their calls may be where they are
// killed, stall for six leases, get an error before or after the effect, or lose the reply and repeat. A storm of faults is followed
// by a calm in which everything must settle.
//
// The protocol itself is in enqueue_test.go, claim_test.go, heartbeat_test.go, settle_test.go, announce_test.go, supersede_test.go,
// trailing_test.go, collate_test.go, redrive_test.go, cancel_test.go, foreign_test.go and expiry_test.go. Left out: Lambda, and draining
// the broker's own dead-letter queue.
//
// # What must hold
//
//   - lost 0: an acknowledged enqueue, redrive or foreign message has a final outcome.
//   - unexpected 0: no result of another payload, no event that the record does not bear out.
//   - duplicated 0: one committed outcome per id and generation.
//   - no event 0: for every end the ready event left at least once, with its order, and for every success the write-back.
//   - superseded wrongly 0, not superseded 0: the newest acknowledged job of a key is never superseded but by a newer one that was
//     acknowledged or sent; one that was overtaken before its message was delivered never succeeds.
//   - illegal transition 0, by the one table in transitions_test.go; tokens rise, attempts are counted at the claim.
//   - collated early 0: a collation runs after its members ended. Not trailing 0: a trailing job lets the running one finish.
//   - stuck 0: no message goes round for ever, no life is without an end.
//
// # How to run it
//
//	go test ./backends/broker/protocol                                                       20,000 seeds, every mutant
//	go test ./backends/broker/protocol -short                                                2,000 seeds
//	go test ./backends/broker/protocol -run TestProtocol -seeds=1000000 -timeout 1h          a soak (or LEAT_SEEDS), per scenario
//	go test ./backends/broker/protocol -run TestProtocol/fifo -seed=17 -events -v            one seed (or LEAT_SEED), all of it
//	go test ./backends/broker/protocol -run TestMutant -rates -seeds=20000 -v                how many seeds kill each mutant
//
// Each rule can be switched off (rules_test.go). TestDirected holds every rule by a short hand-written schedule, TestMutant by random
// runs, TestRecorded by seeds where those are rare. What the model found missing in the
// protocol is in NOTES.md.
package protocol
