package backends

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var (
	longest = strings.Repeat("n", MaxName)
	century = 100 * 365 * 24 * time.Hour
	some    = Features{MaxPayload: 10, MaxResult: 20, MaxLease: 12 * time.Hour}
)

// wantField checks that err is an InvalidError of that field, ErrTooLarge for
// "too large", or nil for "".
func wantField(t *testing.T, name string, err error, field string) {
	t.Helper()
	var invalid *InvalidError
	switch {
	case field == "":
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	case field == "too large":
		if !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %v, want ErrTooLarge", name, err)
		}
	case !errors.As(err, &invalid) || !errors.Is(err, ErrInvalid):
		t.Errorf("%s: %v, want an InvalidError", name, err)
	case invalid.Field != field || invalid.Reason == "":
		t.Errorf("%s: field %q (%s), want %q", name, invalid.Field, invalid.Reason, field)
	}
}

func TestJob_Check(t *testing.T) {
	for _, c := range []struct {
		name  string
		set   func(*Job)
		field string
	}{
		{"the least", func(j *Job) {}, ""},
		{"no id", func(j *Job) { j.ID = "" }, "Job.ID"},
		{"longest names", func(j *Job) {
			j.ID, j.Tenant, j.Kind, j.Supersede, j.Resource = longest, longest, longest, longest, longest
		}, ""},
		{"id too long", func(j *Job) { j.ID = longest + "n" }, "Job.ID"},
		{"tenant too long", func(j *Job) { j.Tenant = longest + "n" }, "Job.Tenant"},
		{"kind with NUL", func(j *Job) { j.Kind = "a\x00b" }, "Job.Kind"},
		{"supersede not UTF-8", func(j *Job) { j.Supersede = "\xff" }, "Job.Supersede"},
		{"lone surrogate", func(j *Job) { j.Resource = "\xed\xa0\x80" }, "Job.Resource"},
		{"emoji, RTL marks, U+FFFE", func(j *Job) { j.ID, j.Tenant, j.Kind = "🐣", "\u202eabc", "\ufffe" }, ""},
		{"payload at the limit", func(j *Job) { j.Payload = make([]byte, 10) }, ""},
		{"payload over it", func(j *Job) { j.Payload = make([]byte, 11) }, "too large"},
		{"delay below 0", func(j *Job) { j.Delay = -1 }, "Job.Delay"},
		{"delay of a century", func(j *Job) { j.Delay = century }, ""},
		{"delay of two", func(j *Job) { j.Delay = 2 * century }, "Job.Delay"},
		{"expiry below 0", func(j *Job) { j.Expiry = -1 }, "Job.Expiry"},
		{"endless expiry", func(j *Job) { j.Expiry = math.MaxInt64 }, "Job.Expiry"},
		{"run limit below 0", func(j *Job) { j.RunLimit = -1 }, "Job.RunLimit"},
		{"due long ago", func(j *Job) { j.Due = time.Unix(-1, 0) }, ""},
		{"due at the last moment", func(j *Job) { j.Due = maxDue }, ""},
		{"due after it", func(j *Job) { j.Due = maxDue.Add(1) }, "Job.Due"},
		{"due in the year 9999", func(j *Job) { j.Due = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC) }, "Job.Due"},
		{"attempts below 0", func(j *Job) { j.MaxAttempts = -1 }, "Job.MaxAttempts"},
		{"most attempts", func(j *Job) { j.MaxAttempts = math.MaxInt32 }, ""},
		{"trailing without a place", func(j *Job) { j.Trailing = true }, "Job.Trailing"},
		{"trailing", func(j *Job) { j.Trailing, j.Supersede = true, "s" }, ""},
		{"headers at the limit", func(j *Job) { j.Headers = map[string]string{"k": strings.Repeat("v", MaxHeaders-1)} }, ""},
		{"headers over it", func(j *Job) { j.Headers = map[string]string{"k": strings.Repeat("v", MaxHeaders)} }, "Job.Headers"},
		{"header name with NUL", func(j *Job) { j.Headers = map[string]string{"\x00": ""} }, "Job.Headers"},
		{"header value not UTF-8", func(j *Job) { j.Headers = map[string]string{"k": "\xc3"} }, "Job.Headers"},
		{"member", func(j *Job) { j.Batch = &Batch{Member: Ref{ID: "b"}} }, ""},
		{"collation job", func(j *Job) { j.Batch = &Batch{Hold: 1, Tolerate: -1} }, ""},
		{"member of itself", func(j *Job) { j.Batch = &Batch{Member: j.Ref} }, "Batch.Member"},
		{"same id, other tenant", func(j *Job) { j.Batch = &Batch{Member: Ref{"t", j.ID}} }, ""},
		{"hold below 0", func(j *Job) { j.Batch = &Batch{Hold: -1} }, "Batch.Hold"},
		{"tolerate below -1", func(j *Job) { j.Batch = &Batch{Tolerate: -2} }, "Batch.Tolerate"},
		{"members below 0", func(j *Job) { j.Batch = &Batch{Members: -1} }, "Batch.Members or Index"},
		{"index below 0", func(j *Job) { j.Batch = &Batch{Index: -1} }, "Batch.Members or Index"},
		{"an empty batch", func(j *Job) { j.Batch = &Batch{Hold: 1, Sealed: true} }, ""},
		{"longest seed", func(j *Job) { j.Batch = &Batch{Hold: 1, Seed: longest} }, ""},
		{"seed too long", func(j *Job) { j.Batch = &Batch{Hold: 1, Seed: longest + "n"} }, "Batch.Seed"},
		{"member without id", func(j *Job) { j.Batch = &Batch{Member: Ref{Tenant: "t"}} }, "Batch.Member.ID"},
		{"member of a bad tenant", func(j *Job) { j.Batch = &Batch{Member: Ref{"\xff", "b"}} }, "Batch.Member.Tenant"},
	} {
		j := &Job{Ref: Ref{ID: "id"}}
		c.set(j)
		wantField(t, c.name, j.Check(some), c.field)
	}
	if err := (&Job{Ref: Ref{ID: "id"}, Payload: make([]byte, 1<<20)}).Check(Features{}); err != nil {
		t.Errorf("no limit: %v", err)
	}
}

