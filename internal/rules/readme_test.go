package rules

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReadmeSnippetsAreExamples holds every Go block of the README against the
// Example functions, which go test compiles and runs: a snippet that isn't part
// of one may have rotted.
func TestReadmeSnippetsAreExamples(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := squeeze(exampleFiles(t))
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllSubmatch(readme, -1)
	if len(blocks) == 0 {
		t.Fatal("the README shows no Go")
	}
	for _, b := range blocks {
		if !strings.Contains(examples, squeeze(string(b[1]))) {
			t.Errorf("no Example contains this snippet of the README:\n%s", b[1])
		}
	}
}

// exampleFiles is the text of all files that hold Examples.
func exampleFiles(t *testing.T) string {
	var all strings.Builder
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasPrefix(d.Name(), "example") || !strings.HasSuffix(path, "_test.go") {
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
