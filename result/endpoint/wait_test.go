package endpoint_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/queue"
)

// after runs f later, in the bubble's time.
func after(d time.Duration, f func()) {
	go func() {
		time.Sleep(d)
		f()
	}()
}

// took fails unless so much time has passed since start.
func (s *site) took(start time.Time, want time.Duration) {
	s.Helper()
	if took := time.Since(start); took != want {
		s.Errorf("after %v, want %v", took, want)
	}
}

// Who would rather wait for the result gets it in the answer, if it is there in time.
func TestPrefer_APostThatWaits(t *testing.T) {
	done := func(v any) func(*site) {
		return func(s *site) { s.Succeed(s.Claim(), v) }
	}
	for name, c := range map[string]struct {
		prefer, applied string
		end             func(*site) // after three seconds
		after           time.Duration
		code            int
		kind, body      string
	}{
		"in time":            {"wait=10", "wait=10", done(plan{12}), 3 * time.Second, 200, "", `{"Order":12}`},
		"in time, async":     {"respond-async, wait=10", "respond-async, wait=10", done(plan{12}), 3 * time.Second, 200, "", `{"Order":12}`},
		"no result":          {"wait=10", "wait=10", func(s *site) { s.Settle(success(s.Claim())) }, 3 * time.Second, 204, "", ""},
		"dead":               {"wait=10", "", func(s *site) { s.Die(s.Claim(), canary) }, 3 * time.Second, 409, "dead", ""},
		"superseded":         {"wait=10", "", func(s *site) { s.post() }, 3 * time.Second, 410, "superseded", ""},
		"too late":           {"wait=2", "wait=2", done(plan{12}), 2 * time.Second, 202, "", ""},
		"more than is given": {"wait=3600", "wait=20", func(*site) {}, 20 * time.Second, 202, "", ""},
		"not at all":         {"respond-async", "respond-async", func(*site) {}, 0, 202, "", ""},
		"nothing":            {"", "", func(*site) {}, 0, 202, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t)
				s.h.Options = func(*http.Request, settings) []queue.Option { return []queue.Option{queue.Supersede("screen-9")} }
				after(3*time.Second, func() { c.end(s) })
				start := time.Now()
				w := s.do("POST", "/jobs", `{}`, "Prefer", c.prefer)
				p := s.expect(w, c.code, c.kind)
				s.took(start, c.after)
				h := w.Header()
				if h.Get("Preference-Applied") != c.applied {
					t.Errorf("applied %q", h.Get("Preference-Applied"))
				}
				if there := c.code == 200 || c.code == 204; there != strings.HasSuffix(h.Get("Content-Location"), "/result") || h.Get("ETag") != "" {
					t.Errorf("headers %v", h)
				}
				if c.code < 300 && h.Get("Location") == "" || c.code >= 400 && p.Links.Self == "" || c.code == 202 && h.Get("Retry-After") == "" {
					t.Errorf("where is it? %v %s", h, w.Body)
				}
				if c.body != "" && w.Body.String() != c.body {
					t.Errorf("%s", w.Body)
				}
				time.Sleep(time.Hour)
			})
		})
	}
}

func success(l *backends.Lease) backends.Settlement {
	return backends.Settlement{Lease: l, Verb: backends.Commit, Outcome: backends.Succeeded}
}

// A repeated request waits for the job of the first, or gets its result.
func TestPrefer_ARepeatedPostThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		self := s.post("Idempotency-Key", "a")
		after(3*time.Second, func() { s.Succeed(s.Claim(), plan{12}) })
		for range 2 {
			w := s.do("POST", "/jobs", `{"SKU":"22423"}`, "Idempotency-Key", "a", "Prefer", "wait=10")
			s.expect(w, 200, "")
			if w.Header().Get("Location") != self || w.Body.String() != `{"Order":12}` {
				t.Errorf("%v %s", w.Header(), w.Body)
			}
		}
		if got := s.post("Idempotency-Key", "a"); got != self { // without, the same 202
			t.Errorf("at %s", got)
		}
	})
}

func TestPrefer_AStatusThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.h.Options = func(*http.Request, settings) []queue.Option { return []queue.Option{queue.Delay(2 * time.Second)} }
		self := s.post()
		tag := s.do("GET", self, "").Header().Get("ETag")
		phase := func(want string, took time.Duration, headers ...string) {
			t.Helper()
			start := time.Now()
			w := s.do("GET", self, "", headers...)
			s.expect(w, 200, "")
			s.took(start, took)
			if got := decode[struct{ Phase string }](s, w).Phase; got != want || w.Header().Get("Preference-Applied") != "wait=5" {
				t.Errorf("%s, headers %v; want %s", got, w.Header(), want)
			}
			tag = w.Header().Get("ETag")
		}
		phase("queued", 2*time.Second, "Prefer", "wait=5", "If-None-Match", tag) // when it is due, though nothing is written
		phase("queued", 0, "Prefer", "wait=5", "If-None-Match", `"another"`)
		start := time.Now()
		s.expect(s.do("GET", self, "", "Prefer", "wait=5", "If-None-Match", tag), 304, "")
		s.took(start, 5*time.Second)
		l := s.Claim()
		after(time.Second, func() { s.Report(l, 40, "") })
		phase("running", 0, "Prefer", "wait=5", "If-None-Match", tag)
		phase("running", time.Second, "Prefer", "wait=5", "If-None-Match", tag)
		after(time.Second, func() { s.Report(l, 50, "") })
		phase("running", 5*time.Second, "Prefer", "wait=5") // without a version: for the end
		after(time.Second, func() { s.Succeed(l, plan{12}) })
		phase("succeeded", time.Second, "Prefer", "wait=5")
		start = time.Now()
		s.expect(s.do("GET", self, "", "Prefer", "wait=5", "If-None-Match", tag), 304, "") // there is nothing to come
		s.took(start, 0)
	})
}