func TestRequests_Check(t *testing.T) {
	good := ClaimRequest{Queue: "q", Max: 1, Lease: time.Second}
	claim := func(set func(*ClaimRequest)) error {
		r := good
		set(&r)
		return r.Check(some)
	}
	resource := func(name string, c Cap) func(*ClaimRequest) {
		return func(r *ClaimRequest) { r.Resources = []Resource{{Name: "fine"}, {Name: name, Cap: c}} }
	}
	for _, c := range []struct {
		name  string
		err   error
		field string
	}{
		{"enqueue", EnqueueRequest{Queue: "q"}.Check(), ""},
		{"enqueue nowhere", EnqueueRequest{}.Check(), "Queue"},
		{"enqueue by a policy", EnqueueRequest{Queue: "q", Policy: &Policy{Backlog: 1}}.Check(), ""},
		{"enqueue by a bad one", EnqueueRequest{Queue: "q", Policy: &Policy{Backlog: -1}}.Check(), "Policy.Backlog"},
		{"claim", good.Check(some), ""},
		{"claim nowhere", claim(func(r *ClaimRequest) { r.Queue = "" }), "Queue"},
		{"claim from too long a queue", claim(func(r *ClaimRequest) { r.Queue = longest + "n" }), "Queue"},
		{"claim nothing", claim(func(r *ClaimRequest) { r.Max = 0 }), "ClaimRequest.Max"},
		{"negative grace", claim(func(r *ClaimRequest) { r.Grace = -1 }), "ClaimRequest.Grace or RunLimit"},
		{"longest grace and run limit", claim(func(r *ClaimRequest) { r.Grace, r.RunLimit = math.MaxInt64, math.MaxInt64 }), ""},
		{"negative run limit", claim(func(r *ClaimRequest) { r.RunLimit = -1 }), "ClaimRequest.Grace or RunLimit"},
		{"claim by a policy", claim(func(r *ClaimRequest) { r.Policy = new(Policy) }), ""},
		{"claim by a bad one", claim(func(r *ClaimRequest) { r.Policy = &Policy{Keep: -1} }), "Policy.Keep"},
		{"kinds", claim(func(r *ClaimRequest) { r.Kinds = []string{"plan", "", longest} }), ""},
		{"a kind that can't be", claim(func(r *ClaimRequest) { r.Kinds = []string{"plan", "\x00"} }), "ClaimRequest.Kinds"},
		{"a resource", claim(resource("db", Cap{InFlight: 1, Rate: 0.5, Burst: 2})), ""},
		{"a resource without a name", claim(resource("", Cap{})), "Resource.Name"},
		{"a resource of too long a name", claim(resource(longest+"n", Cap{})), "Resource.Name"},
		{"a resource with a bad cap", claim(resource("db", Cap{InFlight: -1})), "Resource.Cap"},
		{"no lease", claim(func(r *ClaimRequest) { r.Lease = 0 }), "Lease"},
		{"longest lease", CheckLease(12*time.Hour, some), ""},
		{"too long a lease", CheckLease(12*time.Hour+1, some), "Lease"},
		{"a lease of a century", CheckLease(century, Features{}), ""},
		{"of two", CheckLease(2*century, Features{}), "Lease"},
		{"list", ListRequest{Queue: "q"}.Check(), ""},
		{"list a page", ListRequest{Queue: "q", State: Expired, Limit: MaxPage}.Check(), ""},
		{"list too much", ListRequest{Queue: "q", Limit: MaxPage + 1}.Check(), "ListRequest.Limit"},
		{"list less than nothing", ListRequest{Queue: "q", Limit: -1}.Check(), "ListRequest.Limit"},
		{"list a strange state", ListRequest{Queue: "q", State: Expired + 1}.Check(), "ListRequest.State"},
		{"list nowhere", ListRequest{}.Check(), "Queue"},
		{"list a tenant", ListRequest{Queue: "q", Tenant: longest}.Check(), ""},
		{"list a tenant that can't be", ListRequest{Queue: "q", Tenant: longest + "n"}.Check(), "Tenant"},
		{"list a tenant with NUL", ListRequest{Queue: "q", Tenant: "a\x00"}.Check(), "Tenant"},
		{"list a batch", ListRequest{Queue: "q", Tenant: "t", Batch: Ref{"t", "b"}}.Check(), ""},
		{"purge the waiting", PurgeRequest{Queue: "q", State: Waiting, Limit: MaxPurge}.Check(), ""},
		{"purge the dead", PurgeRequest{Queue: "q", State: Dead}.Check(), ""},
		{"purge the running", PurgeRequest{Queue: "q", State: Running}.Check(), "PurgeRequest.State"},
		{"purge all", PurgeRequest{Queue: "q"}.Check(), "PurgeRequest.State"},
		{"purge a strange state", PurgeRequest{Queue: "q", State: Expired + 1}.Check(), "PurgeRequest.State"},
		{"purge too much", PurgeRequest{Queue: "q", State: Dead, Limit: MaxPurge + 1}.Check(), "PurgeRequest.Limit"},
		{"purge less than nothing", PurgeRequest{Queue: "q", State: Dead, Limit: -1}.Check(), "PurgeRequest.Limit"},
		{"purge nowhere", PurgeRequest{State: Dead}.Check(), "Queue"},
		{"purge a tenant", PurgeRequest{Queue: "q", State: Dead, Tenant: "t"}.Check(), ""},
		{"purge a tenant that can't be", PurgeRequest{Queue: "q", State: Dead, Tenant: "\xff"}.Check(), "Tenant"},
		{"cell", CheckCell("k", make([]byte, MaxCell)), ""},
		{"cell too large", CheckCell("k", make([]byte, MaxCell+1)), "too large"},
		{"cell without key", CheckCell("", nil), "cell key"},
	} {
		wantField(t, c.name, c.err, c.field)
	}
}

