package endpoint_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result/endpoint"
)

// everything is a request of every verb, and some that there aren't.
var everything = [][2]string{
	{"POST", "/jobs"},
	{"GET", "/jobs"},
	{"OPTIONS", "/jobs"},
	{"GET", "/"},
	{"BREW", "/jobs"},
	{"GET", "/jobs/ID"},
	{"HEAD", "/jobs/ID"},
	{"DELETE", "/jobs/ID"},
	{"OPTIONS", "/jobs/ID"},
	{"PATCH", "/jobs/ID"},
	{"GET", "/jobs/ID/result"},
	{"HEAD", "/jobs/ID/result"},
	{"DELETE", "/jobs/ID/result"},
}

// refusesAll fails unless every request is answered with status, byte for byte
// alike, and nothing happens.
func (s *site) refusesAll(status int, kind string) {
	s.Helper()
	ticket, err := s.q.Enqueue(s.Context(), settings{}, queue.Tenant("zeta"))
	if err != nil {
		s.Fatal(err)
	}
	calls := s.b.Injected(backendtest.AnyVerb)
	s.b.Inject(backendtest.Fault{})
	defer s.b.Lift()
	var first string
	for _, e := range everything {
		w := s.do(e[0], strings.ReplaceAll(e[1], "ID", ticket.ID), `{}`, "Idempotency-Key", "a")
		if w.Code != status {
			s.Errorf("%s %s: %d", e[0], e[1], w.Code)
		}
		if e[0] == http.MethodHead {
			continue
		}
		s.expect(w, status, kind)
		if first == "" {
			first = w.Body.String()
		}
		if w.Body.String() != first {
			s.Errorf("%s %s: %s, want %s", e[0], e[1], w.Body, first)
		}
	}
	if n := s.b.Injected(backendtest.AnyVerb) - calls; n != 0 {
		s.Errorf("the store was called %d times", n)
	}
}

func TestWithoutAuthorizeEverybodyIsRefused(t *testing.T) {
	s := newSite(t)
	s.h.Authorize = nil
	s.refusesAll(403, "forbidden")
	if n := strings.Count(s.logged(), "without Authorize"); n != 1 {
		t.Errorf("told %d times: %s", n, s.logged())
	}
}

func TestAuthorizeRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		tenant string
		err    error
		status int
		kind   string
	}{
		"with an error of its own":     {"zeta", errors.New("no session " + canary), 403, "forbidden"},
		"publicly":                     {"zeta", &endpoint.Problem{Status: 401}, 401, "unauthenticated"},
		"wrapped":                      {"zeta", fmt.Errorf(canary+": %w", &endpoint.Problem{}), 403, "forbidden"},
		"as if it weren't there":       {"zeta", &endpoint.Problem{Status: 404}, 404, "not-found"},
		"since it can't tell":          {"zeta", &endpoint.Problem{Status: 503}, 503, "unavailable"},
		"by a tenant that is too long": {strings.Repeat("z", 257), nil, 403, "forbidden"},
		"by a tenant with a NUL":       {"ze\x00ta", nil, 403, "forbidden"},
		"by a tenant that isn't UTF-8": {"ze\xffta", nil, 403, "forbidden"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.h.Authorize = func(*http.Request) (string, error) { return c.tenant, c.err }
			s.refusesAll(c.status, c.kind)
		})
	}
}

func TestAuthorizeMayAskForCredentials(t *testing.T) {
	s := newSite(t)
	s.h.Authorize = func(*http.Request) (string, error) {
		return "", &endpoint.Problem{Status: 401, Detail: "The token has expired.", Header: http.Header{"WWW-Authenticate": {"Bearer"}}}
	}
	w := s.do("GET", "/jobs/a", "")
	want := `{"type":"urn:leat:problem:unauthenticated","title":"Who are you?","status":401,"detail":"The token has expired."}`
	if w.Body.String() != want || w.Header().Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("%v %s, want %s", w.Header(), w.Body, want)
	}
}

