package endpoint_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
)

func TestStatusIsShownInEveryState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which starts at 2000-01-01T00:00:00Z
		s := newSite(t)
		s.h.Options = func(*http.Request, settings) []queue.Option {
			return []queue.Option{queue.Delay(time.Minute), queue.Expiry(time.Hour)}
		}
		self := s.post("Idempotency-Key", "req-42")
		expect := func(rest string) {
			t.Helper()
			w := s.do("GET", self, "")
			s.expect(w, 200, "")
			id := strings.TrimPrefix(self, "/jobs/")
			want := fmt.Sprintf(`{"id":%q,%s,"created":"2000-01-01T00:00:00Z",`, id, strings.ReplaceAll(rest, "SELF", self))
			if got := withoutSteps(w.Body.String()); !strings.HasPrefix(got, want) || !strings.Contains(got, `"deadline":"2000-01-01T01:00:00Z"`) {
				t.Errorf("got\n%s, want\n%s", got, want)
			}
			again := w.Header().Get("Retry-After")
			if ended := strings.Contains(w.Body.String(), `"ended":`); ended != (again == "") {
				t.Errorf("ended: %v, Retry-After %q", ended, again)
			}
		}
		expect(`"state":"waiting","links":{"self":"SELF","result":"SELF/result","events":"SELF/events"},"phase":"scheduled","attempt":0`)
		time.Sleep(time.Minute)
		expect(`"state":"waiting","links":{"self":"SELF","result":"SELF/result","events":"SELF/events"},"phase":"queued","attempt":0`)
		l := s.Claim()
		expect(`"state":"running","links":{"self":"SELF","result":"SELF/result","events":"SELF/events"},"phase":"running","attempt":1`)
		s.Report(l, 40, "halfway")
		s.Retry(l, time.Minute, canary)
		expect(`"state":"waiting","links":{"self":"SELF","result":"SELF/result","events":"SELF/events"},"phase":"retrying","attempt":1,"progress":{"percent":40,"text":"halfway"}`)
		time.Sleep(time.Minute)
		s.Die(s.Claim(), canary)
		expect(`"state":"dead","links":{"self":"SELF"},"phase":"dead","attempt":2,"progress":{"percent":40,"text":"halfway"}`)
	})
}

var steps = regexp.MustCompile(`"steps":\[[^\]]*\],`)

func withoutSteps(body string) string { return steps.ReplaceAllString(body, "") }

// What handlers wrote into their errors may be shown, if somebody says so.
func TestErrorsAreShownOnRequest(t *testing.T) {
	s := newSite(t)
	s.h.ShowErrors = true
	self := s.post()
	s.Retry(s.Claim(), 0, "no stock")
	s.Die(s.Claim(), "no stock, twice")
	got := decode[struct {
		Reason   string
		Failures []struct {
			Attempt int
			Text    string
		}
	}](s, s.do("GET", self, ""))
	if got.Reason != "no stock, twice" || len(got.Failures) != 2 || got.Failures[0].Text != "no stock" || got.Failures[1].Attempt != 2 {
		t.Errorf("%+v", got)
	}
	if p := s.expect(s.do("GET", self+"/result", ""), 409, "dead"); p.Detail != "no stock, twice" {
		t.Errorf("%+v", p)
	}
}

func TestRule_R14_MembersOfABatchAreCounted(t *testing.T) {
	s := newSite(t)
	collate := backends.Job{Ref: queue.Ref{Tenant: "zeta", ID: "c"}, Batch: &backends.Batch{Hold: 1}}
	member := backends.Job{Ref: queue.Ref{Tenant: "zeta", ID: "m"}, Batch: &backends.Batch{Member: collate.Ref}}
	if _, err := s.b.Enqueue(t.Context(), backends.EnqueueRequest{Queue: "whatif", Jobs: []backends.Job{collate, member}}); err != nil {
		t.Fatal(err)
	}
	w := s.do("GET", "/jobs/c", "")
	seal := collate
	seal.Batch = &backends.Batch{Hold: 1, Sealed: true, Members: 1}
	if _, err := s.b.Enqueue(t.Context(), backends.EnqueueRequest{Queue: "whatif", Jobs: []backends.Job{seal}}); err != nil {
		t.Fatal(err)
	}
	if got := s.do("GET", "/jobs/c", "").Body.String(); !strings.Contains(got, `"progress":{"percent":0}`) {
		t.Error(got)
	}
	s.Succeed(s.Claim(), plan{12})
	if got := s.do("GET", "/jobs/c", "").Body.String(); !strings.Contains(got, `"progress":{"percent":100}`) {
		t.Error(got)
	}
	if got := w.Body.String(); !strings.Contains(got, `"phase":"held"`) || !strings.Contains(got, `"batch":{"members":1,"ended":0,"failed":0,"sealed":false}`) {
		t.Error(got)
	}
}

func TestAVersionThatTheClientHasIsNotSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.h.Options = func(*http.Request, settings) []queue.Option { return []queue.Option{queue.Delay(time.Minute)} }
		self := s.post()
		tag := ""
		changed := func(what string) {
			t.Helper()
			if w := s.do("GET", self, "", "If-None-Match", tag); w.Code != 200 || w.Header().Get("ETag") == tag {
				t.Errorf("%s: %d, tag %s", what, w.Code, w.Header().Get("ETag"))
			} else {
				tag = w.Header().Get("ETag")
			}
			for _, match := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
				if w := s.do("GET", self, "", "If-None-Match", match); w.Code != 304 || w.Body.Len() > 0 || w.Header().Get("ETag") != tag {
					t.Errorf("%s: If-None-Match %s: %d %v %s", what, match, w.Code, w.Header(), w.Body)
				}
			}
			if w := s.do("HEAD", self, ""); w.Code != 200 || w.Header().Get("ETag") != tag || w.Header().Get("Content-Length") == "" {
				t.Errorf("%s: HEAD: %d %v", what, w.Code, w.Header())
			}
		}
		changed("created")
		time.Sleep(time.Minute)
		changed("due") // without a new version
		l := s.Claim()
		changed("running")
		s.Report(l, 40, "halfway")
		changed("progress")
		s.Succeed(l, plan{12})
		changed("succeeded")

		tag = ""
		self += "/result"
		w := s.do("GET", self, "")
		if w.Code != 200 || w.Body.String() != `{"Order":12}` {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		tag = w.Header().Get("ETag")
		if w = s.do("GET", self, "", "If-None-Match", tag); tag == "" || w.Code != 304 || w.Body.Len() > 0 {
			t.Errorf("%d %s, tag %s", w.Code, w.Body, tag)
		}
		if w = s.do("HEAD", self, ""); w.Code != 200 || w.Header().Get("ETag") != tag || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("HEAD: %d %v", w.Code, w.Header())
		}
	})
}

func TestResultIsThereOnceItSucceeded(t *testing.T) {
	s := newSite(t)
	self := s.post()
	waits := func(phase string) {
		t.Helper()
		w := s.do("GET", self+"/result", "")
		s.expect(w, 202, "")
		if got := decode[struct{ Phase string }](s, w); got.Phase != phase || w.Header().Get("Retry-After") != "1" || w.Header().Get("ETag") != "" {
			t.Errorf("%+v, headers %v", got, w.Header())
		}
	}
	waits("queued")
	l := s.Claim()
	waits("running")
	s.Succeed(l, plan{12})
	w := s.do("GET", self+"/result", "")
	s.expect(w, 200, "")
	if w.Body.String() != `{"Order":12}` || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Retry-After") != "" {
		t.Errorf("%s, headers %v", w.Body, w.Header())
	}
}

// A result of no bytes, as of jobs that have none, is no content, rather than JSON
// that no client can read.
func TestAnEmptyResult(t *testing.T) {
	s := newSite(t)
	self := s.post()
	s.Settle(backends.Settlement{Lease: s.Claim(), Verb: backends.Commit, Outcome: backends.Succeeded})
	for _, method := range []string{"GET", "HEAD"} {
		if w := s.do(method, self+"/result", ""); w.Code != 204 || w.Body.Len() > 0 || w.Header().Get("Content-Type") != "" {
			t.Errorf("%s: %d %v %s", method, w.Code, w.Header(), w.Body)
		}
	}
}

func TestEndsWithoutAResult(t *testing.T) {
	for name, c := range map[string]struct {
		end    func(s *site)
		status int
	}{
		"dead":       {func(s *site) { s.Die(s.Claim(), canary) }, 409},
		"cancelled":  {func(s *site) { s.do("DELETE", "/jobs/"+s.Claim().Job.ID, ""); s.finishCancelled() }, 409},
		"expired":    {func(*site) { time.Sleep(time.Hour) }, 410},
		"superseded": {func(s *site) { s.post() }, 410},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t)
				s.h.Options = func(*http.Request, settings) []queue.Option {
					return []queue.Option{queue.Supersede("screen-9"), queue.Expiry(time.Hour)}
				}
				self := s.post()
				c.end(s)
				p := s.expect(s.do("GET", self+"/result", ""), c.status, name)
				status := decode[struct{ Links struct{ Newer string } }](s, s.do("GET", self, ""))
				if newer := p.Links.Newer; newer != status.Links.Newer || (newer != "") != (name == "superseded") || newer == self {
					t.Errorf("newer %q, and %q in the status", newer, status.Links.Newer)
				}
				if p.Detail != "" {
					t.Errorf("detail %q", p.Detail)
				}
			})
		})
	}
}

// finishCancelled waits for the lease of a cancelled job to lapse: the store ends it.
func (s *site) finishCancelled() {
	s.Helper()
	time.Sleep(2 * time.Hour)
	ctx, cancel := context.WithTimeout(s.Context(), time.Second)
	defer cancel()
	in := s.Inside()
	if l, err := s.b.Claim(ctx, backends.ClaimRequest{Queue: in.Name, Policy: in.Policy, Max: 1, Lease: time.Hour}); err == nil {
		s.Fatalf("claimed %+v", l[0])
	}
}

