package protocol

import (
	"testing"
	"time"
)

// What a newer job of the key does to a running one: a plain one supersedes it, a trailing one waits for it.
func TestNewerMeetsRunning(t *testing.T) {
	for _, c := range []struct {
		trailing bool
		older    state
		began    instant // of the newer one, at the earliest
	}{
		{false, superseded, 10 * time.Second},
		{true, succeeded, 50 * time.Second},
	} {
		a, b := trailA, trailB
		a.trailing, b.trailing = c.trailing, c.trailing
		w := directed{
			handler: func(record) answer { return answer{runs: 50 * time.Second} },
			cast: func(w *world) {
				w.start("client", 0, client(a))
				w.start("client", 10*time.Second, client(b))
				w.workers(2, 0)
			},
		}.run(allRules())
		older, newer := w.history.jobs["A"], w.history.jobs["B"]
		if w.history.failed() || older.last.state != c.older || newer.last.state != succeeded || newer.claim.at < c.began {
			t.Errorf("trailing %v: older %v, newer %v claimed at %v, violations %v\n%s",
				c.trailing, older.last.state, newer.last.state, newer.claim.at, w.history.violations, w.log.of("", 60))
		}
	}
}

// A spare that comes while the job runs leaves its worker alone.
func TestSpareLeavesTheRunningAlone(t *testing.T) {
	d := directed{
		handler: func(record) answer { return answer{runs: 100 * time.Second} },
		script:  []scripted{{verb: "send", fate: lostReply}},
		cast: func(w *world) {
			w.start("client", 0, client(jobA))
			w.workers(2, 0)
		},
	}
	if w := d.run(allRules()); w.history.crashes != 0 || w.history.failed() {
		t.Errorf("%d crashes counted of a worker that is well\n%s", w.history.crashes, w.log.of("A", 60))
	}
	if w := d.run(without(func(r *rules) { r.onlyHolderSteals = false })); w.history.innocent == 0 || w.history.failed() {
		t.Errorf("without the rule: no crash counted of a worker that is well\n%s", w.log.of("A", 60))
	}
}

// A job that kills its process is dead after MaxCrashes, with its attempts counted at the claims.
func TestProcessKillerDies(t *testing.T) {
	w := directed{
		handler: func(record) answer { return answer{runs: 5 * time.Second} },
		script: []scripted{ // at the first look of each of its four runs
			{verb: "get record", from: 1 * time.Second, fate: killBefore},
			{verb: "get record", from: 31 * time.Second, fate: killBefore},
			{verb: "get record", from: 61 * time.Second, fate: killBefore},
			{verb: "get record", from: 91 * time.Second, fate: killBefore},
		},
		cast: func(w *world) {
			w.start("client", 0, client(jobA))
			w.workers(3, 0)
		},
	}.run(allRules())
	if k := w.history.jobs["A"]; w.history.failed() || k.last.state != dead || k.last.crashes != maxCrashes || k.last.attempt != maxCrashes+1 {
		t.Errorf("%v, violations %v\n%s", k.last, w.history.violations, w.log.of("A", 60))
	}
}
