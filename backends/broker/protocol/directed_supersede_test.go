package protocol

import "time"

var (
	trailA = job{id: "A", tenant: "north", key: "screen", trailing: true}
	trailB = job{id: "B", tenant: "north", key: "screen", trailing: true}
)

// raiseThenStall lets A's claim stall between the pointer, which names it as running, and its record.
func raiseThenStall(d time.Duration) []scripted {
	return []scripted{{verb: "put pointer", from: time.Second, fate: stallAfter, stall: d}}
}

var supersedeCases = []directed{{
	rule: "pointer keeps the maximum order", off: func(r *rules) { r.pointerKeepsMax = false },
	script: []scripted{{verb: "send", fate: killAfter}},
	cast: func(w *world) {
		w.dying(0, screenA)
		w.start("client", 5*time.Second, client(screenB))
		w.start("retry", 20*time.Second, client(screenA))
		w.workers(2, 0)
	},
	breaks: wrongEnd,
}, {
	rule: "pointer raised after the send", off: func(r *rules) { r.pointerAfterSend = false },
	script: []scripted{{verb: "send", from: 5 * time.Second, fate: killBefore}},
	cast: func(w *world) {
		w.start("client", 0, client(screenA))
		w.dying(5*time.Second, screenB) // the ghost
		w.workers(2, 0)
	},
	breaks: wrongEnd,
}, {
	// A node whose clock is ahead has raised the pointer, so two clients at once take the same next order.
	rule: "equal orders are decided by the id", off: func(r *rules) { r.orderTiesByID = false },
	cast: func(w *world) {
		first := screenA
		first.id = "first"
		w.start("ahead", 0, client(first)).skew = time.Hour
		w.start("client", 5*time.Second, client(screenA))
		w.start("client", 5*time.Second, client(screenB))
		w.workers(2, 0)
	},
	breaks: outrun,
}, {
	rule: "only the named runner is spared", off: func(r *rules) { r.runnerIsNamed = false },
	handler: func(record) answer { return answer{runs: 50 * time.Second} },
	script:  raiseThenStall(10 * time.Second),
	cast: func(w *world) {
		a := trailA
		a.after = 5 * time.Second
		w.start("client", 0, client(a))
		w.start("client", 10*time.Second, client(trailB))
		w.workers(3, 0)
	},
	breaks: outrun,
}, {
	rule: "until is the same in pointer and record", off: func(r *rules) { r.untilIsFixed = false },
	handler: func(record) answer { return answer{runs: 100 * time.Second} },
	script:  raiseThenStall(stall),
	cast: func(w *world) {
		a, b := trailA, trailB
		a.after, b.after = 5*time.Second, 200*time.Second
		w.start("client", 0, client(a))
		w.start("client", 20*time.Second, client(b))
		w.brief(0)
		w.workers(2, 199*time.Second)
	},
	breaks: overlap,
}}