// An error that panics when it is read is not read.
func TestHooksWithTerribleErrors(t *testing.T) {
	s := newSite(t)
	s.h.Validate = func(context.Context, string, settings) error { return terrible{} }
	s.expect(s.do("POST", "/jobs", `{}`), 422, "refused")
	s.h.Authorize = func(*http.Request) (string, error) { return "", terrible{} }
	s.expect(s.do("POST", "/jobs", `{}`), 403, "forbidden")
	if l := s.logged(); !strings.Contains(l, `"hook":"Validate"`) || !strings.Contains(l, `"hook":"Authorize"`) {
		t.Errorf("the log doesn't say who refused: %s", l)
	}
}

type terrible struct{}

func (terrible) Error() string { panic(canary) }

func TestHooksThatPanic(t *testing.T) {
	for name, hook := range map[string]func(h *endpoint.Handler[settings, plan], v any){
		"Authorize": func(h *endpoint.Handler[settings, plan], v any) {
			h.Authorize = func(*http.Request) (string, error) { panic(v) }
		},
		"Validate": func(h *endpoint.Handler[settings, plan], v any) {
			h.Validate = func(context.Context, string, settings) error { panic(v) }
		},
		"Options": func(h *endpoint.Handler[settings, plan], v any) {
			h.Options = func(*http.Request, settings) []queue.Option { panic(v) }
		},
	} {
		for _, v := range []any{canary, errors.New(canary), terrible{}, nil, []string{canary}} {
			t.Run(fmt.Sprintf("%s with %T", name, v), func(t *testing.T) {
				s := newSite(t)
				hook(s.h, v)
				s.expect(s.do("POST", "/jobs", `{}`), 500, "internal")
				if !strings.Contains(s.logged(), `"panic":`) || !strings.Contains(s.logged(), "guard_test.go") {
					t.Errorf("the log doesn't say where: %s", s.logged())
				}
				if n := s.jobs(); n != 0 {
					t.Errorf("%d jobs", n)
				}
			})
		}
	}
}

// Who wants the connection to break, breaks it.
func TestAbortHandlerIsLeftAlone(t *testing.T) {
	s := newSite(t)
	s.h.Validate = func(context.Context, string, settings) error { panic(http.ErrAbortHandler) }
	defer func() {
		if v := recover(); v != http.ErrAbortHandler || s.logged() != "" {
			t.Errorf("recovered %v, logged %s", v, s.logged())
		}
	}()
	s.do("POST", "/jobs", `{}`)
}

func TestMethodsAreNamed(t *testing.T) {
	s := newSite(t)
	for path, want := range map[string]string{
		"/jobs": "OPTIONS, POST", "/jobs/": "OPTIONS, POST",
		"/jobs/a": "DELETE, GET, HEAD, OPTIONS", "/jobs/a/result": "GET, HEAD, OPTIONS",
	} {
		if w := s.do("OPTIONS", path, ""); w.Code != 204 || w.Header().Get("Allow") != want || w.Body.Len() > 0 {
			t.Errorf("OPTIONS %s: %d %v %s", path, w.Code, w.Header(), w.Body)
		}
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "TRACE", "get", "BREW"} {
			if strings.Contains(want, method) {
				continue
			}
			w := s.do(method, path, "")
			if w.Code != 405 || w.Header().Get("Allow") != want {
				t.Errorf("%s %s: %d %v", method, path, w.Code, w.Header())
			}
			if method != "HEAD" {
				s.expect(w, 405, "method-not-allowed")
			}
		}
	}
}

func TestOtherPathsAreNotFound(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{"/", "/job", "/jobsies", "/jobsies/a", "/a/jobs", "/jobs//a", "/jobs/a/", "/jobs/a/results", "/jobs/a/result/", "/JOBS"} {
		s.expect(s.do("GET", path, ""), 404, "not-found")
		s.expect(s.do("POST", path, `{}`), 404, "not-found")
	}
}

// Mounted where Prefix doesn't say, all is 404, as for jobs that aren't there. The log
// tells them apart, once.
func TestAMountOutsideThePrefixIsLogged(t *testing.T) {
	s := newSite(t)
	const line = "leat: endpoint: a path outside of Prefix"
	s.expect(s.do("GET", "/jobs/a", ""), 404, "not-found")
	if l := s.logged(); strings.Contains(l, line) {
		t.Errorf("log: %s", l)
	}
	s.expect(s.do("POST", "/api/jobs", `{}`), 404, "not-found")
	s.expect(s.do("GET", "/api/jobs/a", ""), 404, "not-found")
	if l := s.logged(); strings.Count(l, line) != 1 || !strings.Contains(l, `"prefix":"/jobs"`) || strings.Contains(l, "api") {
		t.Errorf("log: %s", l)
	}
}

