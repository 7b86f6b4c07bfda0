package portal

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/examples/decoupled/plan"
	"github.com/leat-go/leat/internal/byhand"
	"github.com/leat-go/leat/queue"
)

// site is a portal on a server, and the worker's side of it, by hand.
type site struct {
	*testing.T
	byhand.Worker
	*httptest.Server
	queue  *queue.Queue[plan.Question, plan.Answer]
	portal *Portal
}

func newSite(t *testing.T) *site {
	store := memory.New(memory.Options{})
	q := queue.New[plan.Question, plan.Answer](store, "plans")
	p := New(q)
	s := &site{T: t, Worker: byhand.Worker{Test: t, Store: store, Queue: q}, queue: q, portal: p}
	s.Server = httptest.NewServer(p)
	t.Cleanup(func() {
		s.Server.CloseClientConnections() // streams, too
		s.Server.Close()
		store.Close()
	})
	return s
}

// person is a browser without JavaScript: forms, links, cookies.
type person struct {
	*site
	client *http.Client
}

func (s *site) person() *person {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.Fatal(err)
	}
	return &person{s, &http.Client{Jar: jar, Transport: s.Server.Client().Transport}}
}

// get opens a page.
func (p *person) get(path string) (*http.Response, string) {
	p.Helper()
	return p.do("GET", path, nil)
}

// submit fills the form of the page and sends it; the browser follows to where it is
// sent.
func (p *person) submit(fields url.Values) (*http.Response, string) {
	p.Helper()
	_, home := p.get("/")
	for name, value := range map[string]string{"key": between(home, `name="key" value="`, `"`), "title": "Autumn", "products": "12", "level": "95", "supplier": "north", "within": "600"} {
		if !fields.Has(name) {
			fields.Set(name, value)
		}
	}
	return p.do("POST", "/questions", fields)
}

func (p *person) do(method, path string, form url.Values) (*http.Response, string) {
	p.Helper()
	r, err := http.NewRequestWithContext(p.Context(), method, p.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		p.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return p.send(r)
}

func (p *person) send(r *http.Request) (*http.Response, string) {
	p.Helper()
	answer, err := p.client.Do(r)
	if err != nil {
		p.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		p.Fatal(err)
	}
	return answer, string(text)
}

// between is what stands between two marks, "" if they don't.
func between(text, before, after string) string {
	_, rest, _ := strings.Cut(text, before)
	found, _, ok := strings.Cut(rest, after)
	if !ok {
		return ""
	}
	return found
}

var markup = regexp.MustCompile(`<[^>]*>`)

// plain is a page as it is read.
func plain(page string) string {
	return strings.Join(strings.Fields(markup.ReplaceAllString(page, " ")), " ")
}

var everybody = queue.Filter{AnyTenant: true}

// answer computes what the planner would.
func answer(t *testing.T, q plan.Question) plan.Answer {
	t.Helper()
	a, err := plan.New().Plan(context.Background(), &queue.Job[plan.Question]{Args: q, Attempt: 1})
	if err != nil {
		t.Fatal(err)
	}
	return a
}
