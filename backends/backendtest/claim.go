package backendtest

import "github.com/leat-go/leat/backends"

var claimCases = []testCase{
	{
		"R4", "AttemptIsCountedAtClaim", "a job that kills its process before the first settle is run for ever",
		records,
		func(e *env) {
			j := job("zeta")
			e.enqueue(j)
			l := e.claim()
			if l.Attempt != 1 || l.Token != 1 {
				e.Fatalf("first claim: attempt %d, token %d", l.Attempt, l.Token)
			}
			if r := e.expectState(j.Ref, backends.Running); r.Attempt != 1 {
				e.Fatalf("record says attempt %d", r.Attempt)
			}
		},
	},
}