// Wherever it is mounted, links are as the client sees them.
func TestLinksFollowTheMount(t *testing.T) {
	s := newSite(t)
	mux := http.NewServeMux()
	mux.Handle("/jobs", s.h)
	mux.Handle("/jobs/", s.h)
	rooted, named := s.handler(s.q), s.handler(s.q)
	rooted.Prefix, named.Prefix = "/", "what-ifs/"

	for name, c := range map[string]struct {
		h    http.Handler
		post string
		want string // before "/ID"
	}{
		"on a mux":                      {mux, "/jobs", "/jobs"},
		"with a slash behind":           {mux, "/jobs/", "/jobs"},
		"with a query":                  {mux, "/jobs?a=/b", "/jobs"},
		"below a prefix":                {http.StripPrefix("/api/v1", s.h), "/api/v1/jobs", "/api/v1/jobs"},
		"below one, with nothing left":  {http.StripPrefix("/api/v1/plans", rooted), "/api/v1/plans", "/api/v1/plans"},
		"below one that is escaped":     {http.StripPrefix("/café", s.h), "/caf%C3%A9/jobs", "/caf%C3%A9/jobs"},
		"at the root":                   {rooted, "/", ""},
		"under a name of its own":       {named, "/what-ifs", "/what-ifs"},
		"with slashes that lead abroad": {http.StripPrefix("//evil.example", s.h), "//evil.example/jobs", "/evil.example/jobs"},
	} {
		t.Run(name, func(t *testing.T) {
			w := s.serve(c.h, request("POST", c.post, `{}`))
			s.expect(w, 202, "")
			id := decode[struct{ ID string }](s, w).ID
			if at := w.Header().Get("Location"); at != c.want+"/"+id {
				t.Errorf("Location %s, want %s/%s", at, c.want, id)
			}
			path, _, _ := strings.Cut(c.post, "?")
			path = strings.TrimRight(path, "/") + "/" + id
			w = s.serve(c.h, request("GET", path, ""))
			s.expect(w, 200, "")
			got := decode[struct{ Links struct{ Self, Result string } }](s, w).Links
			if got.Self != c.want+"/"+id || got.Result != c.want+"/"+id+"/result" {
				t.Errorf("%+v", got)
			}
			s.expect(s.serve(c.h, request("GET", path+"/result", "")), 202, "")
		})
	}
}

// A request that no server parsed, or whose path somebody rewrote, has links from
// the prefix on.
func TestLinksOfRewrittenRequests(t *testing.T) {
	s := newSite(t)
	for _, uri := range []string{"", "/other", "*", "https://example.com/jobs", ":"} {
		r := request("POST", "/jobs", `{}`)
		r.RequestURI = uri
		w := s.serve(s.h, r)
		if s.expect(w, 202, ""); !strings.HasPrefix(w.Header().Get("Location"), "/jobs/") {
			t.Errorf("%q: %s", uri, w.Header().Get("Location"))
		}
	}
}

// errDSN is how drivers speak of what went wrong.
var errDSN = errors.New("dial postgres://leat:" + canary + "@db.internal:5432/jobs: connection refused")

func TestAStoreThatIsAwayIsToldAsThat(t *testing.T) {
	for name, c := range map[string]struct{ method, path, verb string }{
		"enqueue": {"POST", "/jobs", "Enqueue"},
		"key":     {"POST", "/jobs", "CellGet"},
		"status":  {"GET", "/jobs/ID", "Lookup"},
		"head":    {"HEAD", "/jobs/ID", "Lookup"},
		"result":  {"GET", "/jobs/ID/result", "Lookup"},
		"cancel":  {"DELETE", "/jobs/ID", "Cancel"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t)
				self := s.post()
				s.h.RetryAfter = 3 * time.Second
				verbs := map[string]backendtest.Verb{
					"Enqueue": backendtest.Enqueue, "CellGet": backendtest.CellGet, "Lookup": backendtest.Lookup, "Cancel": backendtest.Cancel,
				}
				s.b.Inject(backendtest.Fault{Verb: verbs[c.verb], Err: errDSN})
				path := strings.Replace(c.path, "/jobs/ID", self, 1)
				w := s.do(c.method, path, `{"SKU":"`+canary+`"}`, "Idempotency-Key", canary)
				if w.Code != 503 || w.Header().Get("Retry-After") != "3" {
					t.Errorf("%d %v", w.Code, w.Header())
				}
				if c.method != "HEAD" {
					s.expect(w, 503, "unavailable")
				}
				if l := s.logged(); !strings.Contains(l, `"level":"ERROR"`) || !strings.Contains(l, `"err_type":"*errors.errorString"`) || !strings.Contains(l, `"queue":"whatif"`) {
					t.Errorf("log: %s", l)
				}
			})
		})
	}
}

