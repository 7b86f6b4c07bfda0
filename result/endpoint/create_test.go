package endpoint_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result/endpoint"
)

func TestPostIsAcceptedAtOnce(t *testing.T) {
	s := newSite(t)
	w := s.do("POST", "/jobs", `{"SKU":"22423","Level":0.95}`)
	s.expect(w, 202, "")
	id := decode[struct{ ID string }](s, w).ID
	want := fmt.Sprintf(`{"id":%q,"state":"waiting","links":{"self":"/jobs/%s","result":"/jobs/%s/result","events":"/jobs/%s/events"}}`, id, id, id, id)
	if w.Body.String() != want {
		t.Errorf("body\n%s, want\n%s", w.Body, want)
	}
	h := w.Header()
	if id == "" || h.Get("Location") != "/jobs/"+id || h.Get("Retry-After") != "1" || h.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", h)
	}
	l := s.Claim()
	if l.Job.ID != id || l.Job.Tenant != "zeta" || string(l.Job.Payload) != `{"SKU":"22423","Level":0.95,"Count":0,"Sub":{"Name":""}}` {
		t.Errorf("job %+v of %s", l.Job.Ref, l.Job.Payload)
	}
}

// Numbers that a float can't hold survive.
func TestPostKeepsLargeNumbers(t *testing.T) {
	s := newSite(t)
	s.expect(s.do("POST", "/jobs", `{"Count":9007199254740993}`), 202, "")
	if got := string(s.Claim().Job.Payload); !strings.Contains(got, "9007199254740993") {
		t.Error(got)
	}
}

func TestBadBodies(t *testing.T) {
	deep := func(n int) string {
		return `{"Sub":{"Name":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}}`
	}
	for name, c := range map[string]struct {
		body    string
		headers []string
		status  int
		kind    string
		detail  string
	}{
		"empty":           {"", nil, 400, "bad-body", "It is empty."},
		"blank":           {" \n", nil, 400, "bad-body", "It is empty."},
		"half":            {`{"SKU":"1"`, nil, 400, "bad-body", "It is not one value of JSON."},
		"trailing value":  {`{"SKU":"1"}{}`, nil, 400, "bad-body", "It is not one value of JSON."},
		"trailing text":   {`{"SKU":"1"} x`, nil, 400, "bad-body", "It is not one value of JSON."},
		"byte order mark": {"\uFEFF{}", nil, 400, "bad-body", "It is not one value of JSON."},
		"not UTF-8":       {"{\"SKU\":\"\xff\"}", nil, 400, "bad-body", "It is not UTF-8."},
		"a NUL":           {"{\"SKU\":\"\x00\"}", nil, 400, "bad-body", "It is not one value of JSON."},
		"wrong type":      {`{"Sub":{"Name":7}}`, nil, 400, "bad-body", `The member "Sub.Name" has the wrong type.`},
		"an array":        {`[]`, nil, 400, "bad-body", "It doesn't fit what is expected."},
		"1e400":           {`{"Level":1e400}`, nil, 400, "bad-body", `The member "Level" has the wrong type.`},
		"unknown member":  {`{"SUK":"1"}`, nil, 400, "bad-body", `The member "SUK" is not known here.`},
		"long member":     {`{"` + strings.Repeat("ä", 99) + `":"1"}`, nil, 400, "bad-body", `The member "` + strings.Repeat("ä", 32) + `…" is not known here.`},
		"secret inside":   {`{"Level":"` + canary + `"}`, nil, 400, "bad-body", `The member "Level" has the wrong type.`},
		"depth 101":       {deep(99), nil, 400, "bad-body", "It is nested deeper than 100."},
		"depth 10,001":    {deep(9999), nil, 400, "bad-body", "It is nested deeper than 100."},
		"depth 100":       {deep(98), nil, 400, "bad-body", `The member "Sub.Name" has the wrong type.`},
		"brackets quoted": {`{"SKU":"\"` + strings.Repeat("[", 500) + `"}`, nil, 202, "", ""},
		"a member twice":  {`{"SKU":"1","SKU":"2"}`, nil, 202, "", ""},
		"lone surrogate":  {`{"SKU":"\ud800"}`, nil, 202, "", ""},
		"null":            {`null`, nil, 202, "", ""},
		"no content type": {`{}`, []string{"Content-Type", ""}, 415, "unsupported-media-type", "It must be application/json, in UTF-8 if it is text, and without Content-Encoding."},
		"a form":          {`{}`, []string{"Content-Type", "text/plain"}, 415, "unsupported-media-type", "It must be application/json, in UTF-8 if it is text, and without Content-Encoding."},
		"broken type":     {`{}`, []string{"Content-Type", "application/json; ="}, 415, "unsupported-media-type", "It must be application/json, in UTF-8 if it is text, and without Content-Encoding."},
		"latin-1":         {`{}`, []string{"Content-Type", "application/json; charset=iso-8859-1"}, 415, "unsupported-media-type", "It must be application/json, in UTF-8 if it is text, and without Content-Encoding."},
		"utf-8 named":     {`{}`, []string{"Content-Type", "Application/JSON; charset=UTF-8"}, 202, "", ""},
		"a bomb":          {"\x1f\x8b", []string{"Content-Encoding", "gzip"}, 415, "unsupported-media-type", "It must be application/json, in UTF-8 if it is text, and without Content-Encoding."},
		"identity":        {`{}`, []string{"Content-Encoding", "identity"}, 202, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			p := s.expect(s.do("POST", "/jobs", c.body, c.headers...), c.status, c.kind)
			if p.Detail != c.detail {
				t.Errorf("detail %q, want %q", p.Detail, c.detail)
			}
			if n := s.jobs(); (n == 1) != (c.status == 202) {
				t.Errorf("%d jobs", n)
			}
		})
	}
}

