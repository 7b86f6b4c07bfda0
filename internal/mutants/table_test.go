package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const table = `Words for people.
tests: ./a ./b

== R5 a stale token settles
a/life.go
-	if stale {
+	if false {
 		return lost

 	}
@@
+	extra()
 	done()
== R6 nothing is kept
a/life.go
-	keep()
`

func TestTableIsRead(t *testing.T) {
	got, err := parse(table)
	if err != nil {
		t.Fatal(err)
	}
	tests := []string{"./a", "./b"}
	want := []mutant{
		{
			rule: "R5", name: "a stale token settles", file: "a/life.go", tests: tests,
			edits: []edit{
				{"\n\tif stale {\n\t\treturn lost\n\n\t}", "\n\tif false {\n\t\treturn lost\n\n\t}"},
				{"\n\tdone()", "\n\textra()\n\tdone()"},
			},
		},
		{
			rule: "R6", name: "nothing is kept", file: "a/life.go", tests: tests,
			edits: []edit{{"\n\tkeep()", ""}},
			diff:  "-\tkeep()",
		},
	}
	want[0].diff = got[0].diff
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(mutant{}, edit{})); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(table, "a/life.go\n"+got[0].diff+"\n== R6") {
		t.Errorf("the diff of the first is %q", got[0].diff)
	}
}

func TestMistakesInATableAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"no tests":       "== R5 x\nf.go\n-\ta()\n",
		"no name":        "tests: ./a\n== R5\nf.go\n-\ta()\n",
		"no file":        "tests: ./a\n== R5 x\n",
		"a foreign line": "tests: ./a\n== R5 x\nf.go\n-\ta()\nb()\n",
		"no change":      "tests: ./a\n== R5 x\nf.go\n \ta()\n",
	} {
		if ms, err := parse(text); err == nil {
			t.Errorf("%s: read as %+v", name, ms)
		}
	}
}

func TestOldTextMustStandExactlyOnce(t *testing.T) {
	m := mutant{file: "f.go", edits: []edit{{"\n\ta()", "\n\tb()"}}}
	for src, want := range map[string]string{
		"{\n\ta()\n}\n":               "{\n\tb()\n}\n",
		"{\n\t\ta()\n}\n":             "", // other indentation
		"{\n\ta() + 1\n}\n":           "", // only part of a line
		"{\n\ta()\n}\n{\n\ta()\n}\n":  "",
		"{\n\ta()\n\ta()\n}\n":        "",
		"{\n\tc()\n\ta()\n\td()\n}\n": "{\n\tc()\n\tb()\n\td()\n}\n",
		"{\n\ta()\n}\n{\n\taa()\n}\n": "{\n\tb()\n}\n{\n\taa()\n}\n",
	} {
		got, err := m.apply([]byte(src))
		if string(got) != want || (err == nil) != (want != "") {
			t.Errorf("%q became %q, %v; want %q", src, got, err, want)
		}
	}
}

// TestTablesFitTheCode finds a change to the code that left a mutant behind
// without building one.
func TestTablesFitTheCode(t *testing.T) {
	ms, err := mutants()
	if err != nil {
		t.Fatal(err)
	}
	if len(ms) < 25 {
		t.Errorf("%d mutants, want at least 25", len(ms))
	}
	seen := map[string]bool{}
	for _, m := range ms {
		if seen[m.name] {
			t.Errorf("%q is there twice", m.name)
		}
		seen[m.name] = true
		src, err := os.ReadFile(filepath.Join("../..", m.file))
		if err != nil {
			t.Error(err)
			continue
		}
		if _, err := m.apply(src); err != nil {
			t.Errorf("%s %s: %v", m.rule, m.name, err)
		}
	}
}

func TestReasonIsTheInnermostFailure(t *testing.T) {
	for out, want := range map[string]string{
		"--- FAIL: TestA (0.1s)\n    --- FAIL: TestA/R5 (0.1s)\n        --- FAIL: TestA/R5/Stale (0s)\n": "TestA/R5/Stale",
		"panic: boom\n\ngoroutine 1\n": "panic: boom",
		"":                             "exit without a word",
	} {
		if got := reason(out); got != want {
			t.Errorf("reason of %q is %q, want %q", out, got, want)
		}
	}
}