func TestPrefer_AResultThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		self := s.post() + "/result"
		start := time.Now()
		s.expect(s.do("GET", self, "", "Prefer", "wait=5"), 202, "")
		s.took(start, 5*time.Second)
		after(time.Second, func() { s.Succeed(s.Claim(), plan{12}) })
		w := s.do("GET", self, "", "Prefer", "wait=5")
		s.expect(w, 200, "")
		s.took(start, 6*time.Second)
		if w.Body.String() != `{"Order":12}` {
			t.Errorf("%s", w.Body)
		}
		s.expect(s.do("GET", "/jobs/none/result", "", "Prefer", "wait=5"), 404, "not-found")
		s.took(start, 6*time.Second)
	})
}

// A deadline counts from the creation, whatever is tried again behind it.
func TestADeadlineCountsFromTheCreation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.h.Options = func(*http.Request, settings) []queue.Option { return []queue.Option{queue.Expiry(15 * time.Second)} }
		self := s.post()
		start := time.Now()
		after(5*time.Second, func() { s.Retry(s.Claim(), 20*time.Second, "no stock") })
		w := s.do("GET", self, "", "Prefer", "wait=20")
		s.expect(w, 200, "")
		s.took(start, 15*time.Second)
		if got := decode[struct{ Phase string }](s, w).Phase; got != "expired" {
			t.Errorf("%s", got)
		}
		s.expect(s.do("GET", self+"/result", ""), 410, "expired")
	})
}

func TestRule_R12_AFullBacklogSaysItsLimit(t *testing.T) {
	for name, c := range map[string]struct {
		queue, tenant int
		policy        string
	}{
		"of the queue":  {1, 0, `"backlog";q=1;qu="concurrent-requests"`},
		"of the tenant": {100, 1, `"backlog";q=1;qu="concurrent-requests"`},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.q.Backlog, s.q.Tenant.Backlog = c.queue, c.tenant
			s.post()
			h := s.do("POST", "/jobs", `{}`).Header()
			if h.Get("RateLimit") != `"backlog";r=0;t=1` || h.Get("RateLimit-Policy") != c.policy || h.Get("Retry-After") != "1" {
				t.Errorf("%v", h)
			}
		})
	}
}

// signing is a bucket whose objects have URLs.
type signing struct{ *bucket }

func (signing) SignedURL(_ context.Context, key string, life time.Duration) (string, error) {
	return fmt.Sprintf("https://bucket.example/%s?for=%v", key, life), nil
}

func TestALargeResultMayComeFromTheBucket(t *testing.T) {
	s, b, self := large(t)
	s.h.Redirect = time.Minute
	b.after = len(b.data)
	w := s.do("HEAD", self, "") // this bucket signs nothing
	s.expect(w, 200, "")

	s = newSite(t)
	s.q.Bucket, s.q.Inline = signing{&bucket{}}, 10
	s.h.Redirect = time.Minute
	self = s.post() + "/result"
	s.expect(s.do("GET", self, ""), 202, "")
	s.Succeed(s.Claim(), plan{123456})
	w = s.do("GET", self, "")
	s.expect(w, 303, "")
	if at := w.Header().Get("Location"); !strings.HasPrefix(at, "https://bucket.example/") || !strings.HasSuffix(at, "?for=1m0s") ||
		w.Header().Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("%v", w.Header())
	}
	s.Die(func() *backends.Lease { self = s.post() + "/result"; return s.Claim() }(), "")
	s.expect(s.do("GET", self, ""), 409, "dead")
}

func TestStepsShowTheWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.h.Options = func(*http.Request, settings) []queue.Option { return []queue.Option{queue.Expiry(time.Hour)} }
		want := func(self, steps string) {
			t.Helper()
			var got []string
			type step struct{ Name, State string }
			for _, x := range decode[struct{ Steps []step }](s, s.do("GET", self, "")).Steps {
				got = append(got, x.Name+" "+x.State)
			}
			if strings.Join(got, ", ") != steps {
				t.Errorf("%q, want %q", strings.Join(got, ", "), steps)
			}
		}
		self := s.post()
		want(self, "accepted done, queued current, running ahead, done ahead")
		l := s.Claim()
		want(self, "accepted done, queued done, running current, done ahead")
		s.Retry(l, 0, "no stock")
		want(self, "accepted done, queued current, running ahead, done ahead")
		s.Succeed(s.Claim(), plan{12})
		want(self, "accepted done, queued done, running done, done done")
		self = s.post()
		s.Die(s.Claim(), "")
		want(self, "accepted done, queued done, running done, failed failed")
		self = s.post()
		s.do("DELETE", self, "")
		want(self, "accepted done, queued done, cancelled failed")
		self = s.post()
		time.Sleep(2 * time.Hour)
		want(self, "accepted done, queued done, expired failed")
	})
}