func TestSettlement_Check(t *testing.T) {
	for _, c := range []struct {
		name  string
		s     *Settlement
		field string
	}{
		{"commit", settle(Commit, func(s *Settlement) { s.Result = make([]byte, 20) }), ""},
		{"result over the limit", settle(Commit, func(s *Settlement) { s.Result = make([]byte, 21) }), "too large"},
		{"a large result lies elsewhere", settle(Commit, func(s *Settlement) { s.Stored = longest }), ""},
		{"at a place too long to name", settle(Commit, func(s *Settlement) { s.Stored = longest + "/" }), "Settlement.Stored"},
		{"nowhere, for a retry", settle(Retry, func(s *Settlement) { s.Stored = "2026-11-23/result" }), "Settlement.Stored"},
		{"last end", commitAs(Expired, Event|WriteBack), ""},
		{"no end", commitAs(0, 0), "Settlement.Outcome"},
		{"running is no end", commitAs(Running, 0), "Settlement.Outcome"},
		{"a strange end", commitAs(Expired+1, 0), "Settlement.Outcome"},
		{"strange debts", commitAs(Dead, 4), "Settlement.Owes"},
		{"no lease", settle(Release, func(s *Settlement) { s.Lease = nil }), "Settlement.Lease"},
		{"no job", settle(Release, func(s *Settlement) { s.Lease = &Lease{} }), "Settlement.Lease"},
		{"no verb", settle(0, nil), "Settlement.Verb"},
		{"a strange verb", settle(Announced+1, nil), "Settlement.Verb"},
		{"retry", settle(Retry, nil), ""},
		{"snooze", settle(Snooze, nil), ""},
		{"retry with an outcome", settle(Retry, func(s *Settlement) { s.Outcome = Dead }), "Settlement.Outcome"},
		{"delay below 0", settle(Retry, func(s *Settlement) { s.Delay = -1 }), "Settlement.Delay"},
		{"delay of two centuries", settle(Snooze, func(s *Settlement) { s.Delay = 2 * century }), "Settlement.Delay"},
		{"delayed release", settle(Release, func(s *Settlement) { s.Delay = 1 }), "Settlement.Delay"},
		{"delayed commit", settle(Commit, func(s *Settlement) { s.Delay = 1 }), "Settlement.Delay"},
		{"announced", settle(Announced, nil), ""},
	} {
		wantField(t, c.name, c.s.Check(some), c.field)
	}
}

