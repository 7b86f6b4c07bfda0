package backendtest

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leat-go/leat/backends"
)

var enqueueCases = slices.Concat(identityCases, handoverCases, dueCases, expiryCases)

// handoverCases: what a producer hands over arrives, and is the producer's again.
var handoverCases = []testCase{
	{
		"R3", "BadJobNeverFailsItsNeighbours", "one malformed row of a bulk insert loses the rows around it",
		nil,
		func(e *env) {
			a, bad, b := job("zeta"), job("zeta", func(j *backends.Job) { j.ID = "" }), job("zeta")
			out := e.tryEnqueue(a, bad, b)
			e.expect(out[0].Err, nil)
			e.expect(out[1].Err, backends.ErrInvalid)
			e.expect(out[2].Err, nil)
			got := refs(e.claimMany(2))
			if !got[a.Ref] || !got[b.Ref] {
				e.Fatalf("claimed %v", got)
			}
			e.claimNone(e.request(1))
		},
	},
	{
		"R3", "EmptyListIsNoWork", "a loop over an empty page fails or blocks",
		nil,
		func(e *env) {
			if out := e.tryEnqueue(); len(out) != 0 {
				e.Fatalf("got outcomes %v", out)
			}
			errs, err := e.B.Settle(e.Context(), nil)
			if len(errs) != 0 || err != nil {
				e.Fatalf("Settle: %v, %v", errs, err)
			}
			errs, err = e.B.Extend(e.Context(), e.unit, nil)
			if len(errs) != 0 || err != nil {
				e.Fatalf("Extend: %v, %v", errs, err)
			}
		},
	},
	{
		"R3", "BytesSurvive", "numbers lose digits and binary payloads are garbled on their way to the handler",
		nil,
		func(e *env) {
			for name, p := range map[string]string{
				"empty":           "",
				"one byte":        "x",
				"NUL":             "a\x00b\x00",
				"invalid UTF-8":   "\xff\xfe\xc3\x28\xed\xa0\x80",
				"huge number":     `{"n":1e400}`,
				"beyond 2^53":     `{"n":9007199254740993}`,
				"lone surrogates": `{"s":"\ud800 \udc00"}`,
				"duplicate keys":  `{"a":1,"a":2}`,
				"spaces":          " { \"a\" :\t1 }\r\n",
				"U+FFFE, RTL":     "\uFFFE\u202Eabc\u202C",
				"deep":            strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001),
			} {
				j := job("zeta", func(j *backends.Job) { j.Payload = []byte(p) })
				e.enqueue(j)
				l := e.claim()
				if !bytes.Equal(l.Job.Payload, []byte(p)) {
					e.Fatalf("%s: %q came back as %q", name, p, l.Job.Payload)
				}
				e.commit(l)
			}
		},
	},
	{
		"R3", "HeadersSurvive", "trace context and content type are lost between producer and handler",
		nil,
		func(e *env) {
			h := map[string]string{
				"traceparent":  "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
				"Content-Type": "application/json", "content-type": "text/plain",
				"empty": "", "": "no name", "emoji 🚰": "שלום\u202e", "line": "a\r\nb",
			}
			l := e.start(10, func(j *backends.Job) { j.Headers = h })
			if !maps.Equal(l.Job.Headers, h) {
				e.Fatalf("headers came back as %q", l.Job.Headers)
			}
		},
	},
	{
		"R3", "EveryFieldSurvives", "a run limit or attempt limit of one job is quietly that of the queue",
		func(f backends.Features) bool { return f.Records && f.KeepsPayload },
		func(e *env) {
			j := job("zeta", func(j *backends.Job) {
				j.Fingerprint = 1<<64 - 1
				j.Expiry, j.RunLimit = time.Hour, time.Minute
				j.MaxAttempts, j.Priority = 1<<31-1, 1<<31-1
				j.Supersede, j.Trailing, j.Resource = "zeta/screen-9", true, "the small database"
			})
			e.enqueue(j)
			if d := cmp.Diff(&j, e.lookup(j.Ref).Job, cmpopts.EquateEmpty()); d != "" {
				e.Fatalf("in the record:\n%s", d)
			}
			if d := cmp.Diff(&j, e.claim().Job, cmpopts.EquateEmpty()); d != "" {
				e.Fatalf("in the lease:\n%s", d)
			}
		},
	},
	{
		"R3", "CallerKeepsItsSlice", "a producer that reuses its slice changes jobs that were acknowledged",
		nil,
		func(e *env) {
			j := job("zeta")
			mine := []backends.Job{j}
			e.enqueue(mine...)
			if d := cmp.Diff([]backends.Job{j}, mine); d != "" {
				e.Fatalf("Enqueue changed the caller's job:\n%s", d)
			}
			mine[0] = job("eta", func(j *backends.Job) { j.Kind, j.Payload = "other", []byte("other") })
			l := e.claim()
			e.expectJob(l, j)
			if l.Job.Kind != theKind || !bytes.Equal(l.Job.Payload, j.Payload) {
				e.Fatalf("the job became %+v", l.Job)
			}
		},
	},
	{
		"R13", "OrderRises", "an older what-if takes the place of a newer one",
		records,
		func(e *env) {
			var last int64
			for i := range 20 {
				for _, o := range e.enqueue(job("zeta"), job("eta"), job("zeta")) {
					if i > 0 && o.Order <= last {
						e.Fatalf("order %d came after %d", o.Order, last)
					}
					last = o.Order
				}
			}
		},
	},
}

