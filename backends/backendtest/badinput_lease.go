package backendtest

import (
	"errors"
	"math"
	"time"

	"github.com/leat-go/leat/backends"
)

// longerThan is a lease that a Backend with that MaxLease can't give.
func longerThan(limit time.Duration) time.Duration {
	if limit == 0 {
		return math.MaxInt64
	}
	return limit + 1
}

// badLeaseCases: beats and settlements that make no sense leave the lease as it was.
var badLeaseCases = []testCase{
	{
		"R5", "BadSettlementsAreRefused", "a mistake in one settlement loses the job, or its neighbours",
		nil,
		func(e *env) {
			l := e.start(30)
			for what, edit := range map[string]func(*backends.Settlement){
				"no lease": func(s *backends.Settlement) { s.Lease = nil }, "no job": func(s *backends.Settlement) { s.Lease = &backends.Lease{Token: 1} },
				"no verb": func(s *backends.Settlement) { s.Verb = 0 }, "verb 6": func(s *backends.Settlement) { s.Verb = 6 }, "verb 255": func(s *backends.Settlement) { s.Verb = 255 },
				"no outcome": func(s *backends.Settlement) { s.Outcome = 0 }, "waiting": func(s *backends.Settlement) { s.Outcome = backends.Waiting },
				"running": func(s *backends.Settlement) { s.Outcome = backends.Running }, "outcome 8": func(s *backends.Settlement) { s.Outcome = backends.Expired + 1 },
				"outcome of a retry":   func(s *backends.Settlement) { s.Verb = backends.Retry },
				"outcome of a release": func(s *backends.Settlement) { s.Verb = backends.Release },
				"negative delay":       func(s *backends.Settlement) { *s = retry(s.Lease, -1) },
				"absurd delay":         func(s *backends.Settlement) { *s = snooze(s.Lease, math.MaxInt64) },
				"delay of a commit":    func(s *backends.Settlement) { s.Delay = 1 },
				"delay of a release":   func(s *backends.Settlement) { *s = release(s.Lease); s.Delay = 1 },
				"debt 4":               func(s *backends.Settlement) { s.Owes = 4 }, "debt 255": func(s *backends.Settlement) { s.Owes = 255 },
			} {
				bad, good := commitAs(l, backends.Succeeded), commitAs(e.start(30), backends.Succeeded)
				edit(&bad)
				errs, err := e.B.Settle(e.Context(), []backends.Settlement{bad, good})
				if err != nil || len(errs) != 2 || !errors.Is(errs[0], backends.ErrInvalid) || errs[1] != nil {
					e.Fatalf("%s: %v, error %v", what, errs, err)
				}
			}
			e.expect(e.extend(l, 10*e.unit), nil)
			e.commit(l)
		},
	},
	{
		"R5", "ResultLimitIsExact", "a result that is a byte too large loses the job instead of saying so",
		records,
		func(e *env) {
			limit := e.f.MaxResult
			if limit == 0 || limit > 128<<20 {
				e.Skipf("%s takes results up to %d bytes (0 = any)", e.f.Name, limit)
			}
			l := e.start(30)
			s := commitAs(l, backends.Succeeded)
			s.Result = make([]byte, limit+1)
			e.expect(e.settle(s), backends.ErrTooLarge)
			e.expectState(l.Job.Ref, backends.Running)
			s.Result = s.Result[:limit]
			e.mustSettle(s)
			if got := len(e.lookup(l.Job.Ref).Result); got != limit {
				e.Fatalf("%d bytes came back as %d", limit, got)
			}
		},
	},
	{
		"R8", "BadBeatsAreRefused", "a handler that divides by zero in its progress loses the lease, or its neighbours'",
		nil,
		func(e *env) {
			l := e.start(30)
			beats := map[string]backends.Beat{"no lease": {}, "no job": {Lease: &backends.Lease{Token: 1}}}
			for what, percent := range map[string]float64{"NaN": math.NaN(), "-1": -1, "101": 101, "+Inf": math.Inf(1), "-Inf": math.Inf(-1)} {
				beats[what] = backends.Beat{Lease: l, Progress: &backends.Progress{Percent: percent}}
			}
			for what, bad := range beats {
				errs, err := e.B.Extend(e.Context(), 30*e.unit, []backends.Beat{bad, {Lease: l}})
				if err != nil || len(errs) != 2 || !errors.Is(errs[0], backends.ErrInvalid) || errs[1] != nil {
					e.Fatalf("%s: %v, error %v", what, errs, err)
				}
			}
			if e.f.Records {
				if p := e.lookup(l.Job.Ref).Progress; p != (backends.Progress{}) {
					e.Fatalf("progress became %v", p)
				}
			}
			e.commit(l)
		},
	},
	{
		"R8", "BadExtensionsAreRefused", "a lease is lost, or held until the next century, by a mistake in a setting",
		nil,
		func(e *env) {
			l := e.start(10)
			for _, d := range []time.Duration{0, -1, math.MinInt64, math.MaxInt64} {
				errs, err := e.B.Extend(e.Context(), d, []backends.Beat{{Lease: l}})
				if errs != nil || !errors.Is(err, backends.ErrInvalid) {
					e.Fatalf("extend by %v: %v, error %v", d, errs, err)
				}
			}
			e.claimNone(e.request(1))
			e.commit(l)
		},
	},
}
