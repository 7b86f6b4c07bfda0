package portal

import (
	"context"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/examples/decoupled/plan"
)

var (
	items = regexp.MustCompile(`<li class="([a-z]+)"[^>]*>([a-z]+)</li>`)
	pairs = regexp.MustCompile(`{"name":"([a-z]+)","state":"([a-z]+)"}`)
)

// sameSteps holds the page's steps against those of the endpoint, which a browser with
// JavaScript shows in their place.
func (p *person) sameSteps(path string) {
	p.Helper()
	_, page := p.get(path)
	_, status := p.get("/jobs/" + strings.TrimPrefix(path, "/questions/"))
	var shown, told []string
	for _, m := range items.FindAllStringSubmatch(page, -1) {
		shown = append(shown, m[2]+" "+m[1])
	}
	for _, m := range pairs.FindAllStringSubmatch(status, -1) {
		told = append(told, m[1]+" "+m[2])
	}
	if diff := cmp.Diff(told, shown); diff != "" || len(told) == 0 {
		p.Error(diff, len(told))
	}
}

// reads fails unless a page says all of this, and reloads itself or not.
func (p *person) reads(path string, reloads bool, want ...string) {
	p.Helper()
	answer, page := p.get(path)
	if answer.StatusCode != http.StatusOK {
		p.Fatalf("%s: %s", path, answer.Status)
	}
	for _, w := range want {
		if !strings.Contains(html.UnescapeString(plain(page)), w) {
			p.Errorf("%s doesn't say %q:\n%s", path, w, plain(page))
		}
	}
	if got := strings.Contains(page, `<noscript><meta http-equiv="refresh"`); got != reloads {
		p.Errorf("%s: it reloads itself: %v", path, got)
	}
	if path != "/" {
		p.sameSteps(path)
	}
}

// Form, 303, the page that reloads itself until the end, the plan and its picture.
func TestAPersonWithoutJavaScriptSeesItThrough(t *testing.T) {
	s := newSite(t)
	zeta := s.person()
	answered, _ := zeta.submit(url.Values{})
	at := answered.Request.URL.Path
	if answered.StatusCode != 200 || !strings.HasPrefix(at, "/questions/") || answered.Request.Response.StatusCode != http.StatusSeeOther {
		t.Fatalf("sent to %s: %s", at, answered.Status)
	}
	zeta.reads(at, true, "Autumn", "queued", "Cancel")
	l := s.Claim()
	zeta.reads(at, true, "running", "Attempt 1")
	s.Report(l, 42, "5 of 12")
	zeta.reads(at, true, "42 %, 5 of 12 products")
	zeta.reads("/", false, "Autumn running 42 %")
	if pic, _ := zeta.get(at + "/chart.svg"); pic.StatusCode != 404 {
		t.Errorf("a picture of what isn't there: %s", pic.Status)
	}
	s.Succeed(l, answer(t, plan.Question{Title: "Autumn", Products: 3, Level: 95}))
	zeta.reads(at, false, "done", "The plan", "instead of £", "S003")
	pic, svg := zeta.get(at + "/chart.svg")
	if pic.Header.Get("Content-Type") != "image/svg+xml" || !strings.HasPrefix(svg, "<svg") {
		t.Errorf("%s %.60s", pic.Header.Get("Content-Type"), svg)
	}
}

