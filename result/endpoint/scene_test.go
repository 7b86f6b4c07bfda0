package endpoint_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"go.uber.org/goleak"

	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/internal/byhand"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result/endpoint"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// canary must never be seen: in no answer, header or log line.
const canary = "s3cr3t-canary"

type settings struct {
	SKU   string
	Level float64
	Count int64
	Sub   struct{ Name string }
}

type plan struct{ Order int }

// site is an endpoint on a store that can be made to fail, its clients, and the
// worker's side of it, by hand.
type site struct {
	*testing.T
	byhand.Worker
	q *queue.Queue[settings, plan]
	b *backendtest.Faulty
	h *endpoint.Handler[settings, plan]

	doc *openapi3.T // made at the first answer, after which the queue's fields stand

	mu  sync.Mutex
	log bytes.Buffer
}

// newSite trusts the Tenant header. In a bubble it is made and closed inside.
func newSite(t *testing.T) *site {
	store := memory.New(memory.Options{})
	t.Cleanup(func() { store.Close() })
	s := &site{T: t, b: backendtest.NewFaulty(store)}
	s.q = queue.New[settings, plan](s.b, "whatif")
	s.Worker = byhand.Worker{Test: t, Store: s.b, Queue: s.q}
	s.h = s.handler(s.q)
	return s
}

func (s *site) handler(q *queue.Queue[settings, plan]) *endpoint.Handler[settings, plan] {
	h := endpoint.New(q)
	h.Authorize = func(r *http.Request) (string, error) { return r.Header.Get("Tenant"), nil }
	h.Logger = slog.New(slog.NewJSONHandler(s, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return h
}

// Write takes log lines.
func (s *site) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

func (s *site) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// request is a tenant's, with JSON unless said otherwise. Headers are pairs;
// an empty value removes one.
func request(method, path, body string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Tenant", "zeta")
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		if r.Header.Del(headers[i]); headers[i+1] != "" {
			r.Header.Add(headers[i], headers[i+1])
		}
	}
	return r
}

// do answers a request, and holds the answer to what is true of all.
func (s *site) do(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	s.Helper()
	return s.serve(s.h, request(method, path, body, headers...))
}

func (s *site) serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	s.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Cache-Control") != "no-store" {
		s.Errorf("%s %s: headers %v", r.Method, r.URL, w.Header())
	}
	if seen := fmt.Sprint(w.Header(), w.Body, s.logged()); strings.Contains(seen, canary) {
		s.Errorf("%s %s shows what is secret:\n%s", r.Method, r.URL, seen)
	}
	if r.Method == http.MethodHead && w.Body.Len() > 0 {
		s.Errorf("HEAD %s has a body: %s", r.URL, w.Body)
	}
	s.isDescribed(r, w)
	if w.Code >= 400 && r.Method != http.MethodHead {
		s.isProblem(w)
	}
	return w
}

// problem is the body of a refusal.
type problem struct {
	Type, Title, Detail string
	Status              int
	Links               struct{ Self, Newer string }
}

func (s *site) isProblem(w *httptest.ResponseRecorder) {
	s.Helper()
	p := decode[problem](s, w)
	if w.Header().Get("Content-Type") != "application/problem+json" || p.Status != w.Code || p.Title == "" || p.Type == "" {
		s.Errorf("not a problem: %d %v %s", w.Code, w.Header(), w.Body)
	}
	if busy := w.Code == 429 || w.Code == 503; busy != (w.Header().Get("Retry-After") != "") {
		s.Errorf("%d with Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	if w.Header().Get("ETag") != "" || w.Header().Get("Location") != "" {
		s.Errorf("a problem with the headers of a success: %v", w.Header())
	}
}

func decode[V any](s *site, w *httptest.ResponseRecorder) V {
	s.Helper()
	var v V
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		s.Errorf("%v: %s", err, w.Body)
	}
	return v
}

// expect fails unless the answer has this status and, of a problem, this type.
func (s *site) expect(w *httptest.ResponseRecorder, status int, kind string) problem {
	s.Helper()
	var p problem
	if w.Code >= 400 {
		p = decode[problem](s, w)
	}
	if kind != "" {
		kind = "urn:leat:problem:" + kind
	}
	if w.Code != status || p.Type != kind {
		s.Fatalf("%d %s, want %d %s\n%v\n%s", w.Code, p.Type, status, kind, w.Header(), w.Body)
	}
	return p
}

// post enqueues a job, and returns where it is.
func (s *site) post(headers ...string) string {
	s.Helper()
	w := s.do("POST", "/jobs", `{"SKU":"22423"}`, headers...)
	s.expect(w, 202, "")
	return w.Header().Get("Location")
}

// jobs are all that there are, of all tenants and queues' names alike.
func (s *site) jobs() int {
	n := 0
	for _, err := range s.q.Jobs(context.Background(), queue.Filter{AnyTenant: true}) {
		if err != nil {
			s.Fatal(err)
		}
		n++
	}
	return n
}
