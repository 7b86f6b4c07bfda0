package portal

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/leat-go/leat/examples/decoupled/plan"
)

// hostile is a title that would like to be more.
const hostile = `</h1><script>alert(1)</script><img src=x onerror="alert(2)">'"&`

// What people type is text, on every page and in the picture's.
func TestRow_G1_HostileNamesAreText(t *testing.T) {
	s := newSite(t)
	zeta := s.person()
	asked, _ := zeta.submit(url.Values{"title": {hostile[:60]}})
	at := asked.Request.URL.Path
	l := s.Claim()
	s.Report(l, 10, hostile)
	check := func(path string) {
		t.Helper()
		_, page := zeta.get(path)
		if strings.Contains(page, "<script>") || strings.Contains(page, "<img src=x") {
			t.Errorf("%s: a name is markup:\n%s", path, page)
		}
		if !strings.Contains(page, "&lt;script&gt;alert(1)") {
			t.Errorf("%s doesn't show the name", path)
		}
	}
	check("/")
	check(at)
	if _, page := zeta.get(at); !strings.Contains(page, "onerror=&#34;alert(2)&#34;") {
		t.Error("the progress isn't shown as text")
	}
	a := answer(t, plan.Question{Title: "x", Products: 1, Level: 95})
	a.Title, a.Chart.Title, a.Items[0].SKU = hostile, hostile, hostile
	s.Succeed(l, a)
	check(at)
	_, svg := zeta.get(at + "/chart.svg")
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "script" {
			t.Error("a script got into the picture")
		}
	}
	for _, page := range []string{"page.js", "frame.html", "home.html", "question.html"} {
		text, err := web.ReadFile("web/" + page)
		if err != nil {
			t.Fatal(err)
		}
		for _, markup := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", " style=", " onclick=", "javascript:", "<style"} {
			if strings.Contains(string(text), markup) {
				t.Errorf("%s has %s", page, markup)
			}
		}
	}
}

func TestRow_G1_EveryAnswerHasTheHeadersOfAStrictSite(t *testing.T) {
	s := newSite(t)
	zeta := s.person()
	asked, _ := zeta.submit(url.Values{})
	for _, path := range []string{"/", asked.Request.URL.Path, "/static/page.js", "/static/page.css", "/static/icon.svg", "/jobs/none", "/nothing", "/questions/none"} {
		got, _ := zeta.get(path)
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
			"X-Content-Type-Options":  "nosniff",
			"Referrer-Policy":         "same-origin",
		} {
			if got.Header.Get(name) != want {
				t.Errorf("%s: %s is %q", path, name, got.Header.Get(name))
			}
		}
		if path == "/" && got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be kept: %q", path, got.Header.Get("Cache-Control"))
		}
	}
	css, _ := zeta.get("/static/page.css")
	r, _ := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/static/page.css", nil)
	r.Header.Set("If-None-Match", css.Header.Get("ETag"))
	if again, _ := zeta.send(r); again.StatusCode != http.StatusNotModified {
		t.Errorf("the style sheet is sent again: %s", again.Status)
	}
}

// The cookie is a secret of the browser's, and no name of the store's.
func TestRow_G1_WhoSomebodyIs(t *testing.T) {
	s := newSite(t)
	zeta, eta := s.person(), s.person()
	first, _ := zeta.get("/")
	c := first.Cookies()
	if len(c) != 1 || !c[0].HttpOnly || c[0].SameSite != http.SameSiteStrictMode || len(c[0].Value) < 26 {
		t.Fatalf("%v", c)
	}
	if again, _ := zeta.get("/"); len(again.Cookies()) != 0 {
		t.Error("another cookie at each visit")
	}
	asked, _ := zeta.submit(url.Values{})
	at := asked.Request.URL.Path
	for r, err := range s.queue.Jobs(t.Context(), everybody) {
		if err != nil || r.Job.Tenant != Tenant(c[0].Value) || strings.Contains(r.Job.Tenant, c[0].Value) {
			t.Errorf("tenant %q of cookie %q, %v", r.Job.Tenant, c[0].Value, err)
		}
	}
	if got, _ := eta.get(at); got.StatusCode != 404 {
		t.Errorf("somebody else's question: %s", got.Status)
	}
	if got, _ := eta.do("POST", at+"/cancel", url.Values{}); got.StatusCode != 404 {
		t.Errorf("somebody else's cancel: %s", got.Status)
	}
	if got, _ := eta.get(at + "/chart.svg"); got.StatusCode != 404 {
		t.Errorf("somebody else's picture: %s", got.Status)
	}
	for _, cookie := range []string{"", "A", "zeta", strings.Repeat("a", 26), strings.Repeat("A", 27)} {
		r, _ := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/jobs/x", nil)
		r.AddCookie(&http.Cookie{Name: Cookie, Value: cookie})
		got, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		got.Body.Close()
		if got.StatusCode != http.StatusUnauthorized || got.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("cookie %q: %s", cookie, got.Status)
		}
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

// A page of another origin can change nothing.
func TestRow_G1_AnotherOriginChangesNothing(t *testing.T) {
	s := newSite(t)
	zeta := s.person()
	asked, _ := zeta.submit(url.Values{})
	at := asked.Request.URL.Path
	for _, c := range []struct{ method, path string }{
		{"POST", "/questions"}, {"POST", at + "/cancel"}, {"POST", "/jobs"}, {"DELETE", "/jobs/" + strings.TrimPrefix(at, "/questions/")},
	} {
		for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://elsewhere.example"} {
			r, _ := http.NewRequestWithContext(t.Context(), c.method, s.URL+c.path, strings.NewReader(""))
			r.Header.Set(name, value)
			if got, _ := zeta.send(r); got.StatusCode != http.StatusForbidden {
				t.Errorf("%s %s with %s: %s", c.method, c.path, name, got.Status)
			}
		}
	}
	zeta.reads(at, true, "queued")
}

// The store is away, a form is huge: no 500, and nothing of how the service is made.
func TestRow_G1_WhatCantBeDoneIsSaidInWords(t *testing.T) {
	s := newSite(t)
	zeta := s.person()
	if got, _ := zeta.submit(url.Values{"title": {strings.Repeat("x", 20<<10)}}); got.StatusCode != 400 {
		t.Errorf("a huge form: %s", got.Status)
	}
	asked, _ := zeta.submit(url.Values{})
	s.Store.Close()
	for _, path := range []string{"/", asked.Request.URL.Path} {
		if got, text := zeta.get(path); got.StatusCode != 503 || got.Header.Get("Retry-After") == "" || strings.Contains(text, "closed") {
			t.Errorf("%s: %s %s", path, got.Status, text)
		}
	}
}