func TestUnknownMembersMayBeIgnored(t *testing.T) {
	s := newSite(t)
	s.h.AllowUnknown = true
	s.expect(s.do("POST", "/jobs", `{"SKU":"22423","SUK":{"deep":[1e400]}}`), 202, "")
	s.expect(s.do("POST", "/jobs", `{"SKU":22423}`), 400, "bad-body")
}

func TestBodiesAreBounded(t *testing.T) {
	s := newSite(t)
	s.h.MaxBody = 64
	fits := `{"SKU":"` + strings.Repeat("x", 54) + `"}`
	s.expect(s.do("POST", "/jobs", fits), 202, "")
	p := s.expect(s.do("POST", "/jobs", fits+" "), 413, "body-too-large")
	if p.Detail != "At most 64 bytes are taken." {
		t.Error(p.Detail)
	}
	// A length that isn't told is counted.
	r := request("POST", "/jobs", "")
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(fits+" ")), -1
	s.expect(s.serve(s.h, r), 413, "body-too-large")

	s.h.MaxBody = 0
	s.expect(s.do("POST", "/jobs", `{"SKU":"`+strings.Repeat("x", 1<<20)+`"}`), 413, "body-too-large")
	s.expect(s.do("POST", "/jobs", `{"SKU":"`+strings.Repeat("x", 1<<19)+`"}`), 413, "body-too-large") // for the queue: it has no bucket
	if n := s.jobs(); n != 1 {
		t.Errorf("%d jobs", n)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New(canary) }

func TestABodyThatBreaksOff(t *testing.T) {
	s := newSite(t)
	r := request("POST", "/jobs", "")
	r.Body, r.ContentLength = io.NopCloser(brokenReader{}), -1
	s.expect(s.serve(s.h, r), 400, "bad-body")
}

func TestRule_R2_KeysNameRequests(t *testing.T) {
	s := newSite(t)
	first := s.post("Idempotency-Key", `"req-42"`)
	for _, same := range []string{`"req-42"`, `req-42`, ` "req-42" `} {
		if again := s.post("Idempotency-Key", same); again != first {
			t.Errorf("%s: %s, want %s", same, again, first)
		}
	}
	if other := s.post("Idempotency-Key", `"req-43"`); other == first {
		t.Error("another key is the same job")
	}
	if foreign := s.post("Idempotency-Key", `"req-42"`, "Tenant", "eta"); foreign == first {
		t.Error("another tenant's key is the same job")
	}
	if none := s.post(); none == s.post() {
		t.Error("without a key two requests are one job")
	}
	// Other spelling, same args.
	w := s.do("POST", "/jobs", ` { "Level" : 0.0, "SKU" : "22423" } `, "Idempotency-Key", `"req-42"`)
	if s.expect(w, 202, ""); w.Header().Get("Location") != first {
		t.Error("the same args spelled otherwise are another job")
	}
	s.expect(s.do("POST", "/jobs", `{"SKU":"1"}`, "Idempotency-Key", `"req-42"`), 422, "key-reused")
}

