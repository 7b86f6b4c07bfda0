package protocol

// rules are the lines of the protocol that can be switched off, one by one, to see what breaks without them. All true is the protocol.
type rules struct {
	// The table of docs/broker-protocol.md.
	dedupCarriesSend  bool // de-duplication id carries the send number
	pointerKeepsMax   bool // pointer keeps the maximum order (off: it names whoever raised it last, and only that job is not overtaken)
	pointerAfterSend  bool // pointer raised after the send
	retrySendsAgain   bool // retried enqueue sends again
	announceBeforeAck bool // announce before ack
	commitIsFenced    bool // commit is fenced
	spareIsKept       bool // a spare message is kept …
	spareIsLimited    bool // … and only until `until`
	redriveByMessage  bool // redrive by message
	onlyHolderSteals  bool // only the holder message may steal

	// Of its text.
	livesAreNumbered  bool // a new life takes a generation that no old message has
	oldIsDeadLettered bool // a message without a record that is older than the retention is dead-lettered

	// What the model found missing (NOTES.md).
	reviveAnnounces    bool // a revival first announces the end that it overwrites
	creatorHints       bool // only the creator's message carries the version hint
	hintIsYoung        bool // a version hint is trusted only within the retention
	endsOutliveQueue   bool // an ended record is kept at least as long as the queue keeps a message
	redriveKeepsRecord bool // a redrive first sees to it that the record outlives its message
	orderTiesByID      bool // two equal orders are decided by the id
	runnerIsNamed      bool // a trailing newest spares only the job that the pointer names as running
	untilIsFixed       bool // a claim writes the same until into pointer and record
	collationOwnGroup  bool // on FIFO a collation's message waits in a group of its own
}

func allRules() rules {
	return rules{
		dedupCarriesSend: true, pointerKeepsMax: true, pointerAfterSend: true, retrySendsAgain: true, announceBeforeAck: true,
		commitIsFenced: true, spareIsKept: true, spareIsLimited: true, redriveByMessage: true, onlyHolderSteals: true,
		livesAreNumbered: true, oldIsDeadLettered: true,
		reviveAnnounces: true, creatorHints: true, hintIsYoung: true, endsOutliveQueue: true,
		redriveKeepsRecord: true, orderTiesByID: true, runnerIsNamed: true, untilIsFixed: true,
		collationOwnGroup: true,
	}
}

// without is the protocol with one rule switched off.
func without(off func(*rules)) rules {
	r := allRules()
	off(&r)
	return r
}