// expiryCases: what a deadline does, and what it doesn't.
var expiryCases = []testCase{
	{
		"R8", "WaitingPastItsDeadlineIsExpired", "a what-if that nobody waits for any more still takes a slot",
		records,
		func(e *env) {
			j := job("zeta", func(j *backends.Job) { j.Expiry = 2 * e.unit })
			e.enqueue(j)
			e.expectState(j.Ref, backends.Waiting)
			e.pass(2.5)
			r := e.expectState(j.Ref, backends.Expired) // nobody claimed in between
			if r.Ended.IsZero() || !r.Due.IsZero() {
				e.Fatalf("ended at %v, due %v", r.Ended, r.Due)
			}
			e.claimNone(e.request(1))
			e.expectState(j.Ref, backends.Expired)
		},
	},
	{
		"R8", "DeadlineBeforeDueTime", "a job that can't start in time waits for its start all the same",
		records,
		func(e *env) {
			j := job("zeta", func(j *backends.Job) { j.Expiry, j.Delay = e.unit, 3*e.unit })
			e.enqueue(j)
			e.pass(1.5)
			e.expectState(j.Ref, backends.Expired)
			e.pass(2)
			e.claimNone(e.request(1))
		},
	},
	{
		"R8", "PassedDeadlineRefusesNoCommit", "work that was done is thrown away because it came a second late",
		records,
		func(e *env) {
			l := e.start(10, func(j *backends.Job) { j.Expiry = e.unit })
			e.pass(1.5)
			e.expectState(l.Job.Ref, backends.Running)
			e.expect(e.extend(l, 10*e.unit), nil)
			e.commit(l)
			e.pass(1)
			e.expectState(l.Job.Ref, backends.Succeeded)
		},
	},
	{
		"R8", "NoNewAttemptAfterTheDeadline", "a crashed or released job starts anew when nobody wants it any more",
		records,
		func(e *env) {
			short := func(j *backends.Job) { j.Expiry = 2 * e.unit }
			crashed, released := e.start(1.5, short), e.start(10, short)
			e.pass(2.5)
			e.mustSettle(release(released))
			e.claimNone(e.request(2))
			e.expectState(crashed.Job.Ref, backends.Expired)
			e.expectState(released.Job.Ref, backends.Expired)
		},
	},
}

// ends are all ends of a job.
var ends = []backends.State{
	backends.Succeeded, backends.Dead, backends.Cancelled, backends.Superseded, backends.Expired,
}

// refs is the set of jobs that leases are of.
func refs(leases []*backends.Lease) map[backends.Ref]bool {
	set := map[backends.Ref]bool{}
	for _, l := range leases {
		set[l.Job.Ref] = true
	}
	return set
}