// What went wrong has the title of the endpoint's problem, and the planner's own words.
func TestThePageNamesTheProblemAsTheEndpointDoes(t *testing.T) {
	for want, end := range map[string]func(*site, *person, string){
		"dead": func(s *site, _ *person, _ string) {
			s.Settle(backends.Settlement{
				Lease: s.Claim(), Verb: backends.Commit, Outcome: backends.Dead, Reason: "permanent error", Error: "the harbour has closed",
			})
		},
		"cancelled": func(_ *site, p *person, at string) { p.do("POST", at+"/cancel", url.Values{}) },
		"superseded": func(_ *site, p *person, _ string) {
			p.submit(url.Values{"replace": {"yes"}, "title": {"newer"}})
		},
		"expired": func(_ *site, p *person, at string) {
			id := strings.TrimPrefix(at, "/questions/")
			late, end := context.WithTimeout(p.Context(), 20*time.Second)
			defer end()
			r, _ := http.NewRequestWithContext(late, "GET", p.URL+"/jobs/"+id, nil)
			for { // the store's clock says when
				if _, text := p.send(r); strings.Contains(text, `"expired"`) {
					return
				}
			}
		},
	} {
		t.Run(want, func(t *testing.T) {
			s := newSite(t)
			zeta := s.person()
			fields := url.Values{"replace": {"yes"}}
			if want == "expired" {
				fields.Set("within", "0.05")
			}
			asked, _ := zeta.submit(fields)
			at := asked.Request.URL.Path
			end(s, zeta, at)
			_, text := zeta.get("/jobs/" + strings.TrimPrefix(at, "/questions/") + "/result")
			title := between(text, `"title":"`, `"`)
			if !strings.Contains(text, "urn:leat:problem:"+want) || title == "" {
				t.Fatal(text)
			}
			zeta.reads(at, false, title)
			if want == "dead" {
				zeta.reads(at, false, "failed", "the harbour has closed")
			}
			if want == "expired" {
				zeta.reads(at, false, "accepted queued expired")
			}
			if want == "superseded" {
				zeta.reads(at, false, "The newer one")
			}
			if _, page := zeta.get(at); strings.Contains(page, "/cancel") {
				t.Error("it can still be cancelled")
			}
		})
	}
}

// An attempt that failed is told while the next is waited for.
func TestARetryIsToldCalmly(t *testing.T) {
	s := newSite(t)
	zeta := s.person()
	asked, _ := zeta.submit(url.Values{})
	s.Retry(s.Claim(), time.Hour, "the supplier's service is busy")
	zeta.reads(asked.Request.URL.Path, true, "retrying", "the supplier's service is busy")
}

// Two clicks on one form, and a reload, are one job; another form is another.
func TestAFormSentTwiceIsOneJob(t *testing.T) {
	s := newSite(t)
	zeta := s.person()
	key := url.Values{"key": {"ONEFORM"}}
	first, _ := zeta.submit(key)
	again, _ := zeta.submit(key)
	if first.Request.URL.Path != again.Request.URL.Path {
		t.Errorf("%s and %s", first.Request.URL.Path, again.Request.URL.Path)
	}
	if other, _ := zeta.submit(url.Values{}); other.Request.URL.Path == first.Request.URL.Path {
		t.Error("two forms are one job")
	}
	if changed, page := zeta.submit(url.Values{"key": {"ONEFORM"}, "title": {"another"}}); changed.StatusCode != 422 || !strings.Contains(page, "sent before") {
		t.Errorf("%s", changed.Status)
	}
}

// What makes no sense is told beside the form, which stays as it was filled in.
func TestAWrongFormIsToldInWords(t *testing.T) {
	s := newSite(t)
	zeta := s.person()
	for _, c := range []struct{ field, value, want string }{
		{"title", "", "the title must have"},
		{"title", strings.Repeat("ü", 61), "the title must have"},
		{"products", "25", "products must be 1 to 24"},
		{"products", "many", "products must be 1 to 24"},
		{"level", "NaN", "the service level must be"},
		{"level", "100", "the service level must be"},
		{"within", "-1", "within 0 to 3600 seconds"},
		{"supplier", "nobody", "there is no supplier"},
	} {
		fields := url.Values{"title": {"My range"}, c.field: {c.value}}
		got, page := zeta.submit(fields)
		if got.StatusCode != 422 || !strings.Contains(page, c.want) || !strings.Contains(page, `role="alert"`) {
			t.Errorf("%s %q: %s, %s", c.field, c.value, got.Status, between(page, `role="alert">`, "<"))
		}
		if c.field != "title" && !strings.Contains(page, `value="My range"`) {
			t.Errorf("%s: the form is empty again", c.field)
		}
	}
	crowded := newSite(t)
	crowded.queue.Backlog = 1
	eta := crowded.person()
	eta.submit(url.Values{})
	if got, page := eta.submit(url.Values{}); got.StatusCode != 429 || got.Header.Get("Retry-After") == "" || !strings.Contains(page, "ask again") {
		t.Errorf("a full backlog: %s", got.Status)
	}
}