func TestRule_R2_WhatIsNotTheCallersDoesNotExist(t *testing.T) {
	s := newSite(t)
	mine := s.post("Tenant", "zeta")
	s.Succeed(s.Claim(), plan{12})
	other := queue.New[settings, plan](s.b, "other")
	ticket, err := other.Enqueue(t.Context(), settings{}, queue.Tenant("zeta"))
	if err != nil {
		t.Fatal(err)
	}
	emails := queue.View[settings, plan](s.q, "email")
	email, err := emails.Enqueue(t.Context(), settings{}, queue.Tenant("zeta"))
	if err != nil {
		t.Fatal(err)
	}
	for _, end := range []string{"", "/result"} {
		for _, method := range []string{"GET", "HEAD", "DELETE"} {
			if method == "DELETE" && end != "" {
				continue
			}
			unknown := s.do(method, "/jobs/00000000-0000-4000-8000-000000000000"+end, "")
			if unknown.Code != 404 {
				t.Fatalf("%d", unknown.Code)
			}
			for name, r := range map[string]*http.Request{
				"another tenant's": request(method, mine+end, "", "Tenant", "eta"),
				"of no tenant":     request(method, mine+end, "", "Tenant", ""),
				"another queue's":  request(method, "/jobs/"+ticket.ID+end, ""),
				"another kind's":   request(method, "/jobs/"+email.ID+end, ""),
				"not an id":        request(method, "/jobs/a%20b"+end, ""),
				"a long id":        request(method, "/jobs/"+strings.Repeat("a", 257)+end, ""),
				"a slash in an id": request(method, "/jobs/a%2Fb"+end, ""),
			} {
				w := s.serve(s.h, r)
				if w.Code != unknown.Code || w.Body.String() != unknown.Body.String() {
					t.Errorf("%s %s: %d %s, want %d %s", method, name, w.Code, w.Body, unknown.Code, unknown.Body)
				}
				if d := cmp.Diff(unknown.Header(), w.Header()); d != "" {
					t.Errorf("%s %s: %s", method, name, d)
				}
			}
		}
	}
	for _, j := range []struct {
		q   *queue.Queue[settings, plan]
		ref queue.Ref
	}{{other, ticket.Ref}, {emails, email.Ref}} {
		if r, err := s.b.Lookup(t.Context(), j.ref, 0); err != nil || r.State != queue.Waiting {
			t.Errorf("%v, %v", r, err)
		}
	}
}

func TestRule_R2_WhatIsNoIdIsNotLookedUp(t *testing.T) {
	s := newSite(t)
	s.b.Inject(backendtest.Fault{Verb: backendtest.Lookup})
	for _, id := range []string{"a%00b", "%ff", "a'b", `a"b`, "a;b", "ä", strings.Repeat("a", 257), "a/b", "a/result/c", "/result"} {
		s.expect(s.do("GET", "/jobs/"+id, ""), 404, "not-found")
	}
	if n := s.b.Injected(backendtest.Lookup); n != 0 {
		t.Errorf("%d lookups", n)
	}
}

func TestDeleteCancels(t *testing.T) {
	s := newSite(t)
	state := func(w *httptest.ResponseRecorder) string { return decode[struct{ Phase string }](s, w).Phase }

	waiting := s.post()
	for range 2 { // repeated, it is well
		w := s.do("DELETE", waiting, "")
		if s.expect(w, 202, ""); state(w) != "cancelled" || w.Header().Get("Retry-After") != "" {
			t.Errorf("%v %s", w.Header(), w.Body)
		}
	}
	running := s.post()
	l := s.Claim()
	w := s.do("DELETE", running, "")
	if s.expect(w, 202, ""); state(w) != "cancelling" || w.Header().Get("Retry-After") != "1" {
		t.Errorf("%v %s", w.Header(), w.Body)
	}
	errs, err := s.b.Extend(t.Context(), time.Hour, []backends.Beat{{Lease: l}})
	if err != nil || errs == nil || !errors.Is(errs[0], queue.ErrCancelled) {
		t.Errorf("the worker is told %v, %v", errs, err)
	}
	ended := s.post()
	s.Succeed(s.Claim(), plan{12})
	s.expect(s.do("DELETE", ended, ""), 409, "ended")
}

// A cancel that took effect is told so, though the job can't be read afterwards.
func TestDeleteOfAStoreThatGoesAway(t *testing.T) {
	s := newSite(t)
	self := s.post()
	s.b.Inject(backendtest.Fault{Verb: backendtest.Lookup, Rate: func(n int) bool { return n == 2 }})
	w := s.do("DELETE", self, "")
	s.expect(w, 202, "")
	if got := decode[struct{ Links struct{ Self string } }](s, w); got.Links.Self != self {
		t.Error(w.Body)
	}
}
