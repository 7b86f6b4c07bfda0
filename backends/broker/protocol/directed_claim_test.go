package protocol

import "time"

// lostHolder is the schedule behind both halves of "a spare message is kept, and only until `until`". A worker snoozes the job:
// it sends message 2 and stalls before it acks message 1. Message 1 comes back, runs the job once more, and 2 becomes a spare. Then
// the first worker wakes, its stale ack deletes message 1, and the second worker is killed.
var lostHolder = directed{
	handler: func(rec record) answer {
		switch rec.token {
		case 1:
			return answer{runs: time.Second, verdict: snooze, again: 100 * time.Second}
		case 2:
			return answer{runs: 100 * time.Second}
		}
		return answer{runs: time.Second}
	},
	script: []scripted{{verb: "ack", fate: stallBefore}, {verb: "get record", from: 190 * time.Second, fate: killBefore}},
	cast: func(w *world) {
		w.start("client", 0, client(jobA))
		w.workers(3, 0)
	},
}

func (d directed) switching(rule string, off func(*rules), breaks kind) directed {
	d.rule, d.off, d.breaks = rule, off, breaks
	return d
}

var claimCases = []directed{
	lostHolder.switching("a spare message is kept", func(r *rules) { r.spareIsKept = false }, lost),
	lostHolder.switching("a spare message is kept only until until", func(r *rules) { r.spareIsLimited = false }, stuck),
	{
		rule: "announce before ack", off: func(r *rules) { r.announceBeforeAck = false },
		script: []scripted{{verb: "event", fate: killBefore}},
		cast: func(w *world) {
			w.start("client", 0, client(jobA))
			w.workers(2, 0)
		},
		breaks: noEvent,
	},
	{
		rule: "commit is fenced", off: func(r *rules) { r.commitIsFenced = false },
		script: []scripted{{verb: "put record", from: 500 * time.Millisecond, fate: stallBefore}},
		cast: func(w *world) {
			w.start("client", 0, client(jobA))
			w.workers(2, 0)
		},
		breaks: duplicated,
	},
}