func TestBeat_Check(t *testing.T) {
	lease := &Lease{Job: &Job{}}
	for _, c := range []struct {
		name  string
		b     Beat
		field string
	}{
		{"no progress", Beat{Lease: lease}, ""},
		{"0 %", Beat{lease, &Progress{}}, ""},
		{"100 %", Beat{lease, &Progress{Percent: 100}}, ""},
		{"more", Beat{lease, &Progress{Percent: 100.1}}, "Progress.Percent"},
		{"less", Beat{lease, &Progress{Percent: -1}}, "Progress.Percent"},
		{"NaN", Beat{lease, &Progress{Percent: math.NaN()}}, "Progress.Percent"},
		{"infinite", Beat{lease, &Progress{Percent: math.Inf(1)}}, "Progress.Percent"},
		{"no lease", Beat{}, "Beat.Lease"},
		{"no job", Beat{Lease: &Lease{}}, "Beat.Lease"},
	} {
		wantField(t, c.name, c.b.Check(), c.field)
	}
}

func TestCapped(t *testing.T) {
	full := strings.Repeat("a", MaxText)
	for _, c := range []struct{ name, in, want string }{
		{"empty", "", ""},
		{"short", "boom", "boom"},
		{"at the limit", full, full},
		{"over it", full + "a", full},
		{"10 MB", strings.Repeat("a", 10<<20), full},
		{"NUL", "a\x00b", "a\uFFFDb"},
		{"not UTF-8", "a\xffb", "a\uFFFDb"},
		{"NULs grow, and are cut again", strings.Repeat("\x00", MaxText), strings.Repeat("\uFFFD", MaxText/3)},
		{"a rune of two bytes at the cut", full[:MaxText-1] + "é", full[:MaxText-1]},
		{"of three", full[:MaxText-2] + "€", full[:MaxText-2]},
		{"of four: cut, not replaced", full[:MaxText-3] + "🐣", full[:MaxText-3]},
		{"no rune starts near the cut", strings.Repeat("\x80", 2*MaxText), "\uFFFD"},
		{"of four that fits", full[:MaxText-4] + "🐣", full[:MaxText-4] + "🐣"},
	} {
		got := Capped(c.in)
		if got != c.want {
			t.Errorf("%s: %d bytes, ends %q; want %d", c.name, len(got), got[max(0, len(got)-8):], len(c.want))
		}
		if !utf8.ValidString(got) || len(got) > MaxText {
			t.Errorf("%s: not what a store may keep", c.name)
		}
	}
}
