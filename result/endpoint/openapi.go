package endpoint

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/leat-go/leat/internal/seam"
	"github.com/leat-go/leat/queue"
)

// documentName is where the description is, beside the jobs.
const documentName = "openapi.json"

// description is the document for jobs at /jobs, of any args and results.
//
//go:embed openapi.json
var description []byte

// document answers with the description.
func (h *Handler[T, R]) document(c *call) error {
	doc, err := h.describe(c.base)
	if err != nil {
		return &mishap{internal, err}
	}
	return c.json(200, "application/json", doc)
}

// OpenAPI describes the service as an OpenAPI 3.1 document, in JSON, for jobs at path as
// clients see it ("" = Prefix): what GET …/openapi.json answers to those whom Authorize
// lets in. Nothing in it is secret.
func (h *Handler[T, R]) OpenAPI(path string) ([]byte, error) {
	if path == "" {
		path = cleanPrefix(h.Prefix)
	}
	doc, err := h.describe(strings.TrimSuffix(path, "/"))
	if err != nil {
		return nil, fmt.Errorf("endpoint: %w", err)
	}
	return json.MarshalIndent(doc, "", " ")
}

func (h *Handler[T, R]) describe(base string) (map[string]any, error) {
	in, err := h.q.Inside(seam.Key{})
	if err != nil {
		return nil, err
	}
	var doc map[string]any
	if err := json.Unmarshal(description, &doc); err != nil {
		return nil, err
	}
	args, err := h.schema("Args", h.Args, reflect.TypeFor[T](), schemas{closed: !h.AllowUnknown})
	if err != nil {
		return nil, err
	}
	res, err := h.schema("Result", h.Result, reflect.TypeFor[R](), schemas{written: true})
	if err != nil {
		return nil, err
	}
	all := doc["components"].(map[string]any)["schemas"].(map[string]any)
	all["Args"], all["Result"] = args, res
	doc["info"].(map[string]any)["title"] = "Jobs of " + h.q.Name()
	doc["paths"] = moved(doc["paths"].(map[string]any), base)
	inMedia(doc["paths"], in.Mime)
	return doc, nil
}

// schema is the caller's, or that of a Go type, if JSON is how it is encoded.
func (h *Handler[T, R]) schema(what, own string, t reflect.Type, as schemas) (any, error) {
	if own == "" {
		if h.q.Codec == nil || h.q.Codec == queue.JSON {
			return as.of(t), nil
		}
		return true, nil
	}
	var s any
	if err := json.Unmarshal([]byte(own), &s); err != nil {
		return nil, fmt.Errorf("the schema of %s is not JSON: %w", what, err)
	}
	return s, nil
}

// moved has the paths begin with base.
func moved(paths map[string]any, base string) map[string]any {
	out := map[string]any{}
	for path, item := range paths {
		at := base + strings.TrimPrefix(path, DefaultPrefix)
		if at == "" {
			at = "/"
		}
		out[at] = item
	}
	return out
}

// inMedia puts args and results under the codec's content type, wherever they stand.
func inMedia(v any, media string) {
	m, ok := v.(map[string]any)
	if !ok {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		inMedia(m[name], media)
	}
	content, ok := m["content"].(map[string]any)
	if !ok {
		return
	}
	if j, ok := content["application/json"].(map[string]any); ok && isOurs(j["schema"]) {
		delete(content, "application/json")
		content[media] = j
	}
}

// isOurs reports whether a schema is that of args or results.
func isOurs(schema any) bool {
	ref, _ := schema.(map[string]any)["$ref"].(string)
	return strings.HasSuffix(ref, "/Args") || strings.HasSuffix(ref, "/Result")
}
