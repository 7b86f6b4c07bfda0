package protocol

import "time"

const (
	muchLater = 150 * time.Minute // when even a lazy store has deleted what was kept for the retention of ends
	ageLater  = 5 * time.Hour     // … for that of the queue
)

var lifeCases = []directed{{
	rule: "redrive by message", off: func(r *rules) { r.redriveByMessage = false },
	handler: firstThen(answer{runs: time.Second, verdict: permanent}),
	script:  []scripted{{verb: "send", from: time.Minute, fate: killBefore}},
	cast: func(w *world) {
		w.start("client", 0, client(jobA))
		w.workers(2, 0)
		w.start("operator", time.Minute, redriver).once = true
		w.start("operator", 2*time.Minute, redriver)
	},
	breaks: stuck,
}, {
	rule: "a revival announces the end before it", off: func(r *rules) { r.reviveAnnounces = false },
	handler: firstThen(answer{runs: time.Second, verdict: permanent}),
	script:  []scripted{{verb: "event", fate: killBefore}},
	cast: func(w *world) {
		w.start("client", 0, client(jobA))
		w.workers(2, 0)
		w.start("operator", 5*time.Second, redriver)
	},
	breaks: noEvent,
}, {
	rule: "a redrive keeps the record", off: func(r *rules) { r.redriveKeepsRecord = false },
	handler: firstThen(answer{runs: time.Second, verdict: permanent}),
	cast: func(w *world) {
		w.start("client", 0, client(jobA))
		w.brief(0)
		w.start("operator", queueRetention-10*time.Minute, redriver)
		w.workers(1, queueRetention+70*time.Minute)
	},
	breaks: lost,
}, {
	rule: "an end outlives the queue: cancelled before its message came", off: func(r *rules) { r.endsOutliveQueue = false },
	cast: func(w *world) {
		a := jobA
		a.after = muchLater
		w.start("client", 0, client(a))
		w.start("canceller", 5*time.Second, func(p *process) { p.cancel("A") })
		w.workers(1, 0)
	},
	breaks: noEvent,
}, {
	// A worker stalls with the first message, which another one takes and replaces by a snoozed one; the job is cancelled; the first
	// worker wakes, adds the payload and is killed. Much later the snoozed message must still find the record.
	rule: "an end outlives the queue: a stale delivery wrote it and died", off: func(r *rules) { r.endsOutliveQueue = false },
	handler: firstThen(answer{runs: time.Second, verdict: snooze, again: muchLater}),
	script: []scripted{
		{verb: "put record", from: time.Second, fate: stallBefore}, {verb: "event", from: 100 * time.Second, fate: killBefore},
	},
	cast: func(w *world) {
		a := jobA
		a.after = 5 * time.Second
		w.start("client", 0, client(a))
		w.brief(0)
		w.workers(1, 10*time.Second)
		w.start("canceller", time.Minute, func(p *process) { p.cancel("A") })
	},
	breaks: noEvent,
}, {
	rule: "an end outlives the queue: a member waits for its collation", off: func(r *rules) { r.endsOutliveQueue = false },
	cast: func(w *world) {
		batch, members := batchOf(muchLater, 0)
		w.start("splitter", 0, split(batch, members))
		w.workers(1, 0)
	},
	breaks: stuck,
}, {
	rule: "a new life takes a generation that no old message has", off: func(r *rules) { r.livesAreNumbered = false },
	script: []scripted{{verb: "send", fate: lostReply}},
	cast:   twoLives,
	breaks: unexpected,
}, {
	rule: "a hint is trusted only within the queue's retention", off: func(r *rules) { r.hintIsYoung = false },
	script: []scripted{{verb: "send", fate: lostReply}},
	cast:   twoLives,
	breaks: illegal,
}, {
	rule:   "a message without a record that is older than the retention is dead-lettered",
	off:    func(r *rules) { r.oldIsDeadLettered = false },
	script: []scripted{{verb: "ack", fate: killBefore}},
	cast: func(w *world) {
		w.start("intruder", 0, intrude("north", 1))
		w.brief(0)
		w.workers(1, ageLater)
	},
	breaks: duplicated,
}}

// twoLives: one message of the first life is never looked at before the second life is there.
func twoLives(w *world) {
	w.start("client", 0, client(jobA))
	w.brief(0)
	w.start("client", ageLater, func(p *process) {
		p.insist(func() { p.enqueue(jobA, 2) })
		p.history.acknowledged(p, "A")
	})
	w.workers(1, ageLater+time.Second)
}
