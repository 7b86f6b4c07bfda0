package endpoint

import (
	"strings"
	"testing"

	"github.com/leat-go/leat/backends"
)

// Whatever a path says, what is looked up is an id that a job can have, and links lead back.
func FuzzPath(f *testing.F) {
	for _, s := range []string{
		"", "/", "/jobs", "/jobs/", "/jobs/a", "/jobs/a/result", "/jobs/a/events", "/jobs/a/b", "/jobs/openapi.json", "/jobs/../x", "/jobs//result",
		"/jobs/%2e%2e", "/jobs/é", "/jobs/a\x00b", "/jobs/" + strings.Repeat("a", 257), "/jobsa", "/jobs/a/result/",
	} {
		f.Add(s, "jobs")
		f.Add(s, "/")
	}
	f.Fuzz(func(t *testing.T, path, prefix string) {
		at, ok := parse(cleanPrefix(prefix), path)
		if !ok {
			if at != (place{}) {
				t.Errorf("%q is no place, and %+v", path, at)
			}
			return
		}
		if allow[at.thing] == "" {
			t.Errorf("%q is a %q", path, at.thing)
		}
		switch at.thing {
		case "jobs", "document":
			if at.id != "" {
				t.Errorf("%q: %+v", path, at)
			}
		default:
			if at.id == "" || len(at.id) > backends.MaxName || strings.ContainsAny(at.id, "/%?# \x00") {
				t.Errorf("%q: id %q", path, at.id)
			}
			back, ok := parse("/jobs", jobLink("/jobs", at.id))
			if again := (place{"job", at.id}); !ok || back != again {
				t.Errorf("%q: the link leads to %+v", path, back)
			}
		}
	})
}
