package backendtest

import (
	"errors"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/backends"
)

// verbs are all ways to settle a lease, by name.
var verbs = map[string]func(*backends.Lease) backends.Settlement{
	"succeeded":  func(l *backends.Lease) backends.Settlement { return commitAs(l, backends.Succeeded) },
	"dead":       func(l *backends.Lease) backends.Settlement { return commitAs(l, backends.Dead) },
	"cancelled":  func(l *backends.Lease) backends.Settlement { return commitAs(l, backends.Cancelled) },
	"superseded": func(l *backends.Lease) backends.Settlement { return commitAs(l, backends.Superseded) },
	"expired":    func(l *backends.Lease) backends.Settlement { return commitAs(l, backends.Expired) },
	"retry":      func(l *backends.Lease) backends.Settlement { return retry(l, 0) },
	"snooze":     func(l *backends.Lease) backends.Settlement { return snooze(l, 0) },
	"release":    release,
	"announced":  announced,
}

// fenceCases: a newer claim makes a token stale, and each settle happens once.
var fenceCases = []testCase{
	{
		"R5", "StaleTokenCannotSettle", "a worker that was believed dead overwrites the result of the one that took over",
		records,
		func(e *env) {
			old, l := e.stolen()
			for name, s := range verbs {
				before := e.lookup(l.Job.Ref)
				if err := e.settle(s(old)); !errors.Is(err, backends.ErrLost) {
					e.Fatalf("%s: got error %v, want ErrLost", name, err)
				}
				if d := cmp.Diff(before, e.lookup(l.Job.Ref)); d != "" {
					e.Fatalf("%s: refused, but it changed the record:\n%s", name, d)
				}
			}
			e.commit(l)
			for _, s := range verbs {
				e.expect(e.settle(s(old)), backends.ErrLost)
			}
			e.expectState(l.Job.Ref, backends.Succeeded)
		},
	},
	{
		"R5", "UnknownJobCannotBeSettled", "a settlement for a forgotten job is taken for a success",
		records,
		func(e *env) {
			j := job("zeta")
			for name, s := range verbs {
				err := e.settle(s(&backends.Lease{Job: &j, Queue: theQueue, Token: 1}))
				e.expect(err, backends.ErrLost)
				if _, err := e.B.Lookup(e.Context(), j.Ref, 0); err == nil {
					e.Fatalf("%s: there is a record now", name)
				}
			}
		},
	},
	{
		"R5", "RepeatIsAnsweredAsTheFirst", "after a lost reply a worker believes that its result was refused, or counts it twice",
		records,
		func(e *env) {
			for name, s := range verbs {
				if name == "announced" { // see R6
					continue
				}
				l := e.start(10)
				settlement := s(l)
				settlement.Error = "because"
				e.mustSettle(settlement)
				before := e.lookup(l.Job.Ref)
				for range 2 {
					if err := e.settle(settlement); err != nil {
						e.Fatalf("%s: the repeat got %v", name, err)
					}
				}
				after := e.lookup(l.Job.Ref)
				after.Version = before.Version
				if d := cmp.Diff(before, after); d != "" {
					e.Fatalf("%s: the repeat changed the record:\n%s", name, d)
				}
				if !after.State.Ended() {
					e.commit(e.claim())
					e.expect(e.settle(settlement), backends.ErrLost)
				}
			}
		},
	},
	{
		"R5", "AnotherVerbAfterTheFirstIsRefused", "two ends of one attempt are both reported as written",
		records,
		func(e *env) {
			for first := range verbs {
				for second := range verbs {
					if first == second || first == "announced" {
						continue
					}
					l := e.start(10)
					s := verbs[first](l)
					if s.Verb == backends.Retry || s.Verb == backends.Snooze {
						s.Delay = 30 * e.unit
					}
					e.mustSettle(s)
					before := e.lookup(l.Job.Ref)
					if err := e.settle(verbs[second](l)); err == nil {
						e.Fatalf("%s after %s: accepted", second, first)
					}
					if d := cmp.Diff(before, e.lookup(l.Job.Ref)); d != "" {
						e.Fatalf("%s after %s changed the record:\n%s", second, first, d)
					}
					if s.Verb == backends.Release {
						e.commit(e.claim())
					}
				}
			}
		},
	},
	{
		"R6", "RunningJobCannotBeAnnounced", "a job that still runs is closed without a result",
		records,
		func(e *env) {
			l := e.start(10)
			e.expect(e.settle(announced(l)), backends.ErrNotReady)
			e.expectState(l.Job.Ref, backends.Running)
			e.commit(l)
		},
	},
	{
		"R7", "AnnouncingLeaseCannotCommit", "an announcement overwrites the outcome that it announces",
		records,
		func(e *env) {
			e.owing(backends.Event, 1)
			a := e.claimOwed()
			for _, end := range ends {
				e.expect(e.settle(commitAs(a, end)), backends.ErrEnded)
			}
			r := e.expectState(a.Job.Ref, backends.Succeeded)
			if string(r.Result) != "plan" || r.Owes != backends.Event {
				e.Fatalf("record: %+v", r)
			}
			e.mustSettle(announced(a))
		},
	},
}