// A replayed request is told how its job stands by now.
func TestAReplayShowsTheStateOfItsJob(t *testing.T) {
	s := newSite(t)
	first := s.post("Idempotency-Key", "req-42")
	s.Succeed(s.Claim(), plan{12})
	w := s.do("POST", "/jobs", `{"SKU":"22423"}`, "Idempotency-Key", "req-42")
	s.expect(w, 202, "")
	if got := decode[struct{ State string }](s, w); got.State != "succeeded" || w.Header().Get("Location") != first {
		t.Errorf("%+v at %s, want %s", got, w.Header().Get("Location"), first)
	}
	// It is told where its job is, though that can't be read now.
	s.b.Inject(backendtest.Fault{Verb: backendtest.Lookup})
	w = s.do("POST", "/jobs", `{"SKU":"22423"}`, "Idempotency-Key", "req-42")
	s.expect(w, 202, "")
	if got := decode[struct{ State string }](s, w); got.State != "" || w.Header().Get("Location") != first {
		t.Errorf("%+v at %s, want %s", got, w.Header().Get("Location"), first)
	}
}

func TestBadKeys(t *testing.T) {
	for name, key := range map[string]string{
		"empty string": `""`, "open quote": `"req`, "a list": `"a", "b"`, "parameters": `"a";b=1`,
		"blank inside": "a b", "a control": "a\x01", "not ASCII": "ä", "quoted control": "\"a\tb\"", "bad escape": `"a\n"`,
		"256 bytes": strings.Repeat("k", 256), "256 quoted": `"` + strings.Repeat("k", 256) + `"`, "10,000 bytes": strings.Repeat("k", 10_000),
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.expect(s.do("POST", "/jobs", `{}`, "Idempotency-Key", key), 400, "bad-key")
			if n := s.jobs(); n != 0 {
				t.Errorf("%d jobs", n)
			}
		})
	}
	s := newSite(t)
	r := request("POST", "/jobs", `{}`)
	r.Header["Idempotency-Key"] = []string{"a", "a"}
	s.expect(s.serve(s.h, r), 400, "bad-key")
	r = request("POST", "/jobs", `{}`)
	r.Header["Idempotency-Key"] = []string{""}
	s.expect(s.serve(s.h, r), 400, "bad-key")
	s.expect(s.do("POST", "/jobs", `{}`, "Idempotency-Key", strings.Repeat("k", 255)), 202, "")
}

func TestKeysMayBeRequired(t *testing.T) {
	s := newSite(t)
	s.h.RequireKey = true
	s.expect(s.do("POST", "/jobs", `{}`), 400, "key-required")
	s.expect(s.do("POST", "/jobs", `{}`, "Idempotency-Key", "a"), 202, "")
}

func TestRule_R2_AHundredEqualRequestsAreOneJob(t *testing.T) {
	s := newSite(t)
	places := make([]string, 100)
	var all sync.WaitGroup
	for i := range places {
		all.Go(func() {
			w := httptest.NewRecorder()
			s.h.ServeHTTP(w, request("POST", "/jobs", `{"SKU":"22423"}`, "Idempotency-Key", `"req-42"`))
			var body struct{ ID string }
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != 202 || w.Header().Get("Location") != "/jobs/"+body.ID {
				t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
			}
			places[i] = body.ID
		})
	}
	all.Wait()
	for _, id := range places {
		if id == "" || id != places[0] {
			t.Fatalf("ids %q and %q", places[0], id)
		}
	}
	if n := s.jobs(); n != 1 {
		t.Errorf("%d jobs", n)
	}
}

func TestValidateRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		status int
		kind   string
		detail string
	}{
		"with an error of its own":  {errors.New(canary), 422, "refused", ""},
		"publicly":                  {&endpoint.Problem{Detail: "Level must be below 1."}, 422, "refused", "Level must be below 1."},
		"wrapped":                   {fmt.Errorf(canary+": %w", &endpoint.Problem{Detail: "Level must be below 1."}), 422, "refused", "Level must be below 1."},
		"with a status":             {&endpoint.Problem{Status: 403}, 403, "forbidden", ""},
		"with a status of its own":  {&endpoint.Problem{Status: 409, Title: "Too late today."}, 409, "", ""},
		"with no status that fails": {&endpoint.Problem{Status: 200}, 422, "refused", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.h.Validate = func(_ context.Context, tenant string, v settings) error {
				if v.SKU != "22423" || tenant != "zeta" {
					t.Errorf("args %+v of %q", v, tenant)
				}
				return c.err
			}
			w := s.do("POST", "/jobs", `{"SKU":"22423"}`)
			p := decode[problem](s, w)
			want := "about:blank"
			if c.kind != "" {
				want = "urn:leat:problem:" + c.kind
			}
			if w.Code != c.status || p.Type != want || p.Detail != c.detail {
				t.Errorf("%d %+v", w.Code, p)
			}
			if n := s.jobs(); n != 0 {
				t.Errorf("%d jobs", n)
			}
		})
	}
}

