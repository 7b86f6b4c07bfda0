package rules

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSnippetsAreTested holds every Go block of the pages that users copy from
// against what go test compiles and runs: Examples, programs under examples/ (each
// has a test), and, for the page on testing, tests. A snippet that isn't part of
// one may have rotted.
func TestSnippetsAreTested(t *testing.T) {
	for _, page := range []string{"README.md", "docs/testing.md", "docs/delivery.md", "docs/scaling.md"} {
		text, err := os.ReadFile("../../" + page)
		if err != nil {
			t.Fatal(err)
		}
		tested := squeeze(testedFiles(t))
		for _, b := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllSubmatch(text, -1) {
			if !strings.Contains(tested, squeeze(string(b[1]))) {
				t.Errorf("%s: no test or example contains this snippet:\n%s", page, b[1])
			}
		}
	}
}

// testedFiles is the text of all files that tests compile and run.
func testedFiles(t *testing.T) string {
	var all strings.Builder
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		program := strings.Contains(filepath.ToSlash(path), "/examples/") && strings.HasSuffix(path, ".go")
		if err != nil || d.IsDir() || !program && !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		all.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// squeeze makes indentation and line breaks not matter.
func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }
