package backendtest

import (
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/leat-go/leat/backends"
)

var badInputCases = slices.Concat(badJobCases, badClaimCases, badLeaseCases, closeCases)

// badNames are names that no Backend takes.
func badNames(required bool) []string {
	names := []string{
		"\x00", "a\x00b", "\xff", "a\xc3\x28", "\xed\xa0\x80", // NUL, invalid UTF-8, a lone surrogate
		strings.Repeat("x", backends.MaxName+1), strings.Repeat("🚰", backends.MaxName/4) + "x",
	}
	if required {
		names = append(names, "")
	}
	return names
}

// oddNames look as if they could do harm, and must do none.
var oddNames = []string{
	"🚰", "שלום\u202eabc\u202c", "\uFFFE", "\uFFFD", "\U0010FFFF", " ", "\n", "'; drop table jobs; --", "../../etc", "a/b", "%00", "{}", "*", "$1", "null",
	strings.Repeat("x", backends.MaxName), strings.Repeat("🚰", backends.MaxName/4),
}

// nameFields are the strings of a job, and whether they must be there.
var nameFields = []struct {
	field    string
	required bool
	set      func(*backends.Job, string)
	get      func(*backends.Lease) string
}{
	{"Job.ID", true, func(j *backends.Job, s string) { j.ID = s }, func(l *backends.Lease) string { return l.Job.ID }},
	{"Job.Tenant", false, func(j *backends.Job, s string) { j.Tenant = s }, func(l *backends.Lease) string { return l.Job.Tenant }},
	{"Job.Kind", false, func(j *backends.Job, s string) { j.Kind = s }, func(l *backends.Lease) string { return l.Job.Kind }},
	{"Job.Supersede", false, func(j *backends.Job, s string) { j.Supersede = s }, func(l *backends.Lease) string { return l.Job.Supersede }},
	{"Job.Resource", false, func(j *backends.Job, s string) { j.Resource = s }, func(l *backends.Lease) string { return l.Job.Resource }},
}

// refuses expects that a job beside good ones is refused for that reason, and
// that the good ones run.
func (e *env) refuses(what string, bad backends.Job, want error) {
	e.Helper()
	a, b := job("good"), job("good")
	out := e.tryEnqueue(a, bad, b)
	if !errors.Is(out[1].Err, want) || out[0].Err != nil || out[2].Err != nil {
		e.Fatalf("%s: outcomes %+v, want %v for the second", what, out, want)
	}
	var invalid *backends.InvalidError
	if want == backends.ErrInvalid && (!errors.As(out[1].Err, &invalid) || invalid.Field == "" || invalid.Reason == "") {
		e.Fatalf("%s: error %#v doesn't say which field is wrong", what, out[1].Err)
	}
	leases := e.claimMany(2)
	if got := refs(leases); !got[a.Ref] || !got[b.Ref] {
		e.Fatalf("%s: claimed %v", what, got)
	}
	for _, l := range leases {
		e.commit(l)
	}
}

// accepts expects that a job runs, and returns its lease, settled.
func (e *env) accepts(what string, j backends.Job) *backends.Lease {
	e.Helper()
	if out := e.tryEnqueue(j); out[0].Err != nil {
		e.Fatalf("%s: %v", what, out[0].Err)
	}
	l := e.claim()
	e.expectJob(l, j)
	e.commit(l)
	return l
}

// badJobCases: what producers get wrong.
var badJobCases = []testCase{
	{
		"R3", "BadNamesOfJobsAreRefused", "a name that one store takes breaks another, or the page that shows it",
		nil,
		func(e *env) {
			for _, f := range nameFields {
				for _, name := range badNames(f.required) {
					e.refuses(f.field, job("bad", func(j *backends.Job) { f.set(j, name) }), backends.ErrInvalid)
				}
			}
			e.claimNone(e.request(1))
		},
	},
	{
		"R3", "OddNamesOfJobsAreTaken", "customers whose names aren't ASCII can't use the queue",
		nil,
		func(e *env) {
			for _, f := range nameFields {
				for _, name := range oddNames {
					l := e.accepts(f.field, job("odd", func(j *backends.Job) { f.set(j, name) }))
					if got := f.get(l); got != name {
						e.Fatalf("%s: %q came back as %q", f.field, name, got)
					}
				}
			}
		},
	},
	{
		"R3", "OptionalNamesMayBeEmpty", "a program without tenants must invent one",
		nil,
		func(e *env) {
			e.accepts("empty names", backends.Job{Ref: backends.Ref{ID: "only"}})
			if e.f.Records {
				e.expectState(backends.Ref{ID: "only"}, backends.Succeeded)
			}
		},
	},
	{
		"R3", "BadHeadersAreRefused", "a header that a broker can't carry blocks the queue",
		nil,
		func(e *env) {
			for _, text := range []string{"\x00", "a\x00b", "\xff"} {
				e.refuses("a header name", job("bad", func(j *backends.Job) { j.Headers = map[string]string{text: "v"} }), backends.ErrInvalid)
				e.refuses("a header value", job("bad", func(j *backends.Job) { j.Headers = map[string]string{"n": text} }), backends.ErrInvalid)
			}
			most := map[string]string{"name": strings.Repeat("x", backends.MaxHeaders-4)}
			e.accepts("most headers", job("zeta", func(j *backends.Job) { j.Headers = most }))
			more := map[string]string{"name": most["name"], "x": ""}
			e.refuses("one byte more", job("bad", func(j *backends.Job) { j.Headers = more }), backends.ErrInvalid)
		},
	},
	{
		"R3", "PayloadLimitIsExact", "a payload that is a byte too large is taken and then lost",
		nil,
		func(e *env) {
			limit := e.f.MaxPayload
			if limit == 0 || limit > 128<<20 {
				e.Skipf("%s takes payloads up to %d bytes (0 = any)", e.f.Name, limit)
			}
			payload := make([]byte, limit+1)
			for i := range payload {
				payload[i] = byte(i * 31)
			}
			sized := func(n int) backends.Job {
				return job("zeta", func(j *backends.Job) { j.Payload = payload[:n] })
			}
			for _, n := range []int{limit - 1, limit} {
				if l := e.accepts("payload", sized(n)); !slices.Equal(l.Job.Payload, payload[:n]) {
					e.Fatalf("%d bytes came back as %d others", n, len(l.Job.Payload))
				}
			}
			e.refuses("payload", sized(limit+1), backends.ErrTooLarge)
		},
	},
	{
		"R9", "BadTimesAreRefused", "a job planned with a mistake runs at once, or in another century",
		nil,
		func(e *env) {
			const tooLong = 151 * 365 * 24 * time.Hour
			for what, edit := range map[string]func(*backends.Job, time.Duration){
				"delay": func(j *backends.Job, d time.Duration) { j.Delay = d }, "expiry": func(j *backends.Job, d time.Duration) { j.Expiry = d },
				"run limit": func(j *backends.Job, d time.Duration) { j.RunLimit = d },
			} {
				for _, d := range []time.Duration{-1, math.MinInt64, tooLong, math.MaxInt64} {
					e.refuses(what, job("bad", func(j *backends.Job) { edit(j, d) }), backends.ErrInvalid)
				}
			}
			for _, due := range []time.Time{
				time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), time.Unix(1<<61, 0),
			} {
				e.refuses("due", job("bad", func(j *backends.Job) { j.Due = due }), backends.ErrInvalid)
			}
			e.claimNone(e.request(1))
		},
	},
	{
		"R9", "LongTimesAreTaken", "a reminder in a hundred years overflows, and goes out at once",
		func(f backends.Features) bool { return f.MaxWait == 0 },
		func(e *env) {
			const century = 100 * 365 * 24 * time.Hour
			far := job("zeta", func(j *backends.Job) { j.Delay, j.Expiry, j.RunLimit = century, century+time.Hour, century })
			farther := job("zeta", func(j *backends.Job) { j.Due, j.Delay = time.Now().Add(50*365*24*time.Hour), century })
			e.enqueue(far, farther)
			e.claimNone(e.request(2))
			if !e.f.Records {
				return
			}
			r := e.expectState(far.Ref, backends.Waiting)
			if r.Due.Sub(r.Created) != century || r.Deadline.Sub(r.Created) != century+time.Hour {
				e.Fatalf("due after %v, deadline after %v", r.Due.Sub(r.Created), r.Deadline.Sub(r.Created))
			}
			r = e.expectState(farther.Ref, backends.Waiting)
			if got := r.Due.Sub(r.Created); got < century+century/3 {
				e.Fatalf("due after %v", got)
			}
		},
	},
	{
		"R9", "BadNumbersOfJobsAreRefused", "a job with an overflown limit is never tried, or for ever",
		nil,
		func(e *env) {
			e.refuses("attempts", job("bad", func(j *backends.Job) { j.MaxAttempts = -1 }), backends.ErrInvalid)
			e.refuses("attempts", job("bad", func(j *backends.Job) { j.MaxAttempts = math.MinInt32 }), backends.ErrInvalid)
			e.refuses("trailing without a place", job("bad", func(j *backends.Job) { j.Trailing = true }), backends.ErrInvalid)
			l := e.accepts("the most", job("zeta", func(j *backends.Job) { j.MaxAttempts, j.Priority = math.MaxInt32, math.MaxInt32 }))
			if l.Job.MaxAttempts != math.MaxInt32 || l.Job.Priority != math.MaxInt32 {
				e.Fatalf("came back as %+v", l.Job)
			}
			l = e.accepts("the least", job("zeta", func(j *backends.Job) { j.Priority = math.MinInt32 }))
			if l.Job.Priority != math.MinInt32 {
				e.Fatalf("came back as %+v", l.Job)
			}
		},
	},
	{
		"R14", "BadBatchesAreRefused", "a job that counts for itself, or for nothing, is held for ever",
		records,
		func(e *env) {
			self := job("bad")
			for what, b := range map[string]*backends.Batch{
				"hold": {Hold: -1}, "tolerate": {Tolerate: -2}, "members": {Members: -1}, "itself": {Member: self.Ref},
				"member without id": {Member: backends.Ref{Tenant: "bad"}}, "NUL": {Member: backends.Ref{ID: "\x00"}},
				"tenant": {Member: backends.Ref{ID: "a", Tenant: strings.Repeat("x", backends.MaxName+1)}},
			} {
				bad := self
				bad.Batch = b
				e.refuses(what, bad, backends.ErrInvalid)
			}
			e.claimNone(e.request(1))
		},
	},
	{
		"R11", "BadQueueNamesAreRefused", "a mistyped setting puts jobs where no worker looks",
		nil,
		func(e *env) {
			for _, queue := range badNames(true) {
				out, err := e.B.Enqueue(e.Context(), backends.EnqueueRequest{Queue: queue, Jobs: []backends.Job{job("zeta")}})
				if out != nil || !errors.Is(err, backends.ErrInvalid) {
					e.Fatalf("Enqueue in %.40q: %v, error %v", queue, out, err)
				}
				req := e.request(1)
				req.Queue = queue
				e.refusesClaim("queue", req)
			}
			if !e.f.Queues {
				return // the name of its one queue is its own matter
			}
			for _, queue := range oddNames {
				j := job("zeta")
				out, err := e.B.Enqueue(e.Context(), backends.EnqueueRequest{Queue: queue, Jobs: []backends.Job{j}})
				if err != nil || len(out) != 1 || out[0].Err != nil {
					e.Fatalf("Enqueue in %q: %v, error %v", queue, out, err)
				}
				req := e.request(1)
				req.Queue = queue
				l := e.claimBy(req)[0]
				if l.Job.Ref != j.Ref || l.Queue != queue {
					e.Fatalf("queue %q gave job %v of queue %q", queue, l.Job.Ref, l.Queue)
				}
				e.commit(l)
			}
		},
	},
}