func TestAStoreThatHangsIsGivenUp(t *testing.T) {
	for _, path := range []string{"/jobs/ID", "/jobs/ID/result"} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t)
			self := s.post()
			s.b.Inject(backendtest.Fault{Verb: backendtest.Lookup, Kind: backendtest.Delay, Delay: time.Hour})
			start := time.Now()
			s.expect(s.do("GET", strings.Replace(path, "/jobs/ID", self, 1), ""), 503, "unavailable")
			if took := time.Since(start); took != 20*time.Second {
				t.Errorf("%s: after %v", path, took)
			}
		})
	}
}

// Nobody is told that a client has gone.
func TestAClientThatHasGone(t *testing.T) {
	s := newSite(t)
	self := s.post()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.serve(s.h, request("GET", self, "").WithContext(ctx))
	if s.logged() != "" {
		t.Error(s.logged())
	}
}

func TestASetupThatCantSaysSo(t *testing.T) {
	s := newSite(t)
	self := s.post()
	s.b.Inject(backendtest.Fault{Err: errors.ErrUnsupported})
	s.expect(s.do("GET", self, ""), 501, "unsupported")
	s.expect(s.do("GET", self+"/result", ""), 501, "unsupported")
	s.expect(s.do("DELETE", self, ""), 501, "unsupported")
	s.expect(s.do("POST", "/jobs", `{}`, "Idempotency-Key", "a"), 501, "unsupported")
}

func TestAQueueThatMakesNoSenseIsAMistakeOfOurs(t *testing.T) {
	s := newSite(t)
	h := s.handler(queue.New[settings, plan](nil, "whatif"))
	s.expect(s.serve(h, request("POST", "/jobs", `{}`)), 500, "internal")
	if !strings.Contains(s.logged(), `"field":"Queue"`) {
		t.Error(s.logged())
	}
}

// Types are what programs branch on: they don't change.
func TestAnAnswerHidesWhoAnswers(t *testing.T) {
	s := newSite(t)
	w := s.do("GET", "/jobs/a", "")
	want := http.Header{
		"Cache-Control": {"no-store"}, "Content-Type": {"application/problem+json"}, "Content-Length": {"82"},
		"X-Content-Type-Options": {"nosniff"},
	}
	if d := cmp.Diff(want, w.Header()); d != "" {
		t.Error(d)
	}
	if want := `{"type":"urn:leat:problem:not-found","title":"There is no such job.","status":404}`; w.Body.String() != want {
		t.Errorf("%s, want %s", w.Body, want)
	}
}

// Without a Logger it is the default one's; that nothing panics is the test.
func TestTheDefaultLogger(t *testing.T) {
	s := newSite(t)
	s.h.Logger = nil
	s.b.Inject(backendtest.Fault{Verb: backendtest.Lookup})
	s.expect(s.do("GET", "/jobs/a", ""), 503, "unavailable")
}

// A hook may read the body, and take its time: both are bounded.
func TestHooksGetABoundedRequest(t *testing.T) {
	s := newSite(t)
	s.h.MaxBody = 10
	s.h.Authorize = func(r *http.Request) (string, error) {
		if _, err := io.ReadAll(r.Body); err == nil {
			t.Error("a body without bound")
		}
		if _, ok := r.Context().Deadline(); !ok {
			t.Error("a context without end")
		}
		return "", errors.New("no")
	}
	s.expect(s.do("POST", "/jobs", `{"SKU":"22423"}`), 403, "forbidden")
}
