package backendtest

import (
	"fmt"
	"strings"

	"github.com/leat-go/leat/backends"
)

// textCases: what people read when something went wrong.
var textCases = []testCase{
	{
		"R10", "FailuresAreKept", "a dead letter doesn't say what went wrong",
		records,
		func(e *env) {
			l := e.start(10)
			s := retry(l, 0)
			s.Error = "first"
			e.mustSettle(s)
			l = e.claim()
			s = commitAs(l, backends.Dead)
			s.Error, s.Reason = "second", "gave up"
			e.mustSettle(s)
			r := e.expectState(l.Job.Ref, backends.Dead)
			if len(r.Failures) != 2 || r.Reason != "gave up" {
				e.Fatalf("failures %+v, reason %q", r.Failures, r.Reason)
			}
			for i, text := range []string{"first", "second"} {
				if f := r.Failures[i]; f.Attempt != i+1 || f.Text != text || f.At.Before(r.Created) || f.At.After(r.Ended) {
					e.Fatalf("failure %d is %+v", i, f)
				}
			}
		},
	},
	{
		"R10", "FailureOfALateAttemptIsKept", "an attempt that ran into its deadline leaves no trace of what it was waiting for",
		records,
		func(e *env) {
			l := e.start(10)
			s := commitAs(l, backends.Expired)
			s.Error = "the supplier doesn't answer"
			e.mustSettle(s)
			r := e.expectState(l.Job.Ref, backends.Expired)
			if len(r.Failures) != 1 || r.Failures[0].Attempt != 1 || r.Failures[0].Text != s.Error {
				e.Fatalf("failures %+v", r.Failures)
			}
		},
	},
	{
		"R10", "FirstAndNewestFailuresAreKept", "a job that is retried for a month fills the store, or forgets how it began",
		records,
		func(e *env) {
			const n = backends.MaxFailures + 8
			l := e.start(10)
			for i := 1; i < n; i++ {
				s := retry(l, 0)
				s.Error = fmt.Sprint("failure ", i)
				e.mustSettle(s)
				l = e.claim()
			}
			s := commitAs(l, backends.Dead)
			s.Error = fmt.Sprint("failure ", n)
			e.mustSettle(s)
			got := e.lookup(l.Job.Ref).Failures
			if len(got) != backends.MaxFailures {
				e.Fatalf("%d failures are kept", len(got))
			}
			for i, f := range got {
				want := 1
				if i > 0 {
					want = n - backends.MaxFailures + 1 + i
				}
				if f.Attempt != want || f.Text != fmt.Sprint("failure ", want) {
					e.Fatalf("failure %d is %+v, want that of attempt %d", i, f, want)
				}
			}
		},
	},
	{
		"R10", "TextsAreCappedAndCleaned", "an error of 10 MB, or with raw bytes, can't be stored: the job is retried for ever",
		records,
		func(e *env) {
			for _, text := range []string{
				strings.Repeat("x", 10<<20), "broken \xff\xfe\xc3\x28", "NUL \x00", strings.Repeat("🚰", backends.MaxText),
				"a" + strings.Repeat("é", backends.MaxText), strings.Repeat("\xff", backends.MaxText),
			} {
				l := e.start(10)
				s := retry(l, 0)
				s.Error = text
				e.mustSettle(s)
				s = commitAs(e.claim(), backends.Dead)
				s.Error, s.Reason = text, text
				e.mustSettle(s)
				r, want := e.expectState(l.Job.Ref, backends.Dead), backends.Capped(text)
				if len(r.Failures) != 2 || r.Failures[0].Text != want || r.Failures[1].Text != want || r.Reason != want {
					e.Fatalf("%.20q… of %d bytes is not kept as Capped says: reason %.40q of %d bytes", text, len(text), r.Reason, len(r.Reason))
				}
			}
		},
	},
}