func TestAHooksProblemIsShownAsItIs(t *testing.T) {
	s := newSite(t)
	s.h.Validate = func(context.Context, string, settings) error {
		return &endpoint.Problem{
			Status: 409, Type: "https://example.com/closed", Title: "Closed.", Detail: "Until Monday.",
			Header: http.Header{"x-until": {"Monday"}},
		}
	}
	w := s.do("POST", "/jobs", `{}`)
	if want := `{"type":"https://example.com/closed","title":"Closed.","status":409,"detail":"Until Monday."}`; w.Body.String() != want {
		t.Errorf("%s, want %s", w.Body, want)
	}
	if w.Header().Get("X-Until") != "Monday" {
		t.Errorf("headers %v", w.Header())
	}
}

func TestOptionsAreTheJobs(t *testing.T) {
	s := newSite(t)
	s.h.Options = func(r *http.Request, v settings) []queue.Option {
		return []queue.Option{queue.Supersede("screen-" + r.Header.Get("Screen") + "/" + v.SKU), queue.Tenant("eta"), queue.Expiry(time.Hour)}
	}
	older := s.post("Screen", "9")
	newer := s.post("Screen", "9")
	l := s.Claim()
	if l.Job.Supersede != "screen-9/22423" || l.Job.Tenant != "zeta" || l.Deadline.IsZero() {
		t.Errorf("job %+v", l.Job)
	}
	w := s.do("GET", older, "")
	s.expect(w, 200, "")
	got := decode[struct {
		State string
		Links struct{ Newer, Result string }
	}](s, w)
	if got.State != "superseded" || got.Links.Newer != newer || got.Links.Result != "" {
		t.Errorf("%+v, want %s", got, newer)
	}
}

// What the options ask for and the queue refuses is the request's mistake; the
// log says which field it was.
func TestOptionsThatTheQueueRefuses(t *testing.T) {
	s := newSite(t)
	s.h.Options = func(*http.Request, settings) []queue.Option {
		return []queue.Option{queue.Supersede(strings.Repeat("x", 300))}
	}
	s.expect(s.do("POST", "/jobs", `{}`), 422, "refused")
	if !strings.Contains(s.logged(), `"field":"Job.Supersede"`) {
		t.Error(s.logged())
	}
}

func TestRule_R12_AFullBacklogIsToldAtOnce(t *testing.T) {
	s := newSite(t)
	s.q.Backlog = 1
	s.h.RetryAfter = 1500 * time.Millisecond
	s.post("Idempotency-Key", "a")
	w := s.do("POST", "/jobs", `{}`)
	if s.expect(w, 429, "backlog-full"); w.Header().Get("Retry-After") != "2" {
		t.Errorf("Retry-After %s", w.Header().Get("Retry-After"))
	}
	s.post("Idempotency-Key", "a") // an existing key is never refused
}

// With queue.WaitForRoom a request waits, but not for ever.
func TestRule_R12_WaitingForRoomIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.q.Backlog = 1
		s.h.Options = func(*http.Request, settings) []queue.Option { return []queue.Option{queue.WaitForRoom()} }
		s.post()
		start := time.Now()
		s.expect(s.do("POST", "/jobs", `{}`), 429, "backlog-full")
		if took := time.Since(start); took != 20*time.Second {
			t.Errorf("after %v", took)
		}
		go func() {
			time.Sleep(5 * time.Second)
			s.Claim()
		}()
		s.post()
	})
}

// A queue of another form takes and gives that.
func TestACodecOfOnesOwn(t *testing.T) {
	s := newSite(t)
	s.q.Codec = csv{}
	s.expect(s.do("POST", "/jobs", `22423`), 415, "unsupported-media-type")
	w := s.do("POST", "/jobs", `22423`, "Content-Type", "text/csv; charset=utf-8")
	s.expect(w, 202, "")
	l := s.Claim()
	s.Settle(backends.Settlement{Lease: l, Verb: backends.Commit, Outcome: backends.Succeeded, Result: []byte("12")})
	w = s.do("GET", w.Header().Get("Location")+"/result", "")
	s.expect(w, 200, "")
	if w.Header().Get("Content-Type") != "text/csv" || w.Body.String() != "12" {
		t.Errorf("%s of type %s", w.Body, w.Header().Get("Content-Type"))
	}
	s.expect(s.do("POST", "/jobs", `bad`, "Content-Type", "text/csv"), 400, "bad-body")
}

type csv struct{}

func (csv) Encode(v any) ([]byte, error) { return []byte(v.(settings).SKU), nil }
func (csv) ContentType() string          { return "text/csv" }
func (csv) Decode(data []byte, v any) error {
	if string(data) == "bad" {
		return errors.New(canary)
	}
	v.(*settings).SKU = string(data)
	return nil
}
