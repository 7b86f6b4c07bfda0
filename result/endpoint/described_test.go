package endpoint_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/leat-go/leat/result/endpoint"
)

// document is the OpenAPI document of a handler, which is valid.
func document[T, R any](t *testing.T, h *endpoint.Handler[T, R]) *openapi3.T {
	t.Helper()
	data, err := h.OpenAPI("/jobs")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(data)
	if err == nil {
		err = doc.Validate(context.Background())
	}
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// route is the operation of a request, nil if the document has none.
func route(doc *openapi3.T, r *http.Request) (*routers.Route, map[string]string) {
	params := map[string]string{}
	id, what, deeper := strings.Cut(strings.TrimPrefix(r.URL.Path, "/jobs/"), "/")
	path := "/jobs"
	switch {
	case strings.TrimSuffix(r.URL.Path, "/") == path:
	case id == "openapi.json":
		path += "/" + id
	default:
		path += "/{id}"
		params["id"] = id
		if deeper {
			path += "/" + what
		}
	}
	item := doc.Paths.Value(path)
	if item == nil || item.GetOperation(r.Method) == nil {
		return nil, nil
	}
	return &routers.Route{Spec: doc, Path: path, PathItem: item, Method: r.Method, Operation: item.GetOperation(r.Method)}, params
}

// isDescribed holds an answer to the document: its status, headers, content type and body.
func (s *site) isDescribed(r *http.Request, w *httptest.ResponseRecorder) {
	s.Helper()
	if s.doc == nil {
		s.doc = document(s.T, s.h)
	}
	at, params := route(s.doc, r)
	if at == nil {
		return
	}
	err := openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: at},
		Status:                 w.Code, Header: w.Header(), Body: io.NopCloser(strings.NewReader(w.Body.String())),
		Options: &openapi3filter.Options{
			IncludeResponseStatus: true,
			ExcludeResponseBody:   strings.TrimSpace(w.Body.String()) == "", // of 8 MiB of nothing
		},
	})
	if err != nil {
		s.Errorf("%s %s isn't answered as the document says: %v\n%d %v\n%s", r.Method, r.URL, err, w.Code, w.Header(), w.Body)
	}
	said := at.Operation.Responses.Status(w.Code)
	if said == nil || said.Value == nil {
		return
	}
	for _, name := range []string{
		"Location", "Content-Location", "ETag", "Retry-After", "Preference-Applied", "Accept", "Accept-Encoding", "RateLimit", "RateLimit-Policy",
	} {
		if _, known := said.Value.Headers[name]; !known && w.Header().Get(name) != "" {
			s.Errorf("%s %s: status %d with a header %s, which the document doesn't have", r.Method, r.URL, w.Code, name)
		}
	}
}

// What clients send and get has a schema, made of the Go types.
func TestTheDocumentKnowsArgsAndResults(t *testing.T) {
	doc := document(t, newSite(t).h)
	for body, ok := range map[string]bool{
		`{"SKU":"22423","Level":0.9,"Count":3,"Sub":{"Name":"x"}}`: true,
		`{}`:             true,
		`{"SKU":1}`:      false,
		`{"Count":0.5}`:  false,
		`{"sku2":"a"}`:   false,
		`{"Sub":"none"}`: false,
		`[]`:             false,
	} {
		r := request("POST", "/jobs", body)
		at, params := route(doc, r)
		err := openapi3filter.ValidateRequest(t.Context(), &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: at})
		if (err == nil) != ok {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestTheDocumentIsServed(t *testing.T) {
	s := newSite(t)
	w := s.do("GET", "/jobs/openapi.json", "")
	s.expect(w, 200, "")
	doc, err := openapi3.NewLoader().LoadFromData(w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if doc.OpenAPI != "3.1.0" || doc.Info.Title != "Jobs of whatif" || doc.Paths.Value("/jobs/{id}/events") == nil {
		t.Errorf("%s", w.Body)
	}
	s.expect(s.do("DELETE", "/jobs/openapi.json", ""), 405, "method-not-allowed")
	s.h.Authorize = nil
	s.expect(s.do("GET", "/jobs/openapi.json", ""), 403, "forbidden")
}

// Mounted elsewhere, it says so.
func TestTheDocumentHasThePathsThatClientsSee(t *testing.T) {
	s := newSite(t)
	s.h.Prefix = "/"
	r := request("GET", "/api/v1/openapi.json", "")
	w := s.serve(http.StripPrefix("/api/v1", s.h), r)
	doc, err := openapi3.NewLoader().LoadFromData(w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/api/v1", "/api/v1/{id}", "/api/v1/{id}/result"} {
		if doc.Paths.Value(path) == nil {
			t.Errorf("no %s", path)
		}
	}
}

func TestSchemasOfOnesOwn(t *testing.T) {
	s := newSite(t)
	s.h.Args = `{"type":"object","required":["SKU"]}`
	doc := document(t, s.h)
	s.doc = doc
	if got := doc.Components.Schemas["Args"].Value.Required; len(got) != 1 || got[0] != "SKU" {
		t.Errorf("%v", got)
	}
	s.h.Args = "{"
	if _, err := s.h.OpenAPI(""); err == nil {
		t.Error("a broken schema is served")
	}
	s.expect(s.do("GET", "/jobs/openapi.json", ""), 500, "internal")
}
