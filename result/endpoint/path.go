package endpoint

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/leat-go/leat/backends"
)

// place is what a path names.
type place struct {
	thing string // "jobs", "job", "result", "events" or "document"
	id    string // of a job
}

// allow are the methods of each thing.
var allow = map[string]string{
	"jobs":     "OPTIONS, POST",
	"job":      "DELETE, GET, HEAD, OPTIONS",
	"result":   "GET, HEAD, OPTIONS",
	"events":   "GET, OPTIONS",
	"document": "GET, HEAD, OPTIONS",
}

// parse reads a path below prefix, which is clean. Ids that no job can have are
// no place.
func parse(prefix, path string) (place, bool) {
	rest, ok := strings.CutPrefix(path, prefix)
	if !ok {
		return place{}, false
	}
	if rest == "" || rest == "/" {
		return place{thing: "jobs"}, true
	}
	id, slashed := strings.CutPrefix(rest, "/")
	id, what, deeper := strings.Cut(id, "/")
	switch {
	case !slashed || !isID(id):
	case !deeper && id == documentName:
		return place{thing: "document"}, true
	case !deeper:
		return place{"job", id}, true
	case what == "result", what == "events":
		return place{what, id}, true
	}
	return place{}, false
}

// isID reports whether a job can have this id: letters, digits and "-._~", which
// no URL has to escape.
func isID(s string) bool {
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~':
		default:
			return false
		}
	}
	return s != "" && len(s) <= backends.MaxName
}

// isName reports whether s can be a tenant.
func isName(s string) bool {
	return len(s) <= backends.MaxName && utf8.ValidString(s) && !strings.Contains(s, "\x00")
}

// cleanPrefix has a slash before it and none behind; "" is the root.
func cleanPrefix(p string) string {
	if p == "" {
		p = DefaultPrefix
	}
	if p = strings.Trim(p, "/"); p == "" {
		return ""
	}
	return "/" + p
}

// base is the prefix as the client sees it, for links. What was cut from the path
// on its way here, by http.StripPrefix say, still stands in the request line.
func base(requestURI, path, prefix string) string {
	mount := ""
	if u, err := url.ParseRequestURI(requestURI); err == nil {
		if cut, ok := strings.CutSuffix(u.Path, path); ok { // else it was rewritten in some other way
			mount = cut
		}
	}
	whole := strings.Trim(mount+prefix, "/\\")
	if whole == "" {
		return ""
	}
	return (&url.URL{Path: "/" + whole}).EscapedPath()
}
